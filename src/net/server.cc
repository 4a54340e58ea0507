#include <chrono>
#include <utility>

#include "base/time_text.h"
#include "net/server_impl.h"

namespace net {

namespace {

// When descriptors have run out and no connection can be given up.
constexpr base::Micros kAcceptPause{100'000};

}  // namespace

// ---- responders ----

Responder::Impl::~Impl() {
  if (!answered) Send(std::nullopt);
}

void Responder::Impl::Send(std::optional<Response> response) {
  if (answered.exchange(true)) return;
  auto answer = [weak = connection, response = std::move(response)]() mutable {
    if (auto to = weak.lock()) to->Answer(response ? *std::move(response) : to->Refusal(500));
  };
  if (io.Here()) return answer();
  io.Post(std::move(answer));
}

void Responder::Send(Response response) { impl_->Send(std::move(response)); }

bool Responder::Gone() const { return impl_->gone || impl_->connection.expired(); }

// ---- the server ----

Server::Impl::Impl(IoThread& io_thread, base::Clock& c, ServerOptions o, Handler h)
    : io(io_thread), clock(c), options(std::move(o)), handler(std::move(h)) {
  accept_again.emplace(io_thread, [this] { Accept(); });
}

void Server::Impl::Accept() {
  if (!listener) return;
  listener->Accept([this](Accepted accepted) { OnAccept(std::move(accepted)); });
}

void Server::Impl::OnAccept(Accepted accepted) {
  if (accepted.error) {
    const bool own = accepted.error.kind == StreamError::Kind::kOwn;
    if (own && !MakeRoom()) return accept_again->Set(clock.Mono() + kAcceptPause);
    return Accept();
  }
  if (idle.size() + reading.size() + busy.size() < options.max_connections || MakeRoom()) {
    auto connection = std::make_shared<ServerConnection>(*this, std::move(accepted.stream), accepted.remote);
    idle.push_back(connection);
    connection->place = std::prev(idle.end());
    connection->in = &idle;
    connection->Start();
  }
  Accept();
}

// Gives up the connection that has been idle longest: its client connects again when it needs to. Else the request that
// has been coming in longest: an honest one is here at once.
bool Server::Impl::MakeRoom() {
  Connections& from = idle.empty() ? reading : idle;
  if (from.empty()) return false;
  from.front()->Close();
  return true;
}

void Server::Impl::LimitBodies() {
  for (auto at = reading.begin(); body_bytes > options.max_bodies && at != reading.end();) {
    ServerConnection& oldest = **at++;  // moves on to another list
    if (oldest.body_bytes() > 0) oldest.Reject(oldest.Refusal(503));
  }
}

const std::string& Server::Impl::Date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(clock.Now());
  if (now != date_of) date = base::FormatHttpDate(now);
  date_of = now;
  return date;
}

void Server::Impl::Drain(std::function<void()> done) {
  draining = true;
  listener.reset();
  while (!idle.empty()) idle.front()->Close();
  drained = std::move(done);
  CheckDrained();
}

void Server::Impl::CheckDrained() {
  if (!draining || !reading.empty() || !busy.empty() || !drained) return;
  std::exchange(drained, nullptr)();
}

void Server::Impl::Close() {
  drained = nullptr;
  listener.reset();
  accept_again.reset();
  for (Connections* list : {&idle, &reading, &busy}) {
    while (!list->empty()) list->front()->Close();
  }
}

Server::Server(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

base::Result<std::unique_ptr<Server>> Server::Listen(IoThread& io, base::Clock& clock, ServerOptions options,
                                                     Handler handler) {
  RB_ASSIGN(auto listener, Listener::Open(io, options.host, options.port));
  auto impl = std::make_shared<Impl>(io, clock, std::move(options), std::move(handler));
  impl->port = listener->port();
  impl->listener = std::move(listener);
  io.Post([impl] { impl->Accept(); });
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() {
  if (impl_->io.Here()) {
    impl_->Close();
    return;
  }
  base::Signal closed;
  impl_->io.Post([this, &closed] {
    impl_->Close();
    closed.Raise();
  });
  closed.Wait();
}

uint16_t Server::port() const { return impl_->port; }

void Server::Drain(std::function<void()> drained) {
  impl_->io.Post([impl = impl_, drained = std::move(drained)]() mutable { impl->Drain(std::move(drained)); });
}

}  // namespace net
