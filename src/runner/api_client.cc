#include <algorithm>

#include "base/guarded.h"
#include "net/net.h"
#include "runner/runner.h"

namespace runner {

using base::Code;
using base::Error;
using base::Result;
using base::json::value;

namespace {

constexpr std::string_view kApiPath = "/api/iacp/v3/";
constexpr size_t kMaxAnswerBytes = size_t{16} << 20;

Error MakeError(Code code, const value& document, int status) {
  std::string title, detail, where;
  if (const auto* errors = base::At(document, {"errors"});
      errors && errors->is_array() && !errors->get_array().empty()) {
    const value& first = errors->get_array().front();
    title = base::StringAt(first, {"title"}).value_or("");
    detail = base::StringAt(first, {"detail"}).value_or("");
    where = base::StringAt(first, {"source", "pointer"}).value_or("");
    if (where.empty()) where = base::StringAt(first, {"source", "parameter"}).value_or("");
  }
  std::string message = detail.empty() ? title : detail;
  if (message.empty()) message = "the server answered " + std::to_string(status);
  if (status == 401) message = "the server does not accept the token";
  return {code, std::move(message), std::move(where)};
}

Code CodeOf(int status) {
  switch (status) {
    case 401:
    case 403: return Code::kDenied;
    case 404: return Code::kNotFound;
    case 409: return Code::kConflict;
    case 410: return Code::kGone;
    case 413: return Code::kTooLarge;
    case 429: return Code::kUnavailable;
    default: return status >= 400 && status < 500 ? Code::kInvalid : Code::kUnavailable;
  }
}

bool IsHeaderText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

struct ApiClient::Impl {
  Impl(ApiOptions o, base::Clock& c) : options(std::move(o)), clock(c), io("api", c), resolver(net::MakeResolver(c)) {
    OnIo([this] { client = std::make_unique<net::Client>(io, clock, *resolver, nullptr); });
  }
  ~Impl() { Stop(); }

  void Stop() {
    OnIo([this] { client.reset(); });
  }

  void OnIo(const std::function<void()>& work) {
    base::Signal done;
    io.Post([&] {
      work();
      done.Raise();
    });
    done.Wait();
  }
  Result<net::SendRequest> MakeRequest(std::string_view method, std::string_view path, std::string body) const;
  net::SendResult Exchange(net::SendRequest request);
  Result<value> Call(Result<net::SendRequest> request);
  Result<value> Call(std::string_view method, std::string_view path, const value* document) {
    return Call(MakeRequest(method, path, document ? base::FormatJson(*document) : std::string()));
  }

  ApiOptions options;
  std::string shown;  // the server in messages
  base::Clock& clock;
  net::IoThread io;
  std::unique_ptr<net::Resolver> resolver;
  std::unique_ptr<net::Client> client;  // touched on the I/O thread only; null once stopped
};

Result<net::SendRequest> ApiClient::Impl::MakeRequest(std::string_view method, std::string_view path,
                                                      std::string body) const {
  RB_ASSIGN(auto url, net::ParseUrl(options.server + std::string(kApiPath) + std::string(path)));
  net::SendRequest request;
  request.header_lines = "Host: " + url.HostHeader() +
                         "\r\nAccept: application/vnd.api+json\r\nUser-Agent: runbell\r\n" + "Authorization: Bearer " +
                         options.token.Reveal() + "\r\n";
  if (method != "GET") {
    request.header_lines += "Content-Type: application/vnd.api+json\r\n";
    request.header_lines += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  request.url = std::move(url);
  request.method = method;
  request.repeatable = method == "GET";
  request.body = std::move(body);
  request.timeout = options.timeout;
  request.ca_file = options.ca_file;
  request.keep_body = kMaxAnswerBytes;
  return request;
}

// Blocks the caller, never the I/O thread.
net::SendResult ApiClient::Impl::Exchange(net::SendRequest request) {
  net::SendResult result;
  base::Signal done;
  io.Post([&] {
    if (!client) {
      result.fault = net::Fault::kOwnFault;
      result.detail = "stopped";
      return done.Raise();
    }
    client->Send(std::move(request), [&](net::SendResult answer) {
      result = std::move(answer);
      done.Raise();
    });
  });
  done.Wait();
  return result;
}

Result<value> ApiClient::Impl::Call(Result<net::SendRequest> request) {
  if (!request) return std::move(request).error();
  const auto answer = Exchange(*std::move(request));
  if (answer.fault != net::Fault::kNone) {
    return Error(Code::kUnavailable, "cannot reach the server " + shown + ": " + answer.detail);
  }
  const bool good = answer.code >= 200 && answer.code < 300;
  if (answer.body_cut && good) return Error(Code::kUnavailable, "the answer of the server " + shown + " broke off");
  value document;
  if (!answer.body.empty()) {
    auto parsed = base::ParseJson(answer.body, 64);
    if (!parsed && good) return Error(Code::kUnavailable, shown + " does not answer like a Runbell server");
    if (parsed) document = *std::move(parsed);
  }
  if (good) return document;
  return MakeError(CodeOf(answer.code), document, answer.code);
}

Result<std::unique_ptr<ApiClient>> ApiClient::Make(ApiOptions options, base::Clock& clock) {
  while (options.server.ends_with('/')) options.server.pop_back();
  auto url = net::ParseUrl(options.server);
  if (!url) return std::move(url).error().In("the server's address");
  if (options.token.empty() || !IsHeaderText(options.token.Reveal())) {
    return base::Invalid("the token is empty or contains characters that a token cannot have");
  }
  auto impl = std::make_unique<Impl>(std::move(options), clock);
  impl->shown = std::string(url->tls ? "https://" : "http://") + url->HostHeader();
  return std::unique_ptr<ApiClient>(new ApiClient(std::move(impl)));
}

ApiClient::ApiClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::~ApiClient() = default;

Result<value> ApiClient::Get(std::string_view path) { return impl_->Call("GET", path, nullptr); }
Result<value> ApiClient::Post(std::string_view path, const value& document) {
  return impl_->Call("POST", path, &document);
}
Result<value> ApiClient::Patch(std::string_view path, const value& document) {
  return impl_->Call("PATCH", path, &document);
}
Result<value> ApiClient::Delete(std::string_view path) { return impl_->Call("DELETE", path, nullptr); }

Result<value> ApiClient::Poll(std::string_view path, base::Micros wait) {
  auto request = impl_->MakeRequest("GET", path, {});
  if (request) request->timeout += wait;
  return impl_->Call(std::move(request));
}

void ApiClient::Stop() { impl_->Stop(); }

const std::string& ApiClient::server() const { return impl_->shown; }

}  // namespace runner
