// The query part of a request: pages, filters, sorting, includes and sparse fields.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace serve {

// Which parameters a route knows; any other is an error that names it.
enum class Accepts : uint8_t {
  kNothing,
  kDocument,  // include, fields
  kList,      // and page, sort, query, filter
  kFeed,      // after, wait, filter, page[size]
};

// Type to the names that shall be shown; a type that is not in it is shown whole.
using Fields = std::map<std::string, std::vector<std::string>, std::less<>>;

struct Params {
  std::vector<std::pair<std::string, std::string>> given;  // decoded, as they came
  store::Query list;
  std::vector<std::string> include;
  Fields fields;
  std::string after, wait;  // kFeed; empty: not given

  // The single value of a filter, which is then taken out; empty when it was not given.
  base::Result<std::string> TakeFilter(std::string_view name);
};

inline constexpr int kDefaultPage = 20;
inline constexpr int kLargestPage = 100;

// kInvalid with the name of the parameter as `where`.
base::Result<Params> ParseParams(std::string_view query, Accepts accepts);

}  // namespace serve
