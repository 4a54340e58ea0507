// The network: URLs and addresses, the egress guard, an HTTP/1.1 client for sending to strangers, an HTTP/1.1 server.
//
// Asio, Beast, TLS and c-ares are behind this header. Deadlines are the injected Clock's; nothing here reads the
// machine's clock. Every limit is enforced while reading: bytes, header count, informational responses, time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace net {

// ---- names and addresses ----

// An absolute http or https URL. Refused: userinfo, fragments that matter, control characters, spaces, numeric hosts in
// any spelling but dotted decimal or bracketed IPv6, ports outside 1-65535, a trailing dot,
// characters beyond ASCII, more than 2,048 bytes.
struct Url {
  bool tls = false;
  std::string host;  // lower case, no brackets
  uint16_t port = 0;
  std::string target;              // path and query, at least "/"
  std::string HostHeader() const;  // host[:port], brackets restored, default port left out
  std::string HostKey() const;     // host:port
  std::string Redacted() const;    // scheme://host[:port]/path, without the query: for logs and errors
};
base::Result<Url> ParseUrl(std::string_view text);

struct Address {
  std::array<uint8_t, 16> bytes{};  // IPv4 in the first four
  bool v6 = false;
  bool operator==(const Address&) const = default;
  std::string Text() const;
};
// Strict: dotted decimal or RFC 4291 text, nothing else.
std::optional<Address> ParseAddress(std::string_view text);

// ---- the egress guard ----

enum class Refusal : uint8_t { kNone, kPrivate, kLoopback, kLinkLocal, kMetadata, kMulticast, kReserved, kUnspecified };
std::string_view Name(Refusal refusal);

// Judges the addresses a name resolved to, at connect time. Carriers of IPv4 (mapped, compatible, NAT64, 6to4, Teredo)
// are judged by what they carry as well. Metadata addresses are refused whatever is allowed.
class Egress {
 public:
  // "10.0.0.0/8", "127.0.0.1/32:9000", "[fd00::/8]:443", "fd00::/8"; a missing length means the whole address.
  base::Status Allow(std::string_view rule);
  Refusal Judge(const Address& address, uint16_t port) const;

 private:
  struct Rule {
    Address base;
    int bits = 0;
    uint16_t port = 0;  // 0: any
  };
  std::vector<Rule> allowed_;
};

// ---- threads ----

// One thread that runs I/O; everything below belongs to one and must be used from it unless it says otherwise. Clients
// and Servers may be destroyed on any thread. The IoThread outlives them, and the Resolver outlives the Clients.
class IoThread {
 public:
  IoThread(std::string name, base::Clock& clock);  // ends the process when descriptors have run out
  ~IoThread();                                     // stops and joins
  void Post(std::function<void()> work);           // any thread
  bool Here() const;                               // whether the caller is this thread
  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// Resolves names with c-ares on a thread of its own, 5 s at most, with a bounded cache (answers up to 60 s, failures
// 5 s). Any thread may ask; the answer comes on an arbitrary thread.
struct Resolved {
  std::vector<Address> addresses;  // empty: failed
  // kServer: a name server answered that it cannot tell; kDown: none of ours can be reached.
  enum class Fault : uint8_t { kNone, kNoSuchName, kTimeout, kServer, kDown } fault = Fault::kNone;
};
class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual void Resolve(const std::string& host, std::function<void(Resolved)> done) = 0;
};
// `servers`: "ip:port,ip:port"; empty: as the machine is configured, read again when they fail.
std::unique_ptr<Resolver> MakeResolver(base::Clock& clock, const std::string& servers = {});

// ---- client ----

enum class Fault : uint8_t {
  kNone,  // response headers were complete
  kRefusedByGuard,
  kResolveFailed,
  kResolveTimeout,
  kConnectRefused,
  kConnectFailed,
  kConnectTimeout,
  kTlsFailed,
  kSendFailed,       // the connection broke while sending or before the response headers were complete
  kResponseTimeout,  // the deadline of the whole attempt came first
  kBadResponse,      // not HTTP, too many headers or informational responses, contradictory framing
  kOwnFault,         // no file descriptors, no ephemeral ports, shutting down
};
std::string_view Name(Fault fault);

struct SendRequest {
  Url url;
  std::string header_lines;  // complete "Name: value\r\n" lines, Host and Content-Length included, no empty line
  std::string body;
  std::string method = "POST";
  base::Micros timeout{15'000'000};  // the whole attempt; resolving and connecting have 5 s each within it
  bool verify_tls = true;
  std::string ca_file;  // empty: the system's
  bool keep_alive = true;
  // Whether it may be sent a second time when a connection used again dies before it answers: the first one may have
  // had its effect. What is not repeatable takes a fresh connection.
  bool repeatable = false;
  size_t keep_body = 64 << 10;
};

// Microseconds that each step took; first_byte counts from the beginning of sending, total is the whole attempt.
struct Timings {  // -1: not reached, 0 for connect and tls on a connection used again
  int64_t resolve = -1, connect = -1, tls = -1, first_byte = -1, total = -1;
};

struct SendResult {
  Fault fault = Fault::kNone;
  std::string detail;  // in words, safe to log: "connection refused", "certificate has expired"
  Refusal refusal = Refusal::kNone;
  int code = 0;
  std::string header_lines;  // as received, at most 64 KiB
  std::string body;          // the first `keep_body` bytes
  bool body_cut = false;     // longer, broken off, or late: what is kept is not the whole
  Timings timings;
  std::optional<Address> address;
  uint16_t port = 0;
  bool reused_connection = false;
};
// The value of the first line with this name in "Name: value\r\n" lines; names compare without case.
std::optional<std::string_view> FindHeader(std::string_view header_lines, std::string_view name);

struct ClientLimits {
  base::Micros resolve_timeout{5'000'000}, connect_timeout{5'000'000};
  base::Micros idle_timeout{30'000'000};
  size_t max_idle = 256, max_idle_per_host = 32;
  size_t max_header_bytes = 64 << 10;
  int max_informational = 8;
};

// Sends requests. Redirects are never followed, nothing is decoded, environment proxies are ignored, addresses are
// judged and pinned. A connection used again (by a repeatable request only) that turns out to be dead before a byte of
// the response came is replaced once by a fresh one within the same attempt. `egress` null: no guard (the command
// line's own server connections).
class Client {
 public:
  using Done = std::function<void(SendResult)>;  // called on the I/O thread, exactly once
  Client(IoThread& io, base::Clock& clock, Resolver& resolver, const Egress* egress, ClientLimits limits = {});
  ~Client();                                  // what is under way ends with kOwnFault
  void Send(SendRequest request, Done done);  // on the I/O thread
  size_t in_flight() const;                   // any thread
  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

// Blocks the calling thread: for commands.
SendResult SendAndWait(Client& client, IoThread& io, SendRequest request);

// ---- server ----

struct Request {
  std::string method;
  std::string target;        // as sent
  std::string path;          // up to '?', not decoded
  std::string query;         // after '?'
  std::string header_lines;  // as received
  std::string body;
  Address remote;
  std::optional<std::string_view> Header(std::string_view name) const { return FindHeader(header_lines, name); }
};

struct Response {
  int status = 200;
  std::string content_type;
  std::string header_lines;  // extra complete lines
  std::string body;
};

// Answers one request, once, from any thread. Dropped unanswered, it sends 500.
class Responder {
 public:
  struct Impl;
  explicit Responder(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  void Send(Response response);
  bool Gone() const;  // the client has gone; nobody will read the answer

 private:
  std::shared_ptr<Impl> impl_;
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  size_t max_body = 1 << 20;
  size_t max_header_bytes = 32 << 10;
  base::Micros header_timeout{10'000'000};  // from the first byte of a request to the end of its headers
  base::Micros body_timeout{30'000'000};
  base::Micros idle_timeout{60'000'000};
  size_t max_connections = 4096;
  size_t max_bodies = 64 << 20;  // bytes of all bodies together, each from its reading to the answer
  std::string header_lines;      // complete lines that every response gets
  // Asked, on the I/O thread, when a request's headers are complete and its body is not. What it returns is the answer,
  // and the body is not read. Empty: all are let in.
  std::function<std::optional<Response>(const Request& head)> admit;
  // The answer to what the server refuses by itself, on the I/O thread. Empty: a line of plain text.
  std::function<Response(int status)> refusal;
};

// An HTTP/1.1 server with keep-alive. Requests on one connection are handled one after the other. Malformed requests
// get 400, 413, 414, 431, 501 or 505, slow ones 408, and the connection closes. When connections run out, the one that
// has been idle longest is closed, or else the oldest that has not sent its request completely; when `max_bodies` is
// passed, the oldest unfinished bodies get 503.
class Server {
 public:
  using Handler = std::function<void(Request, Responder)>;  // called on the I/O thread; must not block
  static base::Result<std::unique_ptr<Server>> Listen(IoThread& io, base::Clock& clock, ServerOptions options,
                                                      Handler handler);
  ~Server();  // closes everything
  uint16_t port() const;
  // Stops accepting and closes idle connections; `drained` is called (on the I/O thread) when no request is under way.
  // Any thread.
  void Drain(std::function<void()> drained);
  struct Impl;

 private:
  explicit Server(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// Percent-decoding of one path segment or query part ('+' is a space in a query). Null when malformed or with NUL.
std::optional<std::string> DecodePercent(std::string_view text, bool plus_is_space);
std::string EncodePercent(std::string_view text);  // everything but unreserved characters

}  // namespace net
