#include "store/sqlite.h"

#include <sqlite3.h>

namespace store {

using base::Code;
using base::Error;

namespace {

Code CodeOf(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Code::kCorrupt;
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM: return Code::kUnavailable;
    default: return Code::kInternal;
  }
}

}  // namespace

Rows::Rows(Rows&& other) noexcept
    : db_(other.db_), prepared_(std::exchange(other.prepared_, nullptr)), own_(std::exchange(other.own_, nullptr)) {}

Rows::~Rows() {
  if (prepared_ != nullptr) {
    sqlite3_reset(prepared_->statement);
    prepared_->busy = false;
  }
  sqlite3_finalize(own_);
}

bool Rows::Next() {
  if (!db_->ok() || statement() == nullptr) return false;
  int code = sqlite3_step(statement());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) db_->FailWith(code, sqlite3_sql(statement()));
  return false;
}

void Rows::Check(int code) {
  if (code != SQLITE_OK) db_->FailWith(code, "bind");
}

void Rows::BindNull(int index) {
  if (statement() != nullptr) Check(sqlite3_bind_null(statement(), index));
}

void Rows::Bind(int index, int64_t value) {
  if (statement() != nullptr) Check(sqlite3_bind_int64(statement(), index, value));
}

void Rows::Bind(int index, std::string_view text) {
  if (statement() == nullptr) return;
  const char* bytes = text.data() == nullptr ? "" : text.data();
  auto* owner = copies_ ? SQLITE_TRANSIENT : SQLITE_STATIC;
  Check(sqlite3_bind_text64(statement(), index, bytes, text.size(), owner, SQLITE_UTF8));
}

void Rows::Bind(int index, Blob blob) {
  if (statement() == nullptr) return;
  const char* bytes = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  Check(sqlite3_bind_blob64(statement(), index, bytes, blob.bytes.size(), copies_ ? SQLITE_TRANSIENT : SQLITE_STATIC));
}

// Formatted here and gone at the end: always copied.
void Rows::BindJson(int index, const base::json::value& value) {
  if (statement() == nullptr) return;
  const std::string text = base::FormatJson(value);
  Check(sqlite3_bind_text64(statement(), index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Rows::Bind(int index, const base::json::object& value) {
  if (value.empty()) return BindNull(index);
  BindJson(index, value);
}

void Rows::Bind(int index, const base::json::array& value) {
  if (value.empty()) return BindNull(index);
  BindJson(index, value);
}

void Rows::Bind(int index, const Value& value) {
  std::visit([&](const auto& v) { Bind(index, v); }, value);
}

bool Rows::IsNull(int column) const { return sqlite3_column_type(statement(), column) == SQLITE_NULL; }
int64_t Rows::GetInt(int column) const { return sqlite3_column_int64(statement(), column); }

std::string_view Rows::GetText(int column) const {
  const void* bytes = sqlite3_column_blob(statement(), column);
  auto size = static_cast<size_t>(sqlite3_column_bytes(statement(), column));
  return bytes == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(bytes), size);
}

base::json::value Rows::GetJson(int column) const {
  std::string_view text = GetText(column);
  if (text.empty()) return nullptr;
  auto value = base::ParseJson(text, 64);
  if (value) return std::move(*value);
  db_->Fail(Error(Code::kCorrupt, "stored JSON: " + value.error().message));
  return nullptr;
}

base::Result<std::unique_ptr<Db>> Db::Open(const std::string& path, const std::string& vfs, Mode mode, int cache_kib) {
  // Statistics of memory cost a lock shared by all connections. Only the first call of the process counts.
  [[maybe_unused]] static const int kConfigured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  std::unique_ptr<Db> db(new Db);
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
              (mode == Mode::kWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE);
  int code = sqlite3_open_v2(path.c_str(), &db->handle_, flags, vfs.empty() ? nullptr : vfs.c_str());
  if (code != SQLITE_OK) {
    db->FailWith(code, "open " + path);
    return db->TakeError();
  }
  // Another program may hold the file for a moment (a backup); none of our own connections ever waits for another.
  sqlite3_busy_timeout(db->handle_, 5000);
  sqlite3_db_config(db->handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_wal_autocheckpoint(db->handle_, 0);
  sqlite3_wal_hook(db->handle_, &Db::OnCommit, db.get());
  db->Run("PRAGMA cache_size=-" + std::to_string(cache_kib) + "; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;");
  if (mode == Mode::kRead) db->Run("PRAGMA query_only=ON");
  if (!db->ok()) return db->TakeError();
  return db;
}

Db::~Db() {
  for (auto& [sql, prepared] : cache_) sqlite3_finalize(prepared.statement);
  sqlite3_close_v2(handle_);
}

int Db::OnCommit(void* self, sqlite3*, const char*, int pages) {
  static_cast<Db*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

Error Db::TakeError() {
  local_ = false;
  return *std::exchange(error_, std::nullopt);
}

void Db::Fail(Error error) {
  if (error_) return;
  local_ = true;
  error_ = std::move(error);
}

void Db::FailWith(int code, std::string_view doing) {
  if (error_) return;
  local_ = (code & 0xff) == SQLITE_CONSTRAINT;
  std::string message = "store: ";
  message += handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  message += " (" + std::to_string(code) + ") in: ";
  message += doing.substr(0, 120);
  error_ = Error(CodeOf(code), std::move(message));
}

sqlite3_stmt* Db::Prepare(std::string_view sql, unsigned flags) {
  if (!ok()) return nullptr;
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), flags, &statement, nullptr);
  if (code != SQLITE_OK) FailWith(code, sql);
  return statement;
}

Rows Db::Use(const char* sql) {
  Rows::Prepared& prepared = cache_[sql];
  if (prepared.busy) return Rows(this, nullptr, Prepare(sql, 0));
  if (prepared.statement == nullptr) prepared.statement = Prepare(sql, SQLITE_PREPARE_PERSISTENT);
  if (prepared.statement == nullptr) return Rows(this, nullptr, nullptr);
  prepared.busy = true;
  return Rows(this, &prepared, nullptr);
}

Rows Db::QueryText(const std::string& sql, const std::vector<Value>& args) {
  Rows rows(this, nullptr, Prepare(sql, 0));
  int index = 0;
  for (const Value& arg : args) rows.Bind(++index, arg);
  return rows;
}

void Db::Run(const std::string& script) {
  if (!ok()) return;
  int code = sqlite3_exec(handle_, script.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) FailWith(code, script);
}

int64_t Db::changed() const { return sqlite3_changes64(handle_); }
int64_t Db::all_changed() const { return sqlite3_total_changes64(handle_); }
int64_t Db::last_id() const { return sqlite3_last_insert_rowid(handle_); }

base::Status Db::Checkpoint(CheckpointMode mode) {
  int native = mode == CheckpointMode::kPassive ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_TRUNCATE;
  int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, native, nullptr, nullptr);
  // Busy: another connection checkpoints or reads just now, and the log stays for the next time.
  if (code == SQLITE_OK || code == SQLITE_BUSY) return {};
  FailWith(code, "checkpoint");
  return TakeError();
}

}  // namespace store
