#include <utility>

#include "net/server_impl.h"

namespace net {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// How much of a refused request is still read, and for how long, so that the client gets to see why.
constexpr size_t kMaxLinger = 64 << 20;
constexpr base::Micros kLingerTime{5'000'000};
constexpr size_t kMaxPipelined = 64 << 10;
constexpr size_t kMaxPiece = 256 << 10;

std::string_view Reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Status";
  }
}

bool HasNoBody(int status) { return status / 100 == 1 || status == 204 || status == 304; }

}  // namespace

ServerConnection::ServerConnection(Server::Impl& server, std::shared_ptr<Stream::Impl> stream, const Address& remote)
    : server_(server),
      stream_(std::move(stream)),
      remote_(remote),
      deadline_(server.io, [this] { OnDeadline(); }),
      reader_({server.options.max_header_bytes, server.options.max_body}) {}

void ServerConnection::Start() {
  Limit(server_.options.idle_timeout);
  StartReading();
}

void ServerConnection::StartReading() {
  if (reading_ || input_ended_ || in == nullptr) return;
  if (phase_ >= Phase::kHandling && buffer_.Bytes().size() >= kMaxPipelined) return;
  reading_ = true;
  auto room = buffer_.Free();
  stream_.Read(room.data, room.size, shared_from_this());
}

void ServerConnection::OnRead(size_t bytes, const StreamError& error) {
  reading_ = false;
  if (error) {
    input_ended_ = true;
    MarkGone();
    // A client may end its side and still wait for the answer.
    if (phase_ != Phase::kHandling && phase_ != Phase::kWriting) Close();
    return;
  }
  if (phase_ == Phase::kLingering) {
    lingered_ += bytes;
    if (lingered_ > kMaxLinger) return Close();
    return StartReading();
  }
  buffer_.Fill(bytes);
  if (phase_ < Phase::kHandling) {
    Parse();
  } else {
    StartReading();
  }
}

void ServerConnection::Parse() {
  if (phase_ == Phase::kIdle) {
    if (buffer_.empty()) return StartReading();
    MoveTo(server_.reading);
  }
  const auto step = reader_.Put(buffer_);
  if (step == RequestReader::Step::kBad) return Reject(Refusal(reader_.bad_status()));
  if (reader_.headers_complete() && phase_ != Phase::kBody) TakeHead();
  Hold(reader_.body().size());
  server_.LimitBodies();
  if (phase_ >= Phase::kHandling) return;  // this one had to give way
  if (step == RequestReader::Step::kDone) return Dispatch();
  WantMore();
}

void ServerConnection::WantMore() {
  const bool head_done = reader_.headers_complete();
  if (!head_done && phase_ == Phase::kIdle) {
    phase_ = Phase::kHead;
    Limit(server_.options.header_timeout);
  } else if (head_done && phase_ != Phase::kBody) {
    const auto& admit = server_.options.admit;
    if (auto refused = admit ? admit(request_) : std::nullopt) return Reject(*std::move(refused));
    phase_ = Phase::kBody;
    Limit(server_.options.body_timeout);
    if (reader_.expects_continue() && !http10_ && buffer_.empty()) {
      continuing_ = true;
      stream_.Write(kContinue, {}, shared_from_this());
    }
  }
  StartReading();
}

void ServerConnection::TakeHead() {
  keep_alive_ = reader_.keep_alive();
  http10_ = reader_.http10();
  request_.method = std::move(reader_.method());
  request_.target = std::move(reader_.target());
  request_.header_lines = std::move(reader_.header_lines());
  request_.remote = remote_;
  auto mark = request_.target.find('?');
  request_.path = request_.target.substr(0, mark);
  if (mark != std::string::npos) request_.query = request_.target.substr(mark + 1);
  head_request_ = request_.method == "HEAD";
}

void ServerConnection::Dispatch() {
  phase_ = Phase::kHandling;
  MoveTo(server_.busy);
  deadline_.Clear();
  request_.body = std::move(reader_.body());
  auto responder = std::make_shared<Responder::Impl>(server_.io, weak_from_this());
  responder_ = responder;
  server_.handler(std::exchange(request_, {}), Responder(std::move(responder)));
  StartReading();
}

void ServerConnection::Answer(Response response) {
  if (phase_ != Phase::kHandling || in == nullptr) return;
  phase_ = Phase::kWriting;
  Hold(0);
  if (server_.draining || input_ended_) keep_alive_ = false;
  const bool no_body = HasNoBody(response.status);
  head_.clear();
  head_.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ").append(Reason(response.status));
  head_.append("\r\nDate: ").append(server_.Date()).append("\r\n");
  if (!response.content_type.empty()) head_.append("Content-Type: ").append(response.content_type).append("\r\n");
  if (!no_body) head_.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
  if (!keep_alive_) head_.append("Connection: close\r\n");
  if (keep_alive_ && http10_) head_.append("Connection: keep-alive\r\n");
  head_.append(response.header_lines).append(server_.options.header_lines).append("\r\n");
  body_ = std::move(response.body);
  if (no_body || head_request_) body_.clear();
  body_written_ = 0;
  if (continuing_) return Limit(server_.options.body_timeout);
  Write();
}

// Piece by piece, so that the time limit is one on standing still and not on the length of the body.
void ServerConnection::Write() {
  Limit(server_.options.body_timeout);
  auto head = body_written_ == 0 ? std::string_view(head_) : std::string_view();
  auto piece = std::string_view(body_).substr(body_written_, kMaxPiece);
  body_written_ += piece.size();
  stream_.Write(head, piece, shared_from_this());
}

// What is left of a refused request cannot be told from the next one: the connection ends with the answer.
void ServerConnection::Reject(Response response) {
  phase_ = Phase::kHandling;
  MoveTo(server_.busy);
  reader_.Reset();  // with what it holds of the body
  keep_alive_ = head_request_ = false;
  Answer(std::move(response));
}

Response ServerConnection::Refusal(int status) const {
  const auto& format = server_.options.refusal;
  Response response = format ? format(status) : Response{status, "text/plain", "", std::string(Reason(status)) + "\n"};
  if (status == 503) response.header_lines += "Retry-After: 1\r\n";
  return response;
}

void ServerConnection::OnDeadline() {
  if (phase_ != Phase::kHead && phase_ != Phase::kBody) return Close();
  Reject(Refusal(408));
}

void ServerConnection::OnWritten(const StreamError& error) {
  if (error) return Close();
  if (continuing_) {
    continuing_ = false;
    if (phase_ == Phase::kWriting) Write();
    return;
  }
  if (body_written_ < body_.size()) return Write();
  if (keep_alive_ && !server_.draining && !input_ended_) return NextRequest();
  Linger();
}

void ServerConnection::NextRequest() {
  phase_ = Phase::kIdle;
  reader_.Reset();
  Limit(server_.options.idle_timeout);
  if (buffer_.empty()) MoveTo(server_.idle);
  Parse();
}

// Closing with unread bytes would reset the connection and could take the answer away from the client.
void ServerConnection::Linger() {
  if (input_ended_) return Close();
  phase_ = Phase::kLingering;
  MoveTo(server_.idle);
  buffer_.Drop(buffer_.Bytes().size());
  Limit(kLingerTime);
  stream_.EndWriting();
  StartReading();
}

void ServerConnection::Hold(size_t bytes) {
  server_.body_bytes += bytes - body_bytes_;
  body_bytes_ = bytes;
}

void ServerConnection::MoveTo(Server::Impl::Connections& list) {
  if (in == &list) return;
  list.splice(list.end(), *in, place);
  in = &list;
  server_.CheckDrained();
}

void ServerConnection::MarkGone() {
  if (auto responder = responder_.lock()) responder->gone = true;
}

void ServerConnection::Close() {
  if (in == nullptr) return;
  auto keep = shared_from_this();
  MarkGone();
  Hold(0);
  deadline_.Clear();
  stream_.Close();
  in->erase(place);
  in = nullptr;
  server_.CheckDrained();
}

}  // namespace net
