#include "net/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "net/asio.h"
#include "net/io_thread.h"

namespace net {

// The concrete executor spares a type-erased one on every operation.
using Socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using boost::system::error_code;

struct Stream::Impl {
  explicit Impl(asio::io_context& context) : socket(context) {}
  explicit Impl(Socket accepted) : socket(std::move(accepted)) {}
  Socket socket;
  std::optional<asio::ssl::stream<Socket&>> tls;
  bool closed = false;
};

namespace {

tcp::endpoint Endpoint(const Address& address, uint16_t port) {
  if (address.v6) return {asio::ip::address_v6(address.bytes), port};
  const auto& b = address.bytes;
  return {asio::ip::address_v4(asio::ip::address_v4::bytes_type{b[0], b[1], b[2], b[3]}), port};
}

// A socket that serves both families shows IPv4 peers as mapped addresses.
Address FromEndpoint(const tcp::endpoint& endpoint) {
  Address address;
  auto ip = endpoint.address();
  if (ip.is_v6() && ip.to_v6().is_v4_mapped()) ip = asio::ip::make_address_v4(asio::ip::v4_mapped, ip.to_v6());
  address.v6 = ip.is_v6();
  if (address.v6) {
    address.bytes = ip.to_v6().to_bytes();
  } else {
    auto bytes = ip.to_v4().to_bytes();
    std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  }
  return address;
}

std::string InWords(const error_code& ec) {
  std::string words = ec.message();
  if (words.size() > 1 && words[0] >= 'A' && words[0] <= 'Z' && words[1] >= 'a') words[0] += 'a' - 'A';
  return words;
}

bool IsOwnFault(const error_code& ec) {
  if (ec.category() != boost::system::system_category()) return false;
  switch (ec.value()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return true;
    default: return false;
  }
}

StreamError Describe(const error_code& ec) {
  using Kind = StreamError::Kind;
  if (!ec) return {};
  if (ec == asio::error::eof || ec == asio::ssl::error::stream_truncated) {
    return {Kind::kClosed, "the connection was closed"};
  }
  if (IsOwnFault(ec)) return {Kind::kOwn, InWords(ec)};
  if (ec == asio::error::connection_refused) return {Kind::kRefused, InWords(ec)};
  return {Kind::kFailed, InWords(ec)};
}

}  // namespace

Stream::Stream(IoThread& io) : impl_(std::make_shared<Impl>(io.impl().context)) {}

void Stream::Connect(const Address& address, uint16_t port, std::shared_ptr<StreamUser> user) {
  auto done = [impl = impl_, user = std::move(user), v6 = address.v6](const error_code& ec) {
    if (impl->closed) return;
    StreamError error = Describe(ec);
    // No free port for this address. With IPv6 it is what a machine without IPv6 says.
    if (ec.value() == EADDRNOTAVAIL && !v6) error.kind = StreamError::Kind::kOwn;
    user->OnConnected(error);
  };
  error_code ec;
  tcp::endpoint endpoint = Endpoint(address, port);
  impl_->socket.open(endpoint.protocol(), ec);
  if (!ec) impl_->socket.set_option(tcp::no_delay(true), ec);
  if (ec) {
    asio::post(impl_->socket.get_executor(), [done = std::move(done), ec] { done(ec); });
  } else {
    impl_->socket.async_connect(endpoint, std::move(done));
  }
}

void Stream::Handshake(TlsSession session, std::shared_ptr<StreamUser> user) {
  impl_->tls.emplace(impl_->socket, session.release());
  impl_->tls->async_handshake(
      asio::ssl::stream_base::client, [impl = impl_, user = std::move(user)](const error_code& ec) {
        if (impl->closed) return;
        StreamError error = Describe(ec);
        if (ec && error.kind != StreamError::Kind::kOwn) {
          bool library = ec.category() == asio::error::get_ssl_category();
          error.kind = StreamError::Kind::kTls;
          if (library) {
            error.detail = TlsFailure(impl->tls->native_handle(), static_cast<unsigned long>(ec.value()));
          }
        }
        user->OnHandshaken(error);
      });
}

void Stream::Write(std::string_view head, std::string_view body, std::shared_ptr<StreamUser> user) {
  std::array<asio::const_buffer, 2> both{asio::buffer(head.data(), head.size()),
                                         asio::buffer(body.data(), body.size())};
  auto done = [impl = impl_, user = std::move(user)](const error_code& ec, size_t) {
    if (!impl->closed) user->OnWritten(Describe(ec));
  };
  if (impl_->tls) {
    asio::async_write(*impl_->tls, both, std::move(done));
  } else {
    asio::async_write(impl_->socket, both, std::move(done));
  }
}

void Stream::Read(char* room, size_t size, std::shared_ptr<StreamUser> user) {
  auto done = [impl = impl_, user = std::move(user)](const error_code& ec, size_t bytes) {
    if (!impl->closed) user->OnRead(bytes, Describe(ec));
  };
  if (impl_->tls) {
    impl_->tls->async_read_some(asio::buffer(room, size), std::move(done));
  } else {
    impl_->socket.async_read_some(asio::buffer(room, size), std::move(done));
  }
}

void Stream::EndWriting() {
  error_code ignored;  // a broken connection shows when it is read
  impl_->socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void Stream::Close() {
  if (!impl_) return;
  impl_->closed = true;
  error_code ignored;  // the descriptor is released whatever close() says
  impl_->socket.close(ignored);
  impl_.reset();
}

// ---- listening ----

struct Listener::Impl {
  explicit Impl(asio::io_context& io) : context(io), acceptor(io) {}
  asio::io_context& context;
  Acceptor acceptor;
  uint16_t port = 0;
  bool closed = false;
};

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() { Close(); }

base::Result<std::unique_ptr<Listener>> Listener::Open(IoThread& io, const std::string& host, uint16_t port) {
  auto address = ParseAddress(host == "localhost" ? "127.0.0.1" : host);
  if (!address) return base::Invalid("\"" + host + "\" is not an IP address to listen on");
  auto impl = std::make_shared<Impl>(io.impl().context);
  Acceptor& acceptor = impl->acceptor;
  tcp::endpoint endpoint = Endpoint(*address, port);
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) impl->port = acceptor.local_endpoint(ec).port();
  if (ec) {
    base::Code code = ec == asio::error::address_in_use  ? base::Code::kConflict
                      : ec == asio::error::access_denied ? base::Code::kDenied
                                                         : base::Code::kUnavailable;
    const std::string shown = address->v6 ? "[" + host + "]" : host;
    return base::Error(code, "cannot listen on " + shown + ":" + std::to_string(port) + ": " + InWords(ec));
  }
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

uint16_t Listener::port() const { return impl_->port; }

void Listener::Accept(std::function<void(Accepted)> done) {
  impl_->acceptor.async_accept(impl_->context,
                               [impl = impl_, done = std::move(done)](const error_code& ec, Socket socket) {
                                 if (impl->closed) return;
                                 Accepted accepted;
                                 accepted.error = Describe(ec);
                                 if (!ec) {
                                   error_code gone;  // then the first read says so
                                   socket.set_option(tcp::no_delay(true), gone);
                                   accepted.remote = FromEndpoint(socket.remote_endpoint(gone));
                                   accepted.stream = std::make_shared<Stream::Impl>(std::move(socket));
                                 }
                                 done(std::move(accepted));
                               });
}

void Listener::Close() {
  if (impl_->closed) return;
  impl_->closed = true;
  error_code ignored;
  impl_->acceptor.close(ignored);
}

}  // namespace net
