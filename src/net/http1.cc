// Beast's assertions state what holds for its own reading functions, which wait for more bytes than it asks for. Fed
// one byte at a time its parser is right and its assertion about the last chunk is not, and a stranger must not be able
// to end the process.
#define BOOST_DISABLE_ASSERTS

#include "net/http1.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace net {

namespace http = boost::beast::http;
using boost::beast::string_view;
using ErrorCode = boost::beast::error_code;

namespace {

constexpr size_t kFirstRoom = 4 << 10, kMostRoom = 64 << 10;
// A chunk's size line and the trailer lines have no limit of their own in the parser.
constexpr size_t kMaxChunkLine = 16 << 10;

std::string_view View(string_view text) { return {text.data(), text.size()}; }

}  // namespace

ReadBuffer::Room ReadBuffer::Free() {
  wanted_ = std::max(wanted_, kFirstRoom);
  const size_t pending = end_ - begin_;
  if (storage_.size() - end_ < wanted_) {
    if (pending > 0) std::memmove(storage_.data(), storage_.data() + begin_, pending);
    begin_ = 0;
    end_ = pending;
    if (storage_.size() < pending + wanted_) storage_.resize(pending + wanted_);
  }
  room_ = storage_.size() - end_;
  return {storage_.data() + end_, room_};
}

void ReadBuffer::Fill(size_t bytes) {
  end_ += bytes;
  if (bytes == room_) wanted_ = std::min(wanted_ * 2, kMostRoom);
}

namespace {

// What both kinds of message share: the header lines and the body, with their limits.
template <bool kIsRequest>
class Message : public http::basic_parser<kIsRequest> {
 public:
  std::string header_lines;
  std::string body;
  std::uint64_t announced = 0;  // the body's length, when it was said in advance
  bool body_full = false;

  // Keeps what the strings have allocated.
  void Adopt(std::string lines, std::string content, size_t max_header_bytes, size_t max_body) {
    header_lines = std::move(lines);
    header_lines.clear();
    body = std::move(content);
    body.clear();
    max_header_bytes_ = max_header_bytes;
    max_body_ = max_body;
    this->header_limit(static_cast<std::uint32_t>(max_header_bytes));
    this->body_limit(boost::none);
    this->eager(true);
  }

 protected:
  void on_field_impl(http::field, string_view name, string_view value, ErrorCode& ec) override {
    if (this->is_header_done()) return;  // trailers are read and dropped
    header_lines.append(View(name)).append(": ").append(View(value)).append("\r\n");
    bool too_many = ++lines_ > kMaxHeaderLines || header_lines.size() > max_header_bytes_;
    if (too_many) ec = http::error::header_limit;
  }
  void on_header_impl(ErrorCode&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode&) override {
    if (length) announced = *length;
  }
  size_t on_body_impl(string_view bytes, ErrorCode& ec) override { return Keep(bytes, ec); }
  void on_chunk_header_impl(std::uint64_t, string_view, ErrorCode&) override {}
  size_t on_chunk_body_impl(std::uint64_t, string_view bytes, ErrorCode& ec) override { return Keep(bytes, ec); }
  void on_finish_impl(ErrorCode&) override {}

 private:
  size_t Keep(string_view bytes, ErrorCode& ec) {
    size_t kept = std::min(bytes.size(), max_body_ - body.size());
    body.append(bytes.data(), kept);
    body_full = kept < bytes.size();
    if (body_full) ec = http::error::body_limit;
    return kept;
  }
  size_t lines_ = 0;
  size_t max_header_bytes_ = 0;
  size_t max_body_ = 0;
};

class ResponseMessage : public Message<false> {
 public:
  int code = 0;

 protected:
  void on_request_impl(http::verb, string_view, string_view, int, ErrorCode&) override {}
  void on_response_impl(int status, string_view, int, ErrorCode&) override { code = status; }
};

class RequestMessage : public Message<true> {
 public:
  std::string method;
  std::string target;
  bool http10 = false;
  bool expects_continue = false;
  bool unknown_coding = false;  // the body would have to be decoded before it could be read

  // Framing that two parties could read in two ways is refused: the way into request smuggling (RFC 9112, 6.3).
  bool HeadersLegal() const { return hosts_ == 1 || (http10 && hosts_ == 0); }

 protected:
  void on_request_impl(http::verb, string_view name, string_view what, int version, ErrorCode& ec) override {
    method.assign(name.data(), name.size());
    target.assign(what.data(), what.size());
    http10 = version < 11;
    if (!AbsoluteToOrigin() || method == "CONNECT") ec = http::error::bad_target;
  }
  void on_response_impl(int, string_view, int, ErrorCode&) override {}
  void on_field_impl(http::field name, string_view text, string_view value, ErrorCode& ec) override {
    if (!this->is_header_done()) {
      if (name == http::field::host) ++hosts_;
      if (name == http::field::transfer_encoding) NoteCoding(value);
      if (name == http::field::expect) expects_continue = boost::beast::iequals(value, "100-continue");
    }
    Message::on_field_impl(name, text, value, ec);
  }
  void on_header_impl(ErrorCode& ec) override {
    if (!HeadersLegal() || (encoded_ && (http10 || !this->chunked()))) {
      ec = http::error::bad_value;
    } else if (foreign_coding_) {
      unknown_coding = true;
      ec = http::error::bad_transfer_encoding;
    }
  }

 private:
  void NoteCoding(string_view value) {
    encoded_ = true;
    foreign_coding_ |= !boost::beast::iequals(value, "chunked");
  }
  // "http://host/path" means "/path" to a server (RFC 9112, 3.2.2).
  bool AbsoluteToOrigin() {
    if (target[0] == '/' || target == "*") return true;
    auto scheme = target.find("://");
    if (scheme == std::string::npos || target.substr(0, scheme).find_first_of("/?") != std::string::npos) return false;
    auto path = target.find_first_of("/?", scheme + 3);
    target = path == std::string::npos ? "/" : target.substr(path);
    if (target[0] == '?') target.insert(0, "/");
    return true;
  }
  int hosts_ = 0;
  bool encoded_ = false;
  bool foreign_coding_ = false;
};

}  // namespace

// ---- responses ----

struct ResponseReader::Impl {
  std::optional<ResponseMessage> message;
  Limits limits;
  bool head = false;
  int informational = 0;
  size_t header_bytes = 0;  // of the informational responses before
  const char* problem = "";

  void Begin() {
    std::string lines, body;
    if (message) {
      lines = std::move(message->header_lines);
      body = std::move(message->body);
    }
    message.emplace();
    message->Adopt(std::move(lines), std::move(body), limits.max_header_bytes - header_bytes, limits.keep_body);
    if (head) message->skip(true);
  }

  Step Bad(const char* why) {
    problem = why;
    return Step::kBad;
  }

  // After an informational response: kMore when the next one may come.
  Step NextAfterInformational() {
    header_bytes += message->header_lines.size() + 16;
    if (message->code == 101) return Bad("the server switched protocols unasked");
    if (++informational > limits.max_informational) return Bad("too many informational responses");
    if (header_bytes >= limits.max_header_bytes) return Bad("the response headers are too long");
    Begin();
    return Step::kMore;
  }

  Step Failed(const ErrorCode& ec) {
    if (message->body_full) return Step::kCut;
    if (ec == http::error::header_limit) return Bad("the response headers are too long or too many");
    bool contradictory = ec == http::error::bad_content_length || ec == http::error::multiple_content_length ||
                         ec == http::error::bad_transfer_encoding;
    if (contradictory) return Bad("contradictory Content-Length or Transfer-Encoding");
    return Bad(message->is_header_done() ? "the body's framing is broken" : "not an HTTP response");
  }

  // The parser wants more. The rest of a body that is already full need not be waited for.
  Step More(const ReadBuffer& buffer) {
    if (!message->is_header_done()) return Step::kMore;
    if (message->announced > limits.keep_body && message->body.size() == limits.keep_body) return Step::kCut;
    return buffer.Bytes().size() > kMaxChunkLine ? Bad("the body's framing is broken") : Step::kMore;
  }
};

ResponseReader::ResponseReader() : impl_(std::make_unique<Impl>()) {}
ResponseReader::~ResponseReader() = default;

void ResponseReader::Reset(const Limits& limits, bool head) {
  impl_->limits = limits;
  impl_->head = head;
  impl_->informational = 0;
  impl_->header_bytes = 0;
  impl_->problem = "";
  impl_->Begin();
}

ResponseReader::Step ResponseReader::Put(ReadBuffer& buffer) {
  while (!buffer.empty()) {
    ResponseMessage& message = *impl_->message;
    ErrorCode ec;
    auto bytes = buffer.Bytes();
    buffer.Drop(message.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec));
    if (ec && ec != http::error::need_more) return impl_->Failed(ec);
    if (!message.is_done()) {
      if (ec) break;
      continue;
    }
    if (message.code / 100 != 1) return Step::kDone;
    if (Step step = impl_->NextAfterInformational(); step != Step::kMore) return step;
  }
  return impl_->More(buffer);
}

ResponseReader::Step ResponseReader::PutEnd() {
  ResponseMessage& message = *impl_->message;
  if (!message.got_some()) return Step::kMore;
  ErrorCode ec;
  message.put_eof(ec);
  return ec ? Step::kMore : Step::kDone;
}

bool ResponseReader::headers_complete() const {
  return impl_->message->is_header_done() && impl_->message->code / 100 != 1;
}
bool ResponseReader::keep_alive() const { return impl_->message->keep_alive(); }
int ResponseReader::code() const { return impl_->message->code; }
std::string& ResponseReader::header_lines() { return impl_->message->header_lines; }
std::string& ResponseReader::body() { return impl_->message->body; }
const char* ResponseReader::problem() const { return impl_->problem; }

// ---- requests ----

struct RequestReader::Impl {
  std::optional<RequestMessage> message;
  Limits limits;
  int bad_status = 0;

  Step Bad(int status) {
    bad_status = status;
    return Step::kBad;
  }

  Step Failed(const ErrorCode& ec, std::string_view bytes) {
    if (message->body_full) return Bad(413);
    if (ec == http::error::header_limit) {
      bool has_line = bytes.substr(0, limits.max_header_bytes).find('\n') != std::string_view::npos;
      return Bad(!message->is_header_done() && message->target.empty() && !has_line ? 414 : 431);
    }
    if (ec == http::error::bad_version) return Bad(505);
    if (message->unknown_coding) return Bad(501);
    return Bad(400);
  }
};

RequestReader::RequestReader(const Limits& limits) : impl_(std::make_unique<Impl>()) {
  impl_->limits = limits;
  Reset();
}
RequestReader::~RequestReader() = default;

void RequestReader::Reset() {
  impl_->bad_status = 0;
  impl_->message.emplace();
  impl_->message->Adopt({}, {}, impl_->limits.max_header_bytes, impl_->limits.max_body);
}

RequestReader::Step RequestReader::Put(ReadBuffer& buffer) {
  RequestMessage& message = *impl_->message;
  while (!buffer.empty()) {
    bool had_headers = message.is_header_done();
    ErrorCode ec;
    auto bytes = buffer.Bytes();
    buffer.Drop(message.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec));
    if (!had_headers && message.is_header_done() && message.content_length().value_or(0) > impl_->limits.max_body) {
      return impl_->Bad(413);  // before the body is sent
    }
    if (ec && ec != http::error::need_more) return impl_->Failed(ec, bytes);
    if (message.is_done()) return Step::kDone;
    if (!ec) continue;
    if (message.is_header_done() && buffer.Bytes().size() > kMaxChunkLine) return impl_->Bad(400);
    break;
  }
  return Step::kMore;
}

bool RequestReader::headers_complete() const { return impl_->message->is_header_done(); }
bool RequestReader::keep_alive() const { return impl_->message->keep_alive(); }
bool RequestReader::http10() const { return impl_->message->http10; }
bool RequestReader::expects_continue() const { return impl_->message->expects_continue; }
int RequestReader::bad_status() const { return impl_->bad_status; }
std::string& RequestReader::method() { return impl_->message->method; }
std::string& RequestReader::target() { return impl_->message->target; }
std::string& RequestReader::header_lines() { return impl_->message->header_lines; }
std::string& RequestReader::body() { return impl_->message->body; }

}  // namespace net
