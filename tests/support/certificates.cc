#include "support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <mutex>

#include "base/log.h"

namespace testing_support {

namespace {

constexpr long kYear = 365L * 24 * 3600;

struct Certificate {
  EVP_PKEY* key = nullptr;
  X509* x509 = nullptr;
};

void AddExtension(X509* x509, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  RB_CHECK(extension != nullptr);
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
}

// Keys and certificates live as long as the process, like the tests' authority itself. `issuer` null: signs itself.
Certificate Make(const char* name, const Certificate* issuer, const char* alternative_names, long valid_until) {
  static long serial = 0;
  Certificate made{EVP_EC_gen("P-256"), X509_new()};
  RB_CHECK(made.key != nullptr && made.x509 != nullptr);
  X509_set_version(made.x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.x509), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.x509), -2 * kYear);
  X509_gmtime_adj(X509_getm_notAfter(made.x509), valid_until);
  X509_set_pubkey(made.x509, made.key);
  X509_NAME* subject = X509_get_subject_name(made.x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  const Certificate& signer = issuer == nullptr ? made : *issuer;
  X509_set_issuer_name(made.x509, X509_get_subject_name(signer.x509));
  if (alternative_names == nullptr) {
    AddExtension(made.x509, signer.x509, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    AddExtension(made.x509, signer.x509, NID_subject_alt_name, alternative_names);
  }
  RB_CHECK(X509_sign(made.x509, signer.key, EVP_sha256()) > 0);
  return made;
}

const Certificate& Authority() {
  static const Certificate authority = Make("Test authority", nullptr, nullptr, kYear);
  return authority;
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
    PEM_write_X509(file, Authority().x509);
    fclose(file);
    path = name;
  }
  ~AuthorityFile() { unlink(path.c_str()); }
};

}  // namespace

const std::filesystem::path& TestAuthorityFile() {
  static const AuthorityFile file;
  return file.path;
}

ssl_ctx_st* TestServerContext(CertificateKind kind) {
  static std::mutex mutex;
  static std::map<CertificateKind, SSL_CTX*> contexts;
  std::lock_guard lock(mutex);
  SSL_CTX*& context = contexts[kind];
  if (context == nullptr) {
    Certificate leaf = MakeLeaf(kind);
    context = SSL_CTX_new(TLS_server_method());
    RB_CHECK(SSL_CTX_use_certificate(context, leaf.x509) == 1);
    RB_CHECK(SSL_CTX_use_PrivateKey(context, leaf.key) == 1);
  }
  return context;
}

}  // namespace testing_support
