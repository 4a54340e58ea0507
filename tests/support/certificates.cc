#include "support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <memory>
#include <mutex>

#include "base/log.h"

namespace testing_support {

namespace {

constexpr long kYear = 365L * 24 * 3600;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* x509) const { X509_free(x509); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

struct Certificate {
  std::unique_ptr<EVP_PKEY, Free> key;
  std::unique_ptr<X509, Free> x509;
};

void AddExtension(X509* x509, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  RB_CHECK(extension != nullptr);
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
}

// `issuer` null: signs itself.
Certificate Make(const char* name, const Certificate* issuer, const char* alternative_names, long valid_until) {
  static long serial = 0;
  Certificate made{decltype(Certificate::key)(EVP_EC_gen("P-256")), decltype(Certificate::x509)(X509_new())};
  X509* x509 = made.x509.get();
  RB_CHECK(made.key != nullptr && x509 != nullptr);
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509), -2 * kYear);
  X509_gmtime_adj(X509_getm_notAfter(x509), valid_until);
  X509_set_pubkey(x509, made.key.get());
  X509_NAME* subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  const Certificate& signer = issuer == nullptr ? made : *issuer;
  X509_set_issuer_name(x509, X509_get_subject_name(signer.x509.get()));
  if (alternative_names == nullptr) {
    AddExtension(x509, signer.x509.get(), NID_basic_constraints, "critical,CA:TRUE");
  } else {
    AddExtension(x509, signer.x509.get(), NID_subject_alt_name, alternative_names);
  }
  RB_CHECK(X509_sign(x509, signer.key.get(), EVP_sha256()) > 0);
  return made;
}

const Certificate& Authority() {
  static const Certificate kAuthority = Make("Test authority", nullptr, nullptr, kYear);
  return kAuthority;
}

Certificate MakeLeaf(CertificateKind kind) {
  constexpr const char* kHere = "IP:127.0.0.1,IP:127.0.0.2,IP:::1,DNS:localhost,DNS:hook.test";
  switch (kind) {
    case CertificateKind::kTrusted: return Make("trusted", &Authority(), kHere, kYear);
    case CertificateKind::kExpired: return Make("expired", &Authority(), kHere, -kYear);
    case CertificateKind::kWrongHost: return Make("elsewhere", &Authority(), "DNS:elsewhere.invalid", kYear);
    case CertificateKind::kSelfSigned: return Make("self-signed", nullptr, kHere, kYear);
  }
  return {};
}

// Removed when the process ends in good order.
struct AuthorityFile {
  std::filesystem::path path;
  AuthorityFile() {
    std::string name = (std::filesystem::temp_directory_path() / "test-authority-XXXXXX").string();
    int fd = mkstemp(name.data());
    RB_CHECK(fd >= 0);
    FILE* file = fdopen(fd, "w");
    PEM_write_X509(file, Authority().x509.get());
    fclose(file);
    path = name;
  }
  ~AuthorityFile() { unlink(path.c_str()); }
};

}  // namespace

const std::filesystem::path& TestAuthorityFile() {
  static const AuthorityFile kFile;
  return kFile.path;
}

ssl_ctx_st* TestServerContext(CertificateKind kind) {
  static std::mutex mutex;
  static std::map<CertificateKind, std::unique_ptr<SSL_CTX, Free>> contexts;
  std::lock_guard lock(mutex);
  auto& context = contexts[kind];
  if (context == nullptr) {
    Certificate leaf = MakeLeaf(kind);
    context.reset(SSL_CTX_new(TLS_server_method()));
    RB_CHECK(SSL_CTX_use_certificate(context.get(), leaf.x509.get()) == 1);
    RB_CHECK(SSL_CTX_use_PrivateKey(context.get(), leaf.key.get()) == 1);
  }
  return context.get();
}

}  // namespace testing_support
