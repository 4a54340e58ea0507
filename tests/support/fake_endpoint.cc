#include "support/fake_endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.h"

namespace testing_support {

using Kind = Behaviour::Kind;

namespace {

constexpr size_t kEndless = 64 << 20;  // a client that reads so much of an endless answer is broken

bool BeforeRequest(Kind kind) {
  return kind == Kind::kHangAfterAccept || kind == Kind::kCloseAfterAccept || kind == Kind::kPlainBytes;
}

std::string GzipZeros(size_t size) {
  std::string plain(size, '\0'), packed(size / 100 + 1024, '\0');
  z_stream stream{};
  RB_CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  RB_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Head(int code, size_t length, const std::string& header_lines) {
  return "HTTP/1.1 " + std::to_string(code) + " Scripted\r\n" + header_lines +
         "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

std::string Whole(const Behaviour& behaviour) {
  if (behaviour.code == 204) return "HTTP/1.1 204 No Content\r\n" + behaviour.header_lines + "\r\n";
  return Head(behaviour.code, behaviour.body.size(), behaviour.header_lines) + behaviour.body;
}

// A blocking connection on a thread of its own; Cut() from elsewhere makes every call return.
class Wire {
 public:
  Wire(int fd, std::function<void()> on_hang) : fd_(fd), on_hang_(std::move(on_hang)) {
    int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Wire() {
    SSL_free(ssl_);
    close(fd_);
  }
  bool Handshake(SSL_CTX* context) {
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, fd_);
    return SSL_accept(ssl_) == 1;
  }
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      int chunk = static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20));
      ssize_t sent = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), chunk)
                                     : send(fd_, bytes.data(), static_cast<size_t>(chunk), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // Appends what comes; false at the end.
  bool Receive(std::string& to) {
    char room[16 << 10];
    ssize_t got = ssl_ != nullptr ? SSL_read(ssl_, room, sizeof room) : recv(fd_, room, sizeof room, 0);
    if (got <= 0) return false;
    to.append(room, static_cast<size_t>(got));
    return true;
  }
  void WaitForEnd() {
    on_hang_();
    for (std::string ignored; Receive(ignored); ignored.clear()) {
    }
  }
  void ResetOnClose() {
    linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  void Cut() { shutdown(fd_, SHUT_RDWR); }

 private:
  const int fd_;
  const std::function<void()> on_hang_;
  SSL* ssl_ = nullptr;
};

std::optional<std::string> FindLine(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    size_t value = line.find_first_not_of(" \t", name.size() + 1);
    return value == std::string_view::npos ? std::string() : std::string(line.substr(value));
  }
  return std::nullopt;
}

// The next request of the connection out of `pending`; false when it ended before.
bool ReadRequest(Wire& wire, std::string& pending, ReceivedRequest& request) {
  size_t end;
  while ((end = pending.find("\r\n\r\n")) == std::string::npos) {
    if (!wire.Receive(pending)) return false;
  }
  request.head = pending.substr(0, end + 4);
  auto length_text = FindLine(request.head, "Content-Length");
  size_t length = length_text ? std::strtoul(length_text->c_str(), nullptr, 10) : 0;
  while (pending.size() < end + 4 + length) {
    if (!wire.Receive(pending)) return false;
  }
  request.body = pending.substr(end + 4, length);
  pending.erase(0, end + 4 + length);
  request.method = request.head.substr(0, request.head.find(' '));
  size_t target = request.method.size() + 1;
  request.target = request.head.substr(target, request.head.find(' ', target) - target);
  return true;
}

void SendEndless(Wire& wire, const std::string& first, const std::string& again) {
  if (!wire.Send(first)) return;
  for (size_t sent = 0; sent < kEndless && wire.Send(again); sent += again.size()) {
  }
}

// Does what is scripted once the request was read. True: the connection can take another one.
bool Perform(Wire& wire, const Behaviour& behaviour) {
  const std::string whole = Whole(behaviour);
  const std::string head = Head(behaviour.code, behaviour.body.size(), behaviour.header_lines);
  switch (behaviour.kind) {
    case Kind::kRespond: return wire.Send(whole);
    case Kind::kHangAfterAccept:
    case Kind::kCloseAfterAccept:
    case Kind::kPlainBytes: return false;
    case Kind::kHangBeforeAnswer: wire.WaitForEnd(); return false;
    case Kind::kCloseWithoutAnswer: return false;
    case Kind::kResetWithoutAnswer: wire.ResetOnClose(); return false;
    case Kind::kHangMidHeaders:
      wire.Send(head.substr(0, head.size() / 2));
      wire.WaitForEnd();
      return false;
    case Kind::kResetMidHeaders:
      wire.Send(head.substr(0, head.size() / 2));
      wire.ResetOnClose();
      return false;
    case Kind::kHangMidBody:
      wire.Send(head + behaviour.body.substr(0, behaviour.body.size() / 2));
      wire.WaitForEnd();
      return false;
    case Kind::kResetMidBody:
      wire.Send(head + behaviour.body.substr(0, behaviour.body.size() / 2));
      wire.ResetOnClose();
      return false;
    case Kind::kCloseMidBody: wire.Send(head + behaviour.body.substr(0, behaviour.body.size() / 2)); return false;
    case Kind::kLongerThanSaid: return wire.Send(head + behaviour.body + "HTTP/1.1 200 Smuggled\r\n");
    case Kind::kDrip:
      return std::all_of(whole.begin(), whole.end(), [&](char c) { return wire.Send(std::string_view(&c, 1)); });
    case Kind::kEndlessHeaders:
      SendEndless(wire, "HTTP/1.1 200 OK\r\n", "X-More: " + std::string(1000, 'x') + "\r\n");
      return false;
    case Kind::kEndlessBody:
      SendEndless(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                  "1000\r\n" + std::string(4096, 'x') + "\r\n");
      return false;
    case Kind::kGiantBody:
      SendEndless(wire, Head(behaviour.code, 1 << 30, {}), std::string(64 << 10, 'x'));
      return false;
    case Kind::kGzipBomb: {
      std::string bomb = GzipZeros(10 << 20);
      return wire.Send(Head(behaviour.code, bomb.size(), "Content-Encoding: gzip\r\n") + bomb);
    }
    case Kind::kInformationalFlood: SendEndless(wire, "", "HTTP/1.1 103 Early Hints\r\n\r\n"); return false;
    case Kind::kContradictoryLength: return wire.Send(Head(behaviour.code, 3, "Content-Length: 5\r\n") + "12345");
    case Kind::kGarbage: return wire.Send("\x16\x03 this is not HTTP\r\n\r\n");
    case Kind::kRespondAndClose: wire.Send(whole); return false;
  }
  return false;
}

}  // namespace

std::optional<std::string> ReceivedRequest::Header(std::string_view name) const { return FindLine(head, name); }

const std::vector<Kind>& AllBehaviours() {
  static const std::vector<Kind> kAll = [] {
    std::vector<Kind> kinds;
    for (int kind = 0; kind <= static_cast<int>(Kind::kRespondAndClose); ++kind)
      kinds.push_back(static_cast<Kind>(kind));
    return kinds;
  }();
  return kAll;
}

std::string_view Name(Kind kind) {
  switch (kind) {
    case Kind::kRespond: return "Respond";
    case Kind::kHangAfterAccept: return "HangAfterAccept";
    case Kind::kCloseAfterAccept: return "CloseAfterAccept";
    case Kind::kPlainBytes: return "PlainBytes";
    case Kind::kHangBeforeAnswer: return "HangBeforeAnswer";
    case Kind::kCloseWithoutAnswer: return "CloseWithoutAnswer";
    case Kind::kResetWithoutAnswer: return "ResetWithoutAnswer";
    case Kind::kHangMidHeaders: return "HangMidHeaders";
    case Kind::kResetMidHeaders: return "ResetMidHeaders";
    case Kind::kHangMidBody: return "HangMidBody";
    case Kind::kResetMidBody: return "ResetMidBody";
    case Kind::kCloseMidBody: return "CloseMidBody";
    case Kind::kLongerThanSaid: return "LongerThanSaid";
    case Kind::kDrip: return "Drip";
    case Kind::kEndlessHeaders: return "EndlessHeaders";
    case Kind::kEndlessBody: return "EndlessBody";
    case Kind::kGiantBody: return "GiantBody";
    case Kind::kGzipBomb: return "GzipBomb";
    case Kind::kInformationalFlood: return "InformationalFlood";
    case Kind::kContradictoryLength: return "ContradictoryLength";
    case Kind::kGarbage: return "Garbage";
    case Kind::kRespondAndClose: return "RespondAndClose";
  }
  return "Unknown";
}

struct FakeEndpoint::Impl {
  std::string host;
  std::optional<CertificateKind> tls;
  uint16_t port = 0;
  const int wake = eventfd(0, EFD_CLOEXEC);

  mutable std::mutex mutex;
  std::condition_variable changed;
  int listener = -1;  // bound always, listening unless refusing
  bool refusing = false;
  bool stopping = false;
  Behaviour usual = Respond(204);
  std::deque<Behaviour> script;
  std::function<Behaviour(const ReceivedRequest&)> decide;
  std::vector<ReceivedRequest> requests;
  size_t connections = 0;
  std::set<Wire*> open, hanging;
  size_t hangs = 0;
  std::vector<std::thread> workers;
  std::thread acceptor;

  sockaddr_storage SocketAddress(socklen_t& size) const {
    sockaddr_storage storage{};
    if (host.find(':') != std::string::npos) {
      auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(port);
      RB_CHECK(inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1);
      size = sizeof *v6;
    } else {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
      v4->sin_family = AF_INET;
      v4->sin_port = htons(port);
      RB_CHECK(inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1);
      size = sizeof *v4;
    }
    return storage;
  }

  // A new socket on the same port: one that is bound and not listening refuses connections and holds the port.
  void Bind(bool listening) {
    if (listener >= 0) {
      shutdown(listener, SHUT_RDWR);  // the acceptor's poll() keeps the socket alive for a while
      close(listener);
    }
    socklen_t size = 0;
    sockaddr_storage address = SocketAddress(size);
    listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    RB_CHECK(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    if (listening) RB_CHECK(listen(listener, 1024) == 0);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);  // at the same place in both families
  }

  void Wake() {
    uint64_t one = 1;
    RB_CHECK(write(wake, &one, sizeof one) == sizeof one);
  }

  void Accept() {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);  // OpenSSL writes without MSG_NOSIGNAL; workers inherit the mask
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    while (true) {
      int from = -1;
      {
        std::lock_guard lock(mutex);
        if (stopping) return;
        if (!refusing) from = listener;
      }
      pollfd polled[2] = {{wake, POLLIN, 0}, {from, POLLIN, 0}};
      poll(polled, 2, -1);
      if (polled[0].revents != 0) {
        uint64_t raised;
        RB_CHECK(read(wake, &raised, sizeof raised) == sizeof raised);
      }
      std::lock_guard lock(mutex);
      if (refusing || stopping) continue;
      int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      // All this here and not in the worker: what is scripted first is for who came first, and a connection that was
      // counted can be released.
      auto wire = std::make_shared<Wire>(fd, [this] { Hang(); });
      auto early = TakeEarly();
      open.insert(wire.get());
      if (early) hanging.insert(wire.get());
      workers.emplace_back([this, wire, number = connections++, early] { Serve(*wire, number, early); });
      changed.notify_all();
    }
  }

  void Hang() {
    std::lock_guard lock(mutex);
    ++hangs;
    changed.notify_all();
  }

  void Serve(Wire& wire, size_t number, const std::optional<Behaviour>& early) {
    Converse(wire, number, early);
    std::lock_guard lock(mutex);
    open.erase(&wire);
    hanging.erase(&wire);
  }

  void Converse(Wire& wire, size_t number, const std::optional<Behaviour>& early) {
    if (early) {
      if (early->kind == Kind::kHangAfterAccept) wire.WaitForEnd();
      if (early->kind == Kind::kPlainBytes) {
        wire.Send("HTTP/1.1 400 This is not TLS\r\n\r\n");
        wire.WaitForEnd();
      }
      return;
    }
    if (tls && !wire.Handshake(TestServerContext(*tls))) return;
    std::string pending;
    while (true) {
      ReceivedRequest request;
      request.connection = number;
      if (!ReadRequest(wire, pending, request) || !Perform(wire, TakeFor(wire, std::move(request)))) return;
      std::lock_guard lock(mutex);
      hanging.erase(&wire);
    }
  }

  // With the lock held.
  std::optional<Behaviour> TakeEarly() {
    const Behaviour& next = script.empty() ? usual : script.front();
    if (decide || !BeforeRequest(next.kind)) return std::nullopt;
    Behaviour taken = next;
    if (!script.empty()) script.pop_front();
    return taken;
  }

  Behaviour TakeFor(Wire& wire, ReceivedRequest request) {
    std::function<Behaviour(const ReceivedRequest&)> decider;
    Behaviour taken;
    {
      std::lock_guard lock(mutex);
      decider = decide;
      if (!decider && script.empty()) taken = usual;
      if (!decider && !script.empty()) {
        taken = std::move(script.front());
        script.pop_front();
      }
    }
    if (decider) taken = decider(request);
    std::lock_guard lock(mutex);
    if (taken.kind != Kind::kRespond) hanging.insert(&wire);
    requests.push_back(std::move(request));
    changed.notify_all();
    return taken;
  }

  template <class Reached>
  void WaitFor(const char* what, size_t count, Reached reached) {
    std::unique_lock lock(mutex);
    if (changed.wait_for(lock, std::chrono::seconds(60), reached)) return;
    fprintf(stderr, "FakeEndpoint on port %u: waited in vain for %zu %s; there were %zu requests on %zu connections\n",
            port, count, what, requests.size(), connections);
    std::abort();
  }
};

FakeEndpoint::FakeEndpoint(std::string host, std::optional<CertificateKind> tls) : impl_(std::make_unique<Impl>()) {
  impl_->host = std::move(host);
  impl_->tls = tls;
  if (tls) TestServerContext(*tls);
  impl_->Bind(true);
  impl_->acceptor = std::thread([impl = impl_.get()] { impl->Accept(); });
}

FakeEndpoint::~FakeEndpoint() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    for (Wire* wire : impl_->open) wire->Cut();
  }
  impl_->Wake();
  impl_->acceptor.join();
  for (std::thread& worker : impl_->workers) worker.join();
  close(impl_->listener);
  close(impl_->wake);
}

uint16_t FakeEndpoint::port() const { return impl_->port; }

std::string FakeEndpoint::Url(std::string_view target) const {
  bool v6 = impl_->host.find(':') != std::string::npos;
  return UrlAs(v6 ? "[" + impl_->host + "]" : impl_->host, target);
}

std::string FakeEndpoint::UrlAs(std::string_view name, std::string_view target) const {
  return std::string(impl_->tls ? "https://" : "http://").append(name) + ":" + std::to_string(impl_->port) +
         std::string(target);
}

void FakeEndpoint::SetDefault(Behaviour behaviour) {
  std::lock_guard lock(impl_->mutex);
  impl_->usual = std::move(behaviour);
}

void FakeEndpoint::Then(Behaviour behaviour) {
  std::lock_guard lock(impl_->mutex);
  impl_->script.push_back(std::move(behaviour));
}

void FakeEndpoint::DecideBy(std::function<Behaviour(const ReceivedRequest&)> decide) {
  std::lock_guard lock(impl_->mutex);
  impl_->decide = std::move(decide);
}

void FakeEndpoint::Refuse() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->refusing = true;
    impl_->Bind(false);
    for (Wire* wire : impl_->open) wire->Cut();
  }
  impl_->Wake();
}

void FakeEndpoint::AcceptAgain() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->refusing = false;
    RB_CHECK(listen(impl_->listener, 1024) == 0);
  }
  impl_->Wake();
}

void FakeEndpoint::WaitForHangs(size_t count) {
  impl_->WaitFor("hangs", count, [&] { return impl_->hangs >= count; });
}

void FakeEndpoint::Release() {
  std::lock_guard lock(impl_->mutex);
  for (Wire* wire : impl_->hanging) wire->Cut();
}

void FakeEndpoint::CloseAll() {
  std::lock_guard lock(impl_->mutex);
  for (Wire* wire : impl_->open) wire->Cut();
}

void FakeEndpoint::WaitForRequests(size_t count) {
  impl_->WaitFor("requests", count, [this, count] { return impl_->requests.size() >= count; });
}

void FakeEndpoint::WaitForConnections(size_t count) {
  impl_->WaitFor("connections", count, [this, count] { return impl_->connections >= count; });
}

std::vector<ReceivedRequest> FakeEndpoint::Requests() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

size_t FakeEndpoint::RequestCount() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->requests.size();
}

size_t FakeEndpoint::ConnectionCount() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->connections;
}

}  // namespace testing_support
