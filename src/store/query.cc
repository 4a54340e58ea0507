#include "store/query.h"

#include <algorithm>

#include "base/ids.h"
#include "base/time_text.h"

namespace store {

using base::Result;

namespace {

const Field* FindField(const ListTable& table, std::string_view name, bool Field::*use) {
  auto found = std::find_if(table.fields.begin(), table.fields.end(),
                            [&](const Field& field) { return field.name == name && field.*use; });
  return found == table.fields.end() ? nullptr : &*found;
}

std::string Names(const ListTable& table, bool Field::*use) {
  std::string names;
  for (const Field& field : table.fields) {
    if (field.*use) names += (names.empty() ? "" : ", ") + std::string(field.name);
  }
  return names.empty() ? "none" : names;
}

std::optional<int64_t> ParseNumber(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  int64_t number = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

base::Error BadFilter(std::string_view name, std::string message) {
  return base::Invalid(std::move(message), "filter[" + std::string(name) + "]");
}

std::optional<int64_t> ParseFlag(std::string_view text) {
  if (text != "true" && text != "false") return std::nullopt;
  return text == "true" ? 1 : 0;
}

// The stored form of a filter's value. An id that nothing here can have matches nothing; any other value that no row
// can have is a slip of the pen, which an empty list would hide.
Result<Value> StoredValue(const Field& field, const std::string& text, std::string_view account) {
  constexpr int64_t kNoId = 0;
  std::optional<int64_t> number;
  switch (field.kind) {
    case Field::Kind::kId: return Value(base::ParseId(field.prefix, text).value_or(kNoId));
    case Field::Kind::kAccount: return Value(int64_t{text == account ? 1 : 0});
    case Field::Kind::kNumber: number = ParseNumber(text); break;
    case Field::Kind::kFlag: number = ParseFlag(text); break;
    case Field::Kind::kName: number = field.parse(text); break;
    default: return Value(text);
  }
  if (number) return Value(*number);
  const std::string_view wanted = field.kind == Field::Kind::kNumber ? "a whole number is expected"
                                  : field.kind == Field::Kind::kFlag ? "true or false is expected"
                                                                     : "it can have no such value";
  return BadFilter(field.name, std::string(wanted) + ": " + text);
}

base::Status AddRange(const Field& field, const Query::Filter& filter, Selection& out) {
  if (!filter.between || filter.values.size() != 2) {
    return BadFilter(filter.name, "a range is expected, as between:2026-01-01T00:00:00Z,2026-02-01T00:00:00Z");
  }
  int64_t bounds[2] = {};
  for (int i = 0; i < 2; ++i) {
    auto t = base::ParseTime(filter.values[static_cast<size_t>(i)]);
    if (!t) return BadFilter(filter.name, "not a time: " + filter.values[static_cast<size_t>(i)]);
    // Both ends belong to the range, and the later one to the end of its second: that is how times are shown.
    const base::WallTime edge = i == 0 ? *t : std::chrono::floor<std::chrono::seconds>(*t) + std::chrono::seconds(1);
    bounds[i] = (field.kind == Field::Kind::kIdTime ? base::FirstIdAt(edge) : base::ToMicros(edge)) - i;
  }
  out.where += " AND " + std::string(field.sql) + " BETWEEN ? AND ?";
  out.args.insert(out.args.end(), {Value(bounds[0]), Value(bounds[1])});
  return {};
}

base::Status AddFilter(const ListTable& table, const Query::Filter& filter, std::string_view account, Selection& out) {
  const Field* field = FindField(table, filter.name, &Field::filter);
  if (field == nullptr) {
    return BadFilter(filter.name, "unknown filter; there are: " + Names(table, &Field::filter));
  }
  if (field->kind == Field::Kind::kTime || field->kind == Field::Kind::kIdTime) return AddRange(*field, filter, out);
  std::string list;
  for (const std::string& text : filter.values) {
    RB_ASSIGN(Value value, StoredValue(*field, text, account));
    list += list.empty() ? "?" : ",?";
    out.args.push_back(std::move(value));
  }
  const std::string sql(field->sql);
  if (auto hole = sql.find("{}"); hole != std::string::npos) {
    out.where += " AND " + sql.substr(0, hole) + list + sql.substr(hole + 2);
  } else {
    out.where += " AND " + sql + " IN (" + list + ")";
  }
  return {};
}

base::Status AddOrder(const ListTable& table, const Query& query, Selection& out) {
  for (const Query::Sort& sort : query.sort) {
    const Field* field = FindField(table, sort.name, &Field::sort);
    if (field == nullptr) {
      return base::Invalid("cannot sort by " + sort.name + "; there are: " + Names(table, &Field::sort), "sort");
    }
    out.order += std::string(field->sql) + (sort.descending ? " DESC, " : ", ");
  }
  out.order += std::string(table.id) + " DESC";
  return {};
}

}  // namespace

Result<Selection> Select(const ListTable& table, const Query& query, std::string_view account) {
  Selection out;
  out.where = table.live.empty() ? "1" : std::string(table.live);
  for (const Query::Filter& filter : query.filters) RB_TRY(AddFilter(table, filter, account, out));
  if (!query.text.empty()) {
    out.where += " AND (instr(lower(" + std::string(table.search) + "), lower(?)) > 0";
    out.args.emplace_back(query.text);
    if (auto id = base::ParseId(table.prefix, query.text)) {
      out.where += " OR " + std::string(table.id) + " = ?";
      out.args.emplace_back(*id);
    }
    out.where += ")";
  }
  RB_TRY(AddOrder(table, query, out));
  return out;
}

}  // namespace store
