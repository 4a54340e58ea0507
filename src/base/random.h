// Random: the one source of chance. Production bytes come from OpenSSL; tests pass a seeded one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace base {

class Random {
 public:
  virtual ~Random() = default;
  // Any thread may call.
  virtual void Fill(void* bytes, size_t size) = 0;

  uint64_t Next();
  double Fraction();                        // in [0, 1)
  std::string Alphanumeric(size_t length);  // without bias
};

std::unique_ptr<Random> MakeSecureRandom();
// Not for secrets: repeatable from `seed`.
std::unique_ptr<Random> MakeSeededRandom(uint64_t seed);

}  // namespace base
