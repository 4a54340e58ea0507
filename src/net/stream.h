// A TCP connection, plain or with TLS, and a listening socket: the only places that touch sockets.
//
// Everything on the I/O thread. What is started reports to its user later, never from within the call that starts it,
// and not at all after Close().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/net.h"
#include "net/tls.h"

namespace net {

struct StreamError {
  enum class Kind : uint8_t {
    kNone,
    kClosed,  // the other side ended the connection in good order
    kRefused,
    kFailed,
    kTls,
    kOwn,  // this machine lacks something: descriptors, ports, memory
  };
  Kind kind = Kind::kNone;
  std::string detail;
  explicit operator bool() const { return kind != Kind::kNone; }
};

class StreamUser {
 public:
  virtual ~StreamUser() = default;
  virtual void OnConnected(const StreamError&) {}
  virtual void OnHandshaken(const StreamError&) {}
  virtual void OnWritten(const StreamError& error) = 0;
  virtual void OnRead(size_t bytes, const StreamError& error) = 0;
};

class Stream {
 public:
  struct Impl;
  explicit Stream(IoThread& io);
  explicit Stream(std::shared_ptr<Impl> accepted) : impl_(std::move(accepted)) {}
  ~Stream() { Close(); }
  Stream(Stream&&) = default;
  Stream& operator=(Stream&&) = delete;

  // At most one of each kind may be under way. `user` is kept alive until it has been told (or the operation has been
  // dropped by Close), and with it the memory that it reads into and writes from.
  void Connect(const Address& address, uint16_t port, std::shared_ptr<StreamUser> user);
  void Handshake(TlsSession session, std::shared_ptr<StreamUser> user);
  void Write(std::string_view head, std::string_view body, std::shared_ptr<StreamUser> user);
  void Read(char* room, size_t size, std::shared_ptr<StreamUser> user);
  void EndWriting();  // plain connections: the other side reads the end, what it still sends can be read
  void Close();       // may be called twice

 private:
  std::shared_ptr<Impl> impl_;  // null: closed
};

struct Accepted {
  StreamError error;
  std::shared_ptr<Stream::Impl> stream;
  Address remote;
};

class Listener {
 public:
  // `host`: an IP address or "localhost". Any thread. kConflict: in use; kDenied: a port that needs privileges.
  static base::Result<std::unique_ptr<Listener>> Open(IoThread& io, const std::string& host, uint16_t port);
  ~Listener();
  uint16_t port() const;
  void Accept(std::function<void(Accepted)> done);  // one connection
  void Close();

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace net
