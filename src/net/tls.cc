#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/net.h"

namespace net {

void TlsFree::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void TlsFree::operator()(ssl_st* session) const { SSL_free(session); }

namespace {

std::string LibraryWord(unsigned long error) {
  const char* word = error == 0 ? nullptr : ERR_reason_error_string(error);
  return word == nullptr ? "TLS error" : word;
}

}  // namespace

base::Result<ssl_ctx_st*> TlsContexts::Context(bool verify, const std::string& ca_file) {
  auto& kept = contexts_[{verify, ca_file}];
  if (kept) return kept.get();
  ERR_clear_error();
  std::unique_ptr<ssl_ctx_st, TlsFree> context(SSL_CTX_new(TLS_client_method()));
  if (!context) return base::Error(base::Code::kUnavailable, LibraryWord(ERR_get_error()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (verify) {
    int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                 : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
    if (loaded != 1) return base::Invalid("cannot read the CA file: " + LibraryWord(ERR_get_error()), ca_file);
  }
  kept = std::move(context);
  return kept.get();
}

base::Result<TlsSession> TlsContexts::NewSession(const std::string& host, bool verify, const std::string& ca_file) {
  RB_ASSIGN(ssl_ctx_st * context, Context(verify, ca_file));
  TlsSession session(SSL_new(context));
  if (!session) return base::Error(base::Code::kUnavailable, LibraryWord(ERR_get_error()));
  if (ParseAddress(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host.c_str());
  } else {
    SSL_set_tlsext_host_name(session.get(), host.c_str());
    SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(session.get(), host.c_str());
  }
  return session;
}

std::string TlsFailure(const ssl_st* session, unsigned long error) {
  long verdict = SSL_get_verify_result(session);
  if (verdict != X509_V_OK && SSL_get_verify_mode(session) != SSL_VERIFY_NONE) {
    return X509_verify_cert_error_string(verdict);
  }
  return LibraryWord(error);
}

}  // namespace net
