// Sealing of what must not be readable on the disk: secrets and headers of endpoints.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/directory.h"
#include "store/sqlite.h"

namespace store {

// Any thread may use one.
class Sealer {
 public:
  // The key is `given`, or else the one in the key file, which is made when the database is new. kConflict when it is
  // not the key that the database was made with.
  static base::Result<Sealer> Open(const Directory& directory, Db& db, const base::Secret& given, base::Random& random);

  int64_t key_number() const { return kKeyNumber; }
  // `column` and `row` are bound into the sealed bytes: they cannot be moved to another place.
  std::string Seal(std::string_view column, int64_t row, std::string_view plain) const;
  // kCorrupt when the bytes were changed or moved, or sealed with a key that is not here.
  base::Result<base::Secret> Unseal(std::string_view column, int64_t row, int64_t key_number,
                                    std::string_view sealed) const;

 private:
  static constexpr int64_t kKeyNumber = 1;
  Sealer(base::Secret key, base::Random& random) : key_(std::move(key)), random_(&random) {}
  base::Secret key_;
  base::Random* random_;
};

}  // namespace store
