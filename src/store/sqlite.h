// A thin layer over SQLite: a connection with its cached statements, and values in and out by their C++ types.
//
// Errors stick: after the first one every further statement of the connection does nothing and yields no row, until
// TakeError(). So a verb is written straight through, and whoever runs it asks once, at its end, whether what it read
// and wrote was true. One thread at a time may use a connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time_text.h"

struct sqlite3;
struct sqlite3_stmt;

namespace store {

// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

using Value = std::variant<std::monostate, int64_t, std::string>;

class Db;

// The rows of one statement; the statement is free again when this goes.
class Rows {
 public:
  Rows(Rows&& other) noexcept;
  Rows& operator=(Rows&&) = delete;
  ~Rows();

  // Moves to the next row; false at the end or after an error.
  bool Next();
  // The column's value; optional<T> reads NULL as none, every other type as its empty value.
  template <class T>
  T Get(int column) const;
  // The row's values from the left.
  template <class... T>
  void Read(T&... out) const {
    int column = 0;
    ((out = Get<T>(column++)), ...);
  }

  void Bind(int index, std::monostate) { BindNull(index); }
  void Bind(int index, int64_t value);
  void Bind(int index, int value) { Bind(index, int64_t{value}); }
  void Bind(int index, bool value) { Bind(index, int64_t{value}); }
  void Bind(int index, std::string_view text);
  void Bind(int index, const std::string& text) { Bind(index, std::string_view(text)); }
  void Bind(int index, const char* text) { Bind(index, std::string_view(text)); }
  void Bind(int index, Blob blob);
  void Bind(int index, base::WallTime t) { Bind(index, base::ToMicros(t)); }
  void Bind(int index, const base::json::object& value);  // an empty one is NULL
  void Bind(int index, const base::json::array& value);
  void Bind(int index, const Value& value);
  template <class Kind>
  void Bind(int index, base::Id<Kind> id) {
    Bind(index, id.value);
  }
  template <class E>
  requires std::is_enum_v<E>
  void Bind(int index, E value) { Bind(index, static_cast<int64_t>(value)); }
  template <class T>
  void Bind(int index, const std::optional<T>& value) {
    if (value) {
      Bind(index, *value);
    } else {
      BindNull(index);
    }
  }

 private:
  friend class Db;
  struct Prepared {
    sqlite3_stmt* statement = nullptr;
    bool busy = false;
  };
  Rows(Db* db, Prepared* prepared, sqlite3_stmt* own) : db_(db), prepared_(prepared), own_(own) {}
  sqlite3_stmt* statement() const { return prepared_ != nullptr ? prepared_->statement : own_; }
  void BindNull(int index);
  void BindJson(int index, const base::json::value& value);
  void Check(int code);
  bool IsNull(int column) const;
  int64_t GetInt(int column) const;
  std::string_view GetText(int column) const;
  base::json::value GetJson(int column) const;

  Db* db_;
  Prepared* prepared_;  // a cached statement, or
  sqlite3_stmt* own_;   // one of our own
  bool copies_ = true;  // what is bound; otherwise it outlives the last step
};

class Db {
 public:
  enum class Mode { kWrite, kRead };
  enum class CheckpointMode { kPassive, kTruncate };
  // Opens `path`; kWrite makes the file when it is missing. `cache_kib` bounds the page cache.
  static base::Result<std::unique_ptr<Db>> Open(const std::string& path, const std::string& vfs, Mode mode,
                                                int cache_kib);
  ~Db();
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;

  bool ok() const { return !error_.has_value(); }
  // Whether the error concerns one statement or one row only (a constraint, a value that Fail() found damaged), so that
  // undoing the verb is enough; otherwise the disk or the file itself is at fault.
  bool is_local() const { return local_; }
  base::Error TakeError();
  void Fail(base::Error error);  // what was read makes no sense; the first one sticks

  // `sql` must be a literal: statements are kept by its address.
  template <class... A>
  Rows Query(const char* sql, const A&... args) {
    Rows rows = Use(sql);
    int index = 0;
    (rows.Bind(++index, args), ...);
    return rows;
  }
  template <class... A>
  void Exec(const char* sql, const A&... args) {
    Rows rows = Use(sql);
    rows.copies_ = false;
    int index = 0;
    (rows.Bind(++index, args), ...);
    while (rows.Next()) {
    }
  }
  // For statements that are put together.
  Rows QueryText(const std::string& sql, const std::vector<Value>& args);
  // Several statements without parameters (schema, settings).
  void Run(const std::string& script);
  // Reads one number; 0 when there is no row.
  template <class... A>
  int64_t Number(const char* sql, const A&... args) {
    Rows rows = Query(sql, args...);
    return rows.Next() ? rows.template Get<int64_t>(0) : 0;
  }

  int64_t changed() const;      // rows, by the last statement
  int64_t all_changed() const;  // rows, since the connection was opened
  int64_t last_id() const;
  // Pages in the write-ahead log after this connection's last commit.
  int wal_pages() const { return wal_pages_; }
  base::Status Checkpoint(CheckpointMode mode);

 private:
  friend class Rows;
  Db() = default;
  Rows Use(const char* sql);
  sqlite3_stmt* Prepare(std::string_view sql, unsigned flags);
  void FailWith(int code, std::string_view doing);
  static int OnCommit(void* self, sqlite3*, const char*, int pages);

  sqlite3* handle_ = nullptr;
  std::unordered_map<const char*, Rows::Prepared> cache_;
  std::optional<base::Error> error_;
  bool local_ = false;
  int wal_pages_ = 0;
};

template <class T>
struct IsId : std::false_type {};
template <class Kind>
struct IsId<base::Id<Kind>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
T Rows::Get(int column) const {
  if constexpr (IsOptional<T>::value) {
    if (IsNull(column)) return std::nullopt;
    return Get<typename T::value_type>(column);
  } else if constexpr (IsId<T>::value) {
    return T{GetInt(column)};
  } else if constexpr (std::is_same_v<T, bool>) {
    return GetInt(column) != 0;
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    return static_cast<T>(GetInt(column));
  } else if constexpr (std::is_same_v<T, base::WallTime>) {
    return base::FromMicros(GetInt(column));
  } else if constexpr (std::is_same_v<T, base::json::object>) {
    auto value = GetJson(column);
    return value.is_object() ? std::move(value.as_object()) : base::json::object();
  } else if constexpr (std::is_same_v<T, base::json::array>) {
    auto value = GetJson(column);
    return value.is_array() ? std::move(value.as_array()) : base::json::array();
  } else {
    return T(GetText(column));  // std::string; string_view holds until the next step
  }
}

}  // namespace store
