#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/guarded.h"
#include "base/log.h"

namespace base {
namespace {

// A call to OpenSSL costs about a microsecond whatever its size, so small wishes are served from a stock.
class SecureRandom : public Random {
 public:
  void Fill(void* bytes, size_t size) override {
    if (size > kStockBytes / 4) {
      FillFresh(static_cast<unsigned char*>(bytes), size);
      return;
    }
    auto stock = stock_.Lock();
    if (stock->left < size) {
      FillFresh(stock->bytes.data(), kStockBytes);
      stock->left = kStockBytes;
    }
    stock->left -= size;
    unsigned char* taken = stock->bytes.data() + stock->left;
    std::memcpy(bytes, taken, size);
    OPENSSL_cleanse(taken, size);  // what was handed out may be a key
  }

 private:
  static constexpr size_t kStockBytes = 4096;
  struct Stock {
    std::array<unsigned char, kStockBytes> bytes{};
    size_t left = 0;
  };
  static void FillFresh(unsigned char* bytes, size_t size) {
    constexpr size_t kMost = 1 << 20;  // OpenSSL takes an int
    while (size > 0) {
      size_t part = size < kMost ? size : kMost;
      RB_CHECK(RAND_bytes(bytes, static_cast<int>(part)) == 1);
      bytes += part;
      size -= part;
    }
  }
  Guarded<Stock> stock_;
};

// SplitMix64.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  void Fill(void* bytes, size_t size) override {
    auto state = state_.Lock();
    auto* out = static_cast<unsigned char*>(bytes);
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
      uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
      z ^= z >> 31;
      std::memcpy(out + i, &z, std::min(sizeof(z), size - i));
    }
  }

 private:
  Guarded<uint64_t> state_;
};

}  // namespace

uint64_t Random::Next() {
  uint64_t value;
  Fill(&value, sizeof(value));
  return value;
}

double Random::Fraction() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

std::string Random::Alphanumeric(size_t length) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned char kUnbiased = 256 / kAlphabet.size() * kAlphabet.size();
  std::string text;
  text.reserve(length);
  std::array<unsigned char, 64> bytes;
  while (text.size() < length) {
    Fill(bytes.data(), bytes.size());
    for (unsigned char byte : bytes) {
      if (byte < kUnbiased && text.size() < length) text += kAlphabet[byte % kAlphabet.size()];
    }
  }
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return text;
}

std::unique_ptr<Random> MakeSecureRandom() { return std::make_unique<SecureRandom>(); }
std::unique_ptr<Random> MakeSeededRandom(uint64_t seed) { return std::make_unique<SeededRandom>(seed); }

}  // namespace base
