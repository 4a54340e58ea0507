#include <algorithm>
#include <utility>

#include "base/log.h"
#include "net/client_impl.h"

namespace net {

std::string_view Name(Fault fault) {
  switch (fault) {
    case Fault::kNone: return "none";
    case Fault::kRefusedByGuard: return "refused_by_guard";
    case Fault::kResolveFailed: return "resolve_failed";
    case Fault::kResolveTimeout: return "resolve_timeout";
    case Fault::kConnectRefused: return "connect_refused";
    case Fault::kConnectFailed: return "connect_failed";
    case Fault::kConnectTimeout: return "connect_timeout";
    case Fault::kTlsFailed: return "tls_failed";
    case Fault::kSendFailed: return "send_failed";
    case Fault::kResponseTimeout: return "response_timeout";
    case Fault::kBadResponse: return "bad_response";
    case Fault::kOwnFault: return "own_fault";
  }
  return "none";
}

// ---- the attempt ----

Attempt::Attempt(Client::Impl& client, SendRequest request, Client::Done done)
    : client_(client),
      request_(std::move(request)),
      done_(std::move(done)),
      start_(client.clock.Mono()),
      phase_start_(start_),
      deadline_(client.io, [this] { OnDeadline(); }) {
  result_.port = request_.url.port;
}

void Attempt::Start() {
  starting_ = true;
  if (auto address = ParseAddress(request_.url.host)) {
    OnResolved({{*address}, Resolved::Fault::kNone});
  } else {
    Limit(start_ + client_.limits.resolve_timeout);
    client_.resolver.Resolve(request_.url.host, [weak = weak_from_this(), &io = client_.io](Resolved resolved) {
      if (weak.expired()) return;
      auto answer = [weak, resolved = std::move(resolved)] {
        if (auto self = weak.lock()) self->OnResolved(resolved);
      };
      if (io.Here()) {
        answer();
      } else {
        io.Post(std::move(answer));
      }
    });
  }
  starting_ = false;
}

void Attempt::OnResolved(Resolved resolved) {
  if (phase_ != Phase::kResolve) return;
  result_.timings.resolve = SincePhase();
  const std::string& host = request_.url.host;
  if (resolved.addresses.empty()) {
    switch (resolved.fault) {
      case Resolved::Fault::kNone:
      case Resolved::Fault::kNoSuchName: return Fail(Fault::kResolveFailed, "there is no host " + host);
      case Resolved::Fault::kTimeout: return Fail(Fault::kResolveTimeout, "no answer about " + host + " in time");
      case Resolved::Fault::kDown: return Fail(Fault::kOwnFault, "no name server can be reached");
      case Resolved::Fault::kServer: return Fail(Fault::kResolveFailed, "the name servers of " + host + " fail");
    }
  }
  addresses_ = std::move(resolved.addresses);
  for (const Address& address : addresses_) {
    if (client_.egress == nullptr) break;
    result_.refusal = client_.egress->Judge(address, request_.url.port);
    if (result_.refusal == Refusal::kNone) continue;
    result_.address = address;
    std::string whose =
        addresses_.size() > 1 ? "one of its addresses, " + address.Text() + "," : "the address " + address.Text();
    return Fail(Fault::kRefusedByGuard, whose + " is " + std::string(Name(result_.refusal)));
  }
  Obtain();
}

// Uses an idle connection to one of the judged addresses, or makes one. Whether an idle one still lives shows only when
// it is used, so it is not for what may be sent only once.
void Attempt::Obtain() {
  for (const Address& address : addresses_) {
    if (!request_.keep_alive || !request_.repeatable || replaced_) break;
    connection_ = client_.pool.Take(PoolKey(address));
    if (!connection_) continue;
    result_.address = address;
    result_.reused_connection = true;
    result_.timings.connect = 0;
    if (request_.url.tls) result_.timings.tls = 0;
    return Exchange();
  }
  next_ = 0;
  EnterPhase(Phase::kConnect);
  connect_end_ = phase_start_ + client_.limits.connect_timeout;
  ConnectNext();
}

void Attempt::ConnectNext() {
  const Address address = addresses_[next_++];
  phase_ = Phase::kConnect;
  result_.address = address;
  TlsSession session;
  if (request_.url.tls) {
    auto made = client_.tls.NewSession(request_.url.host, request_.verify_tls, request_.ca_file);
    if (!made) {
      bool own = made.error().code == base::Code::kUnavailable;
      return Fail(own ? Fault::kOwnFault : Fault::kTlsFailed, made.error().Text());
    }
    session = std::move(*made);
  }
  // Each address gets its share of what is left, so that one that swallows packets does not hide the others.
  const base::MonoTime now = client_.clock.Mono();
  const auto left = static_cast<int64_t>(addresses_.size() - next_ + 1);
  Limit(now + (connect_end_ - now) / left);
  connection_ = std::make_shared<Connection>(client_, PoolKey(address));
  connection_->Open(address, request_.url.port, std::move(session), *this);
}

void Attempt::OnOpened(Opened step, const StreamError& error) {
  int64_t& taken = step == Opened::kConnect ? result_.timings.connect : result_.timings.tls;
  if (!error) {
    taken = SincePhase();
    if (step == Opened::kConnect && request_.url.tls) return EnterPhase(Phase::kTls);
    return Exchange();
  }
  connection_->Close();
  if (error.kind == StreamError::Kind::kOwn) {
    // Idle connections are a luxury when descriptors run out.
    if (client_.pool.Clear()) {
      --next_;
      return ConnectNext();
    }
  } else if (step == Opened::kConnect && next_ < addresses_.size()) {
    return ConnectNext();
  }
  switch (error.kind) {
    case StreamError::Kind::kOwn: return Fail(Fault::kOwnFault, error.detail);
    case StreamError::Kind::kTls: return Fail(Fault::kTlsFailed, error.detail);
    case StreamError::Kind::kRefused: return Fail(Fault::kConnectRefused, error.detail);
    default: return Fail(Fault::kConnectFailed, error.detail);
  }
}

void Attempt::Exchange() {
  EnterPhase(Phase::kExchange);
  Limit(Deadline::kNever);
  connection_->Exchange(*this);
}

void Attempt::OnFirstByte() { result_.timings.first_byte = SincePhase(); }

void Attempt::OnResponse(ResponseReader::Step step) {
  if (step == ResponseReader::Step::kDone) return Succeed(false);
  ResponseReader& reader = connection_->reader();
  if (step == ResponseReader::Step::kCut || reader.headers_complete()) return Succeed(true);
  Fail(Fault::kBadResponse, reader.problem());
}

void Attempt::OnBroken(const StreamError& error) {
  if (connection_->reader().headers_complete()) return Succeed(true);
  if (result_.reused_connection && !connection_->got_bytes()) {
    // The server had hung up while the connection was idle and the news crossed the request.
    connection_->Close();
    connection_.reset();
    result_.reused_connection = false;
    result_.timings.connect = result_.timings.tls = -1;
    replaced_ = true;
    return Obtain();
  }
  bool own = error.kind == StreamError::Kind::kOwn;
  bool silent = !connection_->got_bytes();
  Fail(own ? Fault::kOwnFault : Fault::kSendFailed,
       error.detail + (silent ? " without an answer" : " within the answer"));
}

void Attempt::OnDeadline() {
  auto keep = shared_from_this();
  const bool over = client_.clock.Mono() >= start_ + request_.timeout;
  switch (phase_) {
    case Phase::kResolve: return Fail(Fault::kResolveTimeout, "no answer about " + request_.url.host + " in time");
    case Phase::kConnect:
      connection_->Close();
      if (!over && next_ < addresses_.size()) return ConnectNext();
      return Fail(Fault::kConnectTimeout, "no connection in time");
    case Phase::kTls: return Fail(Fault::kConnectTimeout, "the TLS handshake did not end in time");
    case Phase::kExchange:
      if (connection_->reader().headers_complete()) return Succeed(true);
      return Fail(Fault::kResponseTimeout,
                  connection_->got_bytes() ? "the answer did not end in time" : "no answer in time");
    case Phase::kFailing:
    case Phase::kDone: return;
  }
}

void Attempt::Abandon() { Fail(Fault::kOwnFault, "shutting down"); }

void Attempt::EnterPhase(Phase phase) {
  phase_ = phase;
  phase_start_ = client_.clock.Mono();
}

int64_t Attempt::SincePhase() const { return (client_.clock.Mono() - phase_start_).count(); }

void Attempt::Limit(base::MonoTime when) { deadline_.Set(std::min(when, start_ + request_.timeout)); }

void Attempt::Fail(Fault fault, std::string detail) {
  if (starting_) {
    phase_ = Phase::kFailing;
    client_.io.Post([self = shared_from_this(), fault, detail = std::move(detail)] {
      if (self->phase_ == Phase::kFailing) self->Fail(fault, detail);
    });
    return;
  }
  result_.fault = fault;
  result_.detail = std::move(detail);
  if (connection_) connection_->Close();
  Finish();
}

void Attempt::Succeed(bool cut) {
  ResponseReader& reader = connection_->reader();
  result_.code = reader.code();
  result_.header_lines = reader.header_lines();
  result_.body = reader.body();
  result_.body_cut = cut;
  if (cut) {
    connection_->Close();
  } else {
    connection_->Release();
  }
  Finish();
}

void Attempt::Finish() {
  auto keep = std::move(*place);
  client_.attempts.erase(place);
  connection_.reset();
  phase_ = Phase::kDone;
  deadline_.Clear();
  --client_.in_flight;
  result_.timings.total = (client_.clock.Mono() - start_).count();
  auto done = std::move(done_);
  done(std::move(result_));
}

std::string Attempt::PoolKey(const Address& address) const {
  const Url& url = request_.url;
  std::string key;
  key.reserve(url.host.size() + request_.ca_file.size() + 24);
  key.append(url.host).append(1, url.tls ? (request_.verify_tls ? '\2' : '\1') : '\0');
  key.append(1, static_cast<char>(url.port >> 8)).append(1, static_cast<char>(url.port & 0xff));
  key.append(1, address.v6 ? '6' : '4').append(address.bytes.begin(), address.bytes.end());
  return url.tls ? key.append(request_.ca_file) : key;
}

// ---- the client ----

Client::Client(IoThread& io, base::Clock& clock, Resolver& resolver, const Egress* egress, ClientLimits limits)
    : impl_(std::make_shared<Impl>(io, clock, resolver, egress, limits)) {}

Client::~Client() {
  auto close = [&impl = *impl_] {
    while (!impl.attempts.empty()) impl.attempts.front()->Abandon();
    impl.pool.Clear();
  };
  if (impl_->io.Here()) {
    close();
    return;
  }
  base::Signal closed;
  impl_->io.Post([&] {
    close();
    closed.Raise();
  });
  closed.Wait();
}

void Client::Send(SendRequest request, Done done) {
  RB_CHECK(impl_->io.Here());
  auto& attempts = impl_->attempts;
  ++impl_->in_flight;
  attempts.push_front(std::make_shared<Attempt>(*impl_, std::move(request), std::move(done)));
  auto attempt = attempts.front();
  attempt->place = attempts.begin();
  attempt->Start();
}

size_t Client::in_flight() const { return impl_->in_flight; }

SendResult SendAndWait(Client& client, IoThread& io, SendRequest request) {
  SendResult result;
  base::Signal done;
  io.Post([&] {
    client.Send(std::move(request), [&](SendResult r) {
      result = std::move(r);
      done.Raise();
    });
  });
  done.Wait();
  return result;
}

}  // namespace net
