// Certificates for tests, made when they are asked for: no key is ever committed.
#pragma once

#include <filesystem>
#include <string>

struct ssl_ctx_st;

namespace testing_support {

enum class CertificateKind {
  kTrusted,     // for 127.0.0.1, ::1, localhost and hook.test, signed by the test authority
  kExpired,     // the same, no longer valid
  kWrongHost,   // for elsewhere.invalid
  kSelfSigned,  // signed by nobody else
};

// A PEM file with the test authority's certificate, for SendRequest::ca_file and the like. Made once per process.
const std::filesystem::path& TestAuthorityFile();

// A server context with a certificate of that kind; owned by the process.
ssl_ctx_st* TestServerContext(CertificateKind kind);

}  // namespace testing_support
