#include <algorithm>
#include <utility>

#include "net/client_impl.h"

namespace net {

// ---- the pool ----

std::shared_ptr<Connection> Pool::Take(const std::string& key) {
  auto found = idle_.find(key);
  if (found == idle_.end() || found->second.empty()) return nullptr;
  auto connection = std::move(found->second.back());
  found->second.pop_back();  // the entry stays: as a rule the connection comes back
  --count_;
  return connection;
}

bool Pool::Put(std::shared_ptr<Connection> connection) {
  if (count_ >= limits_.max_idle) return false;
  auto& here = idle_[connection->key()];
  if (here.size() >= limits_.max_idle_per_host) return false;
  here.push_back(std::move(connection));
  ++count_;
  return true;
}

void Pool::Remove(Connection& connection) {
  auto found = idle_.find(connection.key());
  if (found == idle_.end()) return;
  auto& here = found->second;
  auto at = std::find_if(here.begin(), here.end(), [&](const auto& idle) { return idle.get() == &connection; });
  if (at != here.end()) {
    here.erase(at);
    --count_;
  }
  if (here.empty()) idle_.erase(found);
}

bool Pool::Clear() {
  bool any = count_ > 0;
  auto idle = std::exchange(idle_, {});
  count_ = 0;
  for (auto& [key, connections] : idle) {
    for (auto& connection : connections) connection->Close();
  }
  return any;
}

// ---- a connection ----

Connection::Connection(Client::Impl& client, std::string key)
    : client_(client), key_(std::move(key)), stream_(client.io), idle_(client.io, [this] { Close(); }) {}

void Connection::Open(const Address& address, uint16_t port, TlsSession tls, Attempt& attempt) {
  attempt_ = &attempt;
  tls_ = std::move(tls);
  stream_.Connect(address, port, shared_from_this());
}

void Connection::OnConnected(const StreamError& error) {
  bool more = !error && tls_ != nullptr;
  if (more) stream_.Handshake(std::move(tls_), shared_from_this());
  attempt_->OnOpened(Attempt::Opened::kConnect, error);
}

void Connection::OnHandshaken(const StreamError& error) { attempt_->OnOpened(Attempt::Opened::kTls, error); }

void Connection::Exchange(Attempt& attempt) {
  attempt_ = &attempt;
  idle_.Clear();
  SendRequest& request = attempt.request();
  head_.clear();
  head_.append(request.method).append(" ").append(request.url.target).append(" HTTP/1.1\r\n");
  head_.append(request.header_lines);
  if (!request.keep_alive) head_.append("Connection: close\r\n");
  head_.append("\r\n");
  body_ = request.body;
  keep_ = request.keep_alive;
  got_bytes_ = complete_ = false;
  const ClientLimits& limits = client_.limits;
  reader_.Reset({limits.max_header_bytes, limits.max_informational, request.keep_body}, request.method == "HEAD");
  writing_ = true;
  stream_.Write(head_, body_, shared_from_this());
  StartReading();
}

void Connection::StartReading() {
  if (reading_) return;
  reading_ = true;
  auto room = buffer_.Free();
  stream_.Read(room.data, room.size, shared_from_this());
}

void Connection::OnWritten(const StreamError& error) {
  // A failed write is not told: the reader gets what the server said before it hung up, or the end.
  if (!error) writing_ = false;
}

void Connection::OnRead(size_t bytes, const StreamError& error) {
  reading_ = false;
  if (attempt_ == nullptr) {  // idle: the server hung up, or talks out of turn
    Close();
    return;
  }
  if (error) {
    EndOfInput(error);
    return;
  }
  if (used_ && writing_ && !got_bytes_) {  // said before it was asked: not an answer to this request
    attempt_->OnBroken({StreamError::Kind::kFailed, "bytes out of turn"});
    return;
  }
  buffer_.Fill(bytes);
  if (!got_bytes_) {
    got_bytes_ = true;
    attempt_->OnFirstByte();
  }
  Consume();
}

void Connection::Consume() {
  ResponseReader::Step step = reader_.Put(buffer_);
  if (step == ResponseReader::Step::kMore) {
    StartReading();
    return;
  }
  complete_ = step == ResponseReader::Step::kDone;
  attempt_->OnResponse(step);
}

void Connection::EndOfInput(const StreamError& error) {
  bool in_order = error.kind == StreamError::Kind::kClosed;
  if (in_order && reader_.PutEnd() == ResponseReader::Step::kDone) {
    keep_ = false;
    complete_ = true;
    attempt_->OnResponse(ResponseReader::Step::kDone);
  } else {
    attempt_->OnBroken(error);
  }
}

void Connection::Release() {
  // Bytes beyond the response, or a request not wholly sent, leave no doubt-free place for the next message.
  bool sound = complete_ && keep_ && !writing_ && buffer_.empty() && reader_.keep_alive();
  attempt_ = nullptr;
  used_ = true;
  if (!sound || !client_.pool.Put(shared_from_this())) {
    Close();
    return;
  }
  idle_.Set(client_.clock.Mono() + client_.limits.idle_timeout);
  StartReading();
}

void Connection::Close() {
  auto keep = shared_from_this();
  attempt_ = nullptr;
  idle_.Clear();
  stream_.Close();
  client_.pool.Remove(*this);
}

}  // namespace net
