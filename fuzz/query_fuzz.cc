// The query of a request: pages, filters, sorting, includes and sparse fields.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/log.h"
#include "net/net.h"
#include "serve/query.h"

namespace {

void CheckList(const store::Query& list) {
  RB_CHECK(list.page >= 1 && list.size >= 1 && list.size <= serve::kLargestPage);
  std::set<std::string> names;
  for (const auto& filter : list.filters) {
    RB_CHECK(!filter.name.empty() && !filter.values.empty() && names.insert(filter.name).second);
    RB_CHECK(!filter.between || filter.values.size() == 2);
  }
  for (const auto& sort : list.sort) RB_CHECK(!sort.name.empty() || sort.descending);
}

void TryQuery(std::string_view query, serve::Accepts accepts) {
  auto params = serve::ParseParams(query, accepts);
  if (!params) {
    RB_CHECK(params.error().code == base::Code::kInvalid && !params.error().message.empty());
    return;
  }
  RB_CHECK(accepts != serve::Accepts::kNothing || params->given.empty());
  CheckList(params->list);
  // What was understood, written anew, is understood the same way.
  std::string again;
  for (const auto& [name, value] : params->given) {
    again += (again.empty() ? "" : "&") + net::EncodePercent(name) + "=" + net::EncodePercent(value);
  }
  auto repeated = serve::ParseParams(again, accepts);
  RB_CHECK(repeated.has_value() && repeated->given == params->given);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view query(reinterpret_cast<const char*>(data), size);
  using serve::Accepts;
  for (Accepts accepts : {Accepts::kNothing, Accepts::kDocument, Accepts::kList, Accepts::kFeed}) {
    TryQuery(query, accepts);
  }
  return 0;
}
