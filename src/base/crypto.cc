#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/log.h"

namespace base {
namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

struct FreeMd {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

// Looking an algorithm up by name takes OpenSSL 3 longer than the digest of a payload, so contexts are kept per thread
// with the algorithm set, and only the key changes.
MacContext MakeMacContext(const char* digest) {
  static EVP_MAC* const kHmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  RB_CHECK(kHmac != nullptr);
  MacContext context(EVP_MAC_CTX_new(kHmac));
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),
                         OSSL_PARAM_construct_end()};
  RB_CHECK(context && EVP_MAC_CTX_set_params(context.get(), params) == 1);
  return context;
}

EVP_MAC_CTX* MacContextOf(Digest digest) {
  thread_local MacContext sha1 = MakeMacContext("SHA1");
  thread_local MacContext sha256 = MakeMacContext("SHA256");
  thread_local MacContext sha512 = MakeMacContext("SHA512");
  switch (digest) {
    case Digest::kSha1: return sha1.get();
    case Digest::kSha256: return sha256.get();
    case Digest::kSha512: return sha512.get();
  }
  return sha256.get();
}

const EVP_CIPHER* Aes256Gcm() {
  static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  RB_CHECK(kCipher != nullptr);
  return kCipher;
}

Error Corrupt() { return {Code::kCorrupt, "sealed value does not open with this key"}; }

}  // namespace

std::string Sha256(std::string_view bytes) {
  static EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local std::unique_ptr<EVP_MD_CTX, FreeMd> context(EVP_MD_CTX_new());
  std::string digest(32, '\0');
  RB_CHECK(EVP_DigestInit_ex2(context.get(), kSha256, nullptr) == 1 &&
           EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
           EVP_DigestFinal_ex(context.get(), Bytes(digest), nullptr) == 1);
  return digest;
}

std::string Hmac(Digest digest, std::string_view key, std::initializer_list<std::string_view> parts) {
  EVP_MAC_CTX* context = MacContextOf(digest);
  // A null key would mean "the one before".
  const unsigned char* key_bytes = key.empty() ? reinterpret_cast<const unsigned char*>("") : Bytes(key);
  RB_CHECK(EVP_MAC_init(context, key_bytes, key.size(), nullptr) == 1);
  for (std::string_view part : parts) RB_CHECK(EVP_MAC_update(context, Bytes(part), part.size()) == 1);
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  size_t size = 0;
  RB_CHECK(EVP_MAC_final(context, Bytes(mac), &size, mac.size()) == 1);
  mac.resize(size);
  return mac;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Seal(const Secret& key, std::string_view bound, std::string_view plain, Random& random) {
  RB_CHECK(key.Reveal().size() == kSealKeyBytes);
  std::string sealed(kNonceBytes + plain.size() + kTagBytes, '\0');
  random.Fill(sealed.data(), kNonceBytes);
  unsigned char* text = Bytes(sealed) + kNonceBytes;
  unsigned char* tag = text + plain.size();
  CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  RB_CHECK(EVP_EncryptInit_ex2(context.get(), Aes256Gcm(), Bytes(key.Reveal()), Bytes(sealed), nullptr) == 1 &&
           EVP_EncryptUpdate(context.get(), nullptr, &size, Bytes(bound), static_cast<int>(bound.size())) == 1 &&
           EVP_EncryptUpdate(context.get(), text, &size, Bytes(plain), static_cast<int>(plain.size())) == 1 &&
           EVP_EncryptFinal_ex(context.get(), tag, &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag) == 1);
  return sealed;
}

Result<Secret> Unseal(const Secret& key, std::string_view bound, std::string_view sealed) {
  RB_CHECK(key.Reveal().size() == kSealKeyBytes);
  if (sealed.size() < kNonceBytes + kTagBytes) return Corrupt();
  std::string_view text = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(text.size() + 1, '\0');  // never empty: OpenSSL takes a null output for bound data
  CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  RB_CHECK(EVP_DecryptInit_ex2(context.get(), Aes256Gcm(), Bytes(key.Reveal()), Bytes(sealed), nullptr) == 1 &&
           EVP_DecryptUpdate(context.get(), nullptr, &size, Bytes(bound), static_cast<int>(bound.size())) == 1 &&
           EVP_DecryptUpdate(context.get(), Bytes(plain), &size, Bytes(text), static_cast<int>(text.size())) == 1 &&
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, Bytes(tag)) == 1);
  if (EVP_DecryptFinal_ex(context.get(), Bytes(plain) + text.size(), &size) != 1) {
    OPENSSL_cleanse(plain.data(), plain.size());
    return Corrupt();
  }
  plain.pop_back();
  return Secret(std::move(plain));
}

}  // namespace base
