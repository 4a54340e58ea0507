#include <utility>

#include "net/server_impl.h"

namespace net {

namespace {

// When descriptors have run out and no idle connection can be given up.
constexpr base::Micros kAcceptPause{100'000};

}  // namespace

// ---- responders ----

Responder::Impl::~Impl() {
  if (!answered) Send({500, "text/plain", "", "Internal Server Error\n"});
}

void Responder::Impl::Send(Response response) {
  if (answered.exchange(true)) return;
  if (io.Here()) {
    if (auto to = connection.lock()) to->Answer(std::move(response));
    return;
  }
  io.Post([weak = connection, response = std::move(response)]() mutable {
    if (auto to = weak.lock()) to->Answer(std::move(response));
  });
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
    if (own && idle.empty()) {
      accept_again->Set(clock.Mono() + kAcceptPause);
      return;
    }
    if (own) MakeRoom();
    return Accept();
  }
  if (idle.size() + busy.size() >= options.max_connections) MakeRoom();
  if (idle.size() + busy.size() < options.max_connections) {
    auto connection = std::make_shared<ServerConnection>(*this, std::move(accepted.stream), accepted.remote);
    idle.push_back(connection);
    connection->place = std::prev(idle.end());
    connection->in = &idle;
    connection->Start();
  }
  Accept();
}

// Gives up the connection that has been idle longest: its client connects again when it needs to.
void Server::Impl::MakeRoom() {
  if (!idle.empty()) idle.front()->Close();
}

void Server::Impl::Drain(std::function<void()> done) {
  draining = true;
  listener.reset();
  while (!idle.empty()) idle.front()->Close();
  drained = std::move(done);
  CheckDrained();
}

void Server::Impl::CheckDrained() {
  if (!draining || !busy.empty() || !drained) return;
  std::exchange(drained, nullptr)();
}

void Server::Impl::Close() {
  drained = nullptr;
  listener.reset();
  accept_again.reset();
  while (!idle.empty()) idle.front()->Close();
  while (!busy.empty()) busy.front()->Close();
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
