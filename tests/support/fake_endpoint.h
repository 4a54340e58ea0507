// FakeEndpoint: an HTTP(S) server on loopback that does what it is told, right or wrong, and records what it was sent.
//
// Every request takes the next scripted behaviour, or the default one (204). It speaks through its own sockets, apart
// from net/: what is tested must not be what tests. Any thread may call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/certificates.h"

namespace testing_support {

struct ReceivedRequest {
  std::string head;  // as sent, up to and with the empty line
  std::string body;
  std::string method, target;
  size_t connection = 0;  // counts from 0 in the order of acceptance
  // The first value of that name, compared without case.
  std::optional<std::string> Header(std::string_view name) const;
};

struct Behaviour {
  enum class Kind {
    kRespond,
    // Before the request is read; a client that keeps its connection does not get to see these.
    kHangAfterAccept,
    kCloseAfterAccept,
    kPlainBytes,  // at once, in place of a TLS handshake
    // After the request was read (and recorded).
    kHangBeforeAnswer,
    kCloseWithoutAnswer,
    kResetWithoutAnswer,
    kHangMidHeaders,
    kResetMidHeaders,
    kHangMidBody,
    kResetMidBody,
    kCloseMidBody,    // the length promises more
    kLongerThanSaid,  // bytes follow the body
    kDrip,            // the answer byte by byte
    kEndlessHeaders,
    kEndlessBody,  // chunked, until the client closes
    kGiantBody,    // a gigabyte, says its length
    kGzipBomb,     // ten kilobytes that unpack to ten megabytes
    kInformationalFlood,
    kContradictoryLength,  // Content-Length twice, not the same
    kGarbage,              // not HTTP
    kRespondAndClose,      // answers as if it kept the connection, then closes it
  };
  Kind kind = Kind::kRespond;
  int code = 204;
  std::string header_lines;  // complete lines
  std::string body;
};

inline Behaviour Respond(int code, std::string header_lines = {}, std::string body = {}) {
  return {Behaviour::Kind::kRespond, code, std::move(header_lines), std::move(body)};
}
inline Behaviour Redirect(const std::string& url) { return Respond(302, "Location: " + url + "\r\n"); }
inline Behaviour Misbehave(Behaviour::Kind kind) { return {kind, 200, {}, "0123456789"}; }
const std::vector<Behaviour::Kind>& AllBehaviours();
std::string_view Name(Behaviour::Kind kind);

class FakeEndpoint {
 public:
  // `host`: 127.0.0.1, another address of 127/8, or ::1.
  explicit FakeEndpoint(std::string host = "127.0.0.1", std::optional<CertificateKind> tls = std::nullopt);
  ~FakeEndpoint();
  FakeEndpoint(const FakeEndpoint&) = delete;

  uint16_t port() const;
  std::string Url(std::string_view target = "/hook") const;
  // The same endpoint under a name, for a resolver that knows it.
  std::string UrlAs(std::string_view name, std::string_view target = "/hook") const;

  void SetDefault(Behaviour behaviour);
  void Then(Behaviour behaviour);  // for the next request that nothing is scripted for yet
  // Decides for each request, in place of script and default; null ends it.
  void DecideBy(std::function<Behaviour(const ReceivedRequest&)> decide);

  void Refuse();       // connections are refused from now on, idle ones are closed
  void AcceptAgain();  // on the same port
  void Release();      // what hangs now is closed
  void CloseAll();     // every connection, as a restarting server does

  // Blocks until so many were recorded since the beginning; ends the process with a message after 60 s.
  void WaitForRequests(size_t count);
  void WaitForConnections(size_t count);
  void WaitForHangs(size_t count);  // behaviours that hang, and have sent all that they send before
  std::vector<ReceivedRequest> Requests() const;
  size_t RequestCount() const;
  size_t ConnectionCount() const;  // accepted since the beginning

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace testing_support
