// The inside of the Server. I/O thread only, but for what Responder says.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "net/deadline.h"
#include "net/http1.h"
#include "net/net.h"
#include "net/stream.h"

namespace net {

class ServerConnection;

struct Server::Impl {
  Impl(IoThread& io_thread, base::Clock& c, ServerOptions o, Handler h);
  void Accept();
  void OnAccept(Accepted accepted);
  bool MakeRoom();  // false: there is nothing to give up
  void LimitBodies();
  const std::string& Date();
  void Drain(std::function<void()> done);
  void CheckDrained();
  void Close();

  using Connections = std::list<std::shared_ptr<ServerConnection>>;
  IoThread& io;
  base::Clock& clock;
  const ServerOptions options;
  Handler handler;
  std::unique_ptr<Listener> listener;
  uint16_t port = 0;
  Connections idle;     // between requests, the longest idle first
  Connections reading;  // within the headers or the body of a request, the oldest first
  Connections busy;
  size_t body_bytes = 0;  // what all connections hold
  std::string date;       // of the second `date_of`
  base::WallTime date_of{base::Micros(-1)};
  std::optional<Deadline> accept_again;  // gone after Close()
  std::function<void()> drained;
  bool draining = false;
};

struct Responder::Impl {
  Impl(IoThread& io_thread, std::weak_ptr<ServerConnection> to) : io(io_thread), connection(std::move(to)) {}
  ~Impl();
  void Send(std::optional<Response> response);  // null: the server's own 500
  IoThread& io;
  const std::weak_ptr<ServerConnection> connection;
  std::atomic<bool> answered = false;
  std::atomic<bool> gone = false;
};

class ServerConnection : public StreamUser, public std::enable_shared_from_this<ServerConnection> {
 public:
  ServerConnection(Server::Impl& server, std::shared_ptr<Stream::Impl> stream, const Address& remote);
  void Start();
  void Answer(Response response);  // nothing when no request waits for one
  Response Refusal(int status) const;
  void Reject(Response response);  // whatever is left of the request
  void Close();
  size_t body_bytes() const { return body_bytes_; }

  void OnWritten(const StreamError& error) override;
  void OnRead(size_t bytes, const StreamError& error) override;

  Server::Impl::Connections::iterator place;  // in one of the server's lists
  Server::Impl::Connections* in = nullptr;    // which of them; null: closed

 private:
  enum class Phase { kIdle, kHead, kBody, kHandling, kWriting, kLingering };
  void StartReading();
  void Parse();
  void WantMore();
  void TakeHead();
  void Dispatch();
  void Write();
  void OnDeadline();
  void Hold(size_t bytes);
  void NextRequest();
  void Linger();
  void MoveTo(Server::Impl::Connections& list);
  void MarkGone();
  void Limit(base::Micros time) { deadline_.Set(server_.clock.Mono() + time); }

  Server::Impl& server_;
  Stream stream_;
  const Address remote_;
  Phase phase_ = Phase::kIdle;
  Deadline deadline_;
  ReadBuffer buffer_;
  RequestReader reader_;
  Request request_;        // its headers, once they are complete
  size_t body_bytes_ = 0;  // of its body, until it is answered
  std::weak_ptr<Responder::Impl> responder_;
  std::string head_, body_;  // being written
  size_t body_written_ = 0;  // as far as handed over to the stream
  bool head_request_ = false;
  bool keep_alive_ = false;
  bool http10_ = false;
  bool reading_ = false;
  bool continuing_ = false;  // "100 Continue" is being written
  bool input_ended_ = false;
  size_t lingered_ = 0;
};

}  // namespace net
