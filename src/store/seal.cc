#include "store/seal.h"

#include "base/crypto.h"
#include "base/hex.h"

namespace store {

using base::Code;
using base::Error;
using base::Result;
using base::Secret;

namespace {

constexpr std::string_view kFile = "secret.key";
constexpr std::string_view kCheck = "this is the key";

Error WrongKey(std::string message) { return {Code::kConflict, std::move(message)}; }

Result<Secret> ReadKey(const Directory& directory, bool is_new, base::Random& random) {
  RB_ASSIGN(Secret text, [&]() -> Result<Secret> {
    RB_ASSIGN(std::string bytes, directory.ReadFile(kFile));
    return Secret(std::move(bytes));
  }());
  if (text.empty()) {
    if (!is_new) return WrongKey(directory.File(kFile) + " is missing: without it the stored secrets cannot be read");
    std::string bytes(base::kSealKeyBytes, '\0');
    random.Fill(bytes.data(), bytes.size());
    Secret key(std::move(bytes));
    const Secret line(base::FormatHex(key.Reveal()) + "\n");
    RB_TRY(directory.WriteFile(kFile, line.Reveal()));
    return key;
  }
  std::string_view line = text.Reveal();
  if (line.ends_with('\n')) line.remove_suffix(1);
  auto bytes = base::ParseHex(line);
  if (!bytes) return WrongKey(directory.File(kFile) + " holds no key: 64 hexadecimal digits are expected");
  return Secret(std::move(*bytes));
}

}  // namespace

Result<Sealer> Sealer::Open(const Directory& directory, Db& db, const Secret& given, base::Random& random) {
  std::string check;
  if (Rows rows = db.Query("SELECT value FROM meta WHERE name = 'key check'"); rows.Next()) rows.Read(check);
  if (!db.ok()) return db.TakeError();
  Secret key = given;
  if (key.empty()) {
    RB_ASSIGN(key, ReadKey(directory, check.empty(), random));
  }
  if (key.Reveal().size() != base::kSealKeyBytes) return WrongKey("the key must have 32 bytes");
  Sealer sealer(std::move(key), random);
  if (check.empty()) {
    db.Exec("INSERT INTO meta VALUES ('key check', ?)", Blob{sealer.Seal("check", 0, kCheck)});
    if (!db.ok()) return db.TakeError();
    return sealer;
  }
  auto opened = sealer.Unseal("check", 0, kKeyNumber, check);
  if (!opened || opened->Reveal() != kCheck)
    return WrongKey("this is not the key that the data directory was made with");
  return sealer;
}

std::string Sealer::Seal(std::string_view column, int64_t row, std::string_view plain) const {
  return base::Seal(key_, std::string(column) + ":" + std::to_string(row), plain, *random_);
}

Result<Secret> Sealer::Unseal(std::string_view column, int64_t row, int64_t key_number, std::string_view sealed) const {
  if (key_number != kKeyNumber) {
    return Error(Code::kCorrupt, "sealed with key " + std::to_string(key_number) + ", which is not here");
  }
  return base::Unseal(key_, std::string(column) + ":" + std::to_string(row), sealed);
}

}  // namespace store
