#include "serve/query.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/net.h"
#include "serve/errors.h"

namespace serve {
namespace {

using base::Result;
using base::Status;

constexpr size_t kMaxParameters = 64;
constexpr size_t kMaxValues = 100;
constexpr size_t kMaxSortKeys = 5;
constexpr int kLastPage = 10'000'000;

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    size_t comma = text.find(',');
    if (auto part = text.substr(0, comma); !part.empty()) parts.emplace_back(part);
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

// "x" of "filter[x]"; none when the name has another form.
std::optional<std::string_view> Inside(std::string_view name, std::string_view family) {
  if (name.size() < family.size() + 3 || !name.starts_with(family) || name[family.size()] != '[' ||
      name.back() != ']') {
    return std::nullopt;
  }
  return name.substr(family.size() + 1, name.size() - family.size() - 2);
}

Status TakePage(Params& params, const std::string& name, std::string_view value) {
  bool number = name == "page[number]";
  int limit = number ? kLastPage : kLargestPage;
  int parsed = 0;
  auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (fault != std::errc() || end != value.data() + value.size() || parsed < 1 || parsed > limit) {
    return InvalidParameter(name, "value must be an integer between 1 and " + std::to_string(limit));
  }
  (number ? params.list.page : params.list.size) = parsed;
  return {};
}

// Names and urls may contain commas, so for them only `in:` makes a list.
bool IsPlainList(std::string_view filter) { return filter != "name" && filter != "url"; }

// A token acts as a user of the same number; the store knows it as a token.
void TranslateUsers(store::Query::Filter& filter) {
  if (filter.name != "created-by" && filter.name != "triggered-by") return;
  for (auto& value : filter.values) {
    if (auto user = base::Parse<base::UserId>(value)) value = base::Format(base::TokenId{user->value});
  }
}

Status TakeFilterValue(Params& params, const std::string& name, std::string_view filter, std::string_view value) {
  store::Query::Filter taken;
  taken.name = filter;
  if (value.starts_with("between:")) {
    taken.between = true;
    taken.values = Split(value.substr(8));
    if (taken.values.size() != 2) return InvalidParameter(name, "value must have the form between:FROM,TO");
  } else if (value.starts_with("in:")) {
    taken.values = Split(value.substr(3));
  } else if (IsPlainList(filter)) {
    taken.values = Split(value);
  } else if (!value.empty()) {
    taken.values = {std::string(value)};
  }
  if (taken.values.empty()) return InvalidParameter(name, "value must not be empty");
  if (taken.values.size() > kMaxValues) return InvalidParameter(name, "value has too many entries");
  TranslateUsers(taken);
  params.list.filters.push_back(std::move(taken));
  return {};
}

Status TakeSort(Params& params, std::string_view value) {
  auto& sort = params.list.sort;
  for (const auto& key : Split(value)) {
    const bool descending = key.front() == '-';
    store::Query::Sort taken{key.substr(descending ? 1 : 0), descending};
    const bool again = std::any_of(sort.begin(), sort.end(), [&](const auto& one) { return one.name == taken.name; });
    if (again) return InvalidParameter("sort", "value names '" + taken.name + "' twice");
    if (sort.size() == kMaxSortKeys) {
      return InvalidParameter("sort", "value has more than " + std::to_string(kMaxSortKeys) + " keys");
    }
    sort.push_back(std::move(taken));
  }
  return {};
}

Status Take(Params& params, const std::string& name, const std::string& value, Accepts accepts) {
  const bool list = accepts == Accepts::kList;
  const bool feed = accepts == Accepts::kFeed;
  if (list || accepts == Accepts::kDocument) {
    if (name == "include") {
      params.include = Split(value);
      return {};
    }
    if (auto type = Inside(name, "fields")) {
      params.fields[std::string(*type)] = Split(value);
      return {};
    }
  }
  if ((list && (name == "page[number]" || name == "page[size]")) || (feed && name == "page[size]")) {
    return TakePage(params, name, value);
  }
  if (auto filter = Inside(name, "filter"); filter && (list || feed)) {
    return TakeFilterValue(params, name, *filter, value);
  }
  if (list && name == "sort") {
    return TakeSort(params, value);
  } else if (list && name == "query") {
    params.list.text = value;
  } else if (feed && name == "after") {
    params.after = value;
  } else if (feed && name == "wait") {
    params.wait = value;
  } else {
    return InvalidParameter(name, "unknown parameter '" + name + "'");
  }
  return {};
}

}  // namespace

Result<std::string> Params::TakeFilter(std::string_view name) {
  auto found = std::find_if(list.filters.begin(), list.filters.end(), [&](const auto& f) { return f.name == name; });
  if (found == list.filters.end()) return std::string();
  auto filter = std::move(*found);
  list.filters.erase(found);
  if (filter.values.size() == 1) return std::move(filter.values.front());
  return InvalidParameter("filter[" + filter.name + "]", "one value is expected");
}

Result<Params> ParseParams(std::string_view query, Accepts accepts) {
  Params params;
  params.list.size = kDefaultPage;
  while (!query.empty()) {
    auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    size_t equals = std::min(part.find('='), part.size());
    auto name = net::DecodePercent(part.substr(0, equals), true);
    auto value = net::DecodePercent(part.substr(std::min(equals + 1, part.size())), true);
    if (!name || !value || !base::IsUtf8(*name) || !base::IsUtf8(*value)) {
      return InvalidParameter(CleanText(part.substr(0, equals)), "not well-formed percent-encoded UTF-8");
    }
    const auto same = [&](const auto& other) { return other.first == *name; };
    if (std::any_of(params.given.begin(), params.given.end(), same)) {
      return InvalidParameter(*name, "the parameter is given twice");
    }
    if (params.given.size() == kMaxParameters) return InvalidParameter(*name, "too many parameters");
    RB_TRY(Take(params, *name, *value, accepts));
    params.given.emplace_back(std::move(*name), std::move(*value));
  }
  return params;
}

}  // namespace serve
