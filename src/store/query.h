// Lists: one table per resource says what may be filtered and sorted by, and one function turns a Query into SQL.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/rows.h"
#include "store/sqlite.h"

namespace store {

struct Field {
  enum class Kind {
    kId,  // values are ids with `prefix`
    kText,
    kNumber,
    kFlag,     // true, false
    kName,     // values are names that `parse` turns into the stored number
    kTime,     // a range
    kIdTime,   // a range, of the time in which an id was made
    kAccount,  // the account's id
  };
  std::string_view name;
  Kind kind = Kind::kText;
  // The column; or, with "{}" in it, a condition that takes the list of values.
  std::string_view sql;
  bool filter = false, sort = false;
  std::string_view prefix = {};
  std::optional<int64_t> (*parse)(std::string_view) = nullptr;
};

struct ListTable {
  std::string_view columns, from;
  std::string_view id;      // the column
  std::string_view prefix;  // of ids in their outside form
  std::string_view live;    // condition: not deleted; empty: nothing is
  std::string_view search;  // the column that the text is looked for in
  std::span<const Field> fields;
};

struct Selection {
  std::string where, order;
  std::vector<Value> args;
};
// kInvalid names what is unknown: "filter[name]", "sort".
base::Result<Selection> Select(const ListTable& table, const Query& query, std::string_view account);

// A page of rows that also fulfil `visible`.
template <class Read>
auto ReadPage(Db& db, const ListTable& table, const Query& query, std::string_view account, const std::string& visible,
              Read read) -> base::Result<Page<decltype(read(std::declval<Rows&>()))>> {
  Page<decltype(read(std::declval<Rows&>()))> page;
  RB_ASSIGN(Selection selection, Select(table, query, account));
  const std::string from = " FROM " + std::string(table.from) + " WHERE " + selection.where + " AND " + visible;
  if (Rows rows = db.QueryText("SELECT count(*)" + from, selection.args); rows.Next()) rows.Read(page.total);
  std::vector<Value> args = std::move(selection.args);
  args.emplace_back(int64_t{query.size});
  args.emplace_back(std::max<int64_t>(int64_t{query.page} - 1, 0) * query.size);
  Rows rows = db.QueryText(
      "SELECT " + std::string(table.columns) + from + " ORDER BY " + selection.order + " LIMIT ? OFFSET ?", args);
  while (rows.Next()) page.items.push_back(read(rows));
  return page;
}

// One row by its id, if it is live and `visible`.
template <class Read>
auto ReadOne(Db& db, const ListTable& table, int64_t id, const std::string& visible, Read read)
    -> std::optional<decltype(read(std::declval<Rows&>()))> {
  std::string sql = "SELECT " + std::string(table.columns) + " FROM " + std::string(table.from) + " WHERE " +
                    std::string(table.id) + " = ? AND " + visible;
  if (!table.live.empty()) sql += " AND " + std::string(table.live);
  Rows rows = db.QueryText(sql, {Value(id)});
  if (!rows.Next()) return std::nullopt;
  return read(rows);
}

}  // namespace store
