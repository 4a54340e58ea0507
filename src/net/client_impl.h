// The inside of the Client: attempts, the connections they use, and the pool of idle ones. I/O thread only.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/deadline.h"
#include "net/http1.h"
#include "net/net.h"
#include "net/stream.h"
#include "net/tls.h"

namespace net {

class Attempt;
class Connection;

// Idle connections by what they may be used for: scheme, host, port, address and TLS configuration.
class Pool {
 public:
  explicit Pool(const ClientLimits& limits) : limits_(limits) {}
  ~Pool() { Clear(); }
  std::shared_ptr<Connection> Take(const std::string& key);  // the one used last; null: none
  bool Put(std::shared_ptr<Connection> connection);          // false: no room
  void Remove(Connection& connection);                       // fine when it is not here
  bool Clear();                                              // closes all; false: there were none

 private:
  const ClientLimits& limits_;
  std::unordered_map<std::string, std::vector<std::shared_ptr<Connection>>> idle_;
  size_t count_ = 0;
};

struct Client::Impl {
  Impl(IoThread& io_thread, base::Clock& c, Resolver& r, const Egress* e, ClientLimits l)
      : io(io_thread), clock(c), resolver(r), egress(e), limits(l), pool(limits) {}
  IoThread& io;
  base::Clock& clock;
  Resolver& resolver;
  const Egress* egress;
  const ClientLimits limits;
  Pool pool;
  TlsContexts tls;
  std::list<std::shared_ptr<Attempt>> attempts;
  std::atomic<size_t> in_flight = 0;
};

// One connection to one address, and the exchange that is under way on it.
class Connection : public StreamUser, public std::enable_shared_from_this<Connection> {
 public:
  Connection(Client::Impl& client, std::string key);

  // Tells the attempt OnOpened() later. `tls` null: plain.
  void Open(const Address& address, uint16_t port, TlsSession tls, Attempt& attempt);
  // Tells the attempt OnResponse() or OnBroken() later.
  void Exchange(Attempt& attempt);
  // After the exchange: into the pool when that is sound, else closed.
  void Release();
  void Close();  // the attempt is not told

  const std::string& key() const { return key_; }
  ResponseReader& reader() { return reader_; }
  bool got_bytes() const { return got_bytes_; }

  void OnConnected(const StreamError& error) override;
  void OnHandshaken(const StreamError& error) override;
  void OnWritten(const StreamError& error) override;
  void OnRead(size_t bytes, const StreamError& error) override;

 private:
  void StartReading();
  void Consume();
  void EndOfInput(const StreamError& error);

  Client::Impl& client_;
  const std::string key_;
  Stream stream_;
  TlsSession tls_;
  Attempt* attempt_ = nullptr;  // null: idle; an attempt closes or releases its connection before it goes
  Deadline idle_;
  ReadBuffer buffer_;
  ResponseReader reader_;
  std::string head_;
  std::string body_;  // here, because a write may outlive the attempt
  bool reading_ = false;
  bool writing_ = false;
  bool used_ = false;       // by an earlier exchange
  bool got_bytes_ = false;  // of the current response
  bool complete_ = false;   // the current response has ended where its framing says
  bool keep_ = false;       // the request allows another one
};

// One Send from beginning to end.
class Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Client::Impl& client, SendRequest request, Client::Done done);
  void Start();
  void Abandon();  // the client goes

  // From the connection.
  enum class Opened { kConnect, kTls };  // what ended, well or not
  void OnOpened(Opened step, const StreamError& error);
  void OnFirstByte();
  void OnResponse(ResponseReader::Step step);
  void OnBroken(const StreamError& error);

  SendRequest& request() { return request_; }
  std::list<std::shared_ptr<Attempt>>::iterator place;  // in Client::Impl::attempts

 private:
  enum class Phase { kResolve, kConnect, kTls, kExchange, kFailing, kDone };
  void OnResolved(Resolved resolved);
  void Obtain();
  void ConnectNext();
  void Exchange();
  void OnDeadline();
  void EnterPhase(Phase phase);
  int64_t SincePhase() const;
  void Limit(base::MonoTime when);
  void Fail(Fault fault, std::string detail);
  void Succeed(bool cut);
  void Finish();
  std::string PoolKey(const Address& address) const;

  Client::Impl& client_;
  SendRequest request_;
  Client::Done done_;
  SendResult result_;
  const base::MonoTime start_;
  base::MonoTime phase_start_;
  base::MonoTime connect_end_;
  Phase phase_ = Phase::kResolve;
  Deadline deadline_;
  std::vector<Address> addresses_;
  size_t next_ = 0;         // in addresses_
  StreamError last_error_;  // of the address tried last
  std::shared_ptr<Connection> connection_;
  bool starting_ = false;  // inside Start(): the caller of Send is not told from within
  bool replaced_ = false;  // a dead connection has been replaced already
};

}  // namespace net
