// TLS of the client: contexts by configuration, a session per connection, and what went wrong in words.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace net {

struct TlsFree {
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_st, TlsFree>;

// One thread. Contexts are kept, so a CA file is read once.
class TlsContexts {
 public:
  // A session for a client that speaks TLS 1.2 or later to `host` (a name or an address) and, when `verify` is set,
  // demands a certificate for it that leads to `ca_file` (empty: the system's authorities). kInvalid: unusable file.
  base::Result<TlsSession> NewSession(const std::string& host, bool verify, const std::string& ca_file);

 private:
  using Key = std::pair<bool, std::string>;
  base::Result<ssl_ctx_st*> Context(bool verify, const std::string& ca_file);
  std::map<Key, std::unique_ptr<ssl_ctx_st, TlsFree>> contexts_;
};

// Why the handshake of `session` failed: what is wrong with the certificate, else the library's word for `error` (0:
// the library named none).
std::string TlsFailure(const ssl_st* session, unsigned long error);

}  // namespace net
