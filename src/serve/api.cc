#include <atomic>
#include <exception>

#include "base/log.h"
#include "serve/changes.h"
#include "serve/document.h"
#include "serve/metrics.h"
#include "serve/routes.h"
#include "serve/workers.h"

namespace serve {
namespace {

using base::Code;

constexpr size_t kMaxQueued = 2048;
constexpr std::string_view kSecurityHeaders =
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cache-Control: no-store\r\n";

net::Response Nowhere(const std::string& allow) {
  if (allow.empty()) return ErrorResponse(404, "There is nothing at this address.");
  auto response = ErrorResponse(405, "Allowed here: " + allow);
  response.header_lines = "Allow: " + allow + "\r\n";
  return response;
}

void AnswerNowhere(const CallPtr& call) {
  call->Finish(Nowhere(FindRoute(call->request.method, call->request.path).allow));
}

// What is not there is nobody's business without a token.
constexpr Route kNowhere{"", "", "", AnswerNowhere, Where::kIo};
constexpr Route kNowhereOpen{"", "", "", AnswerNowhere, Where::kIo, Access::kOpen};

const Route& RouteOf(const Match& match, std::string_view path) {
  if (match.route != nullptr) return *match.route;
  return path.starts_with(kApiRoot) ? kNowhere : kNowhereOpen;
}

bool IsJson(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  for (char& c : type) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return type == "application/vnd.api+json" || type == "application/json";
}

// A third party's exception ends the request, not the server.
void Run(const CallPtr& call) {
  const auto content_type = call->request.Header("content-type");
  if (!call->request.body.empty() && content_type && !IsJson(*content_type)) {
    call->Finish(ErrorResponse(415, "A body is application/vnd.api+json or application/json."));
    return;
  }
  try {
    call->route.handler(call);
  } catch (const std::exception& e) {
    call->Fail({Code::kInternal, std::string("exception: ") + e.what()});
  }
}

net::Response Unauthorized() {
  auto response = ErrorResponse(401, "The request has no valid bearer token.");
  response.header_lines = "WWW-Authenticate: Bearer\r\n";
  return response;
}

}  // namespace

void Configure(net::ServerOptions& options) {
  options.header_lines = kSecurityHeaders;
  options.refusal = [](int status) { return ErrorResponse(status); };
}

struct Api::Impl {
  Impl(store::Store& store, deliver::Dispatcher* dispatcher, base::Clock& clock, Options options)
      : context(std::make_shared<Context>(store, dispatcher, clock, std::move(options))),
        tokens(store, clock),
        polls(store, clock, workers),
        workers(std::max(context->options.workers, 1), kMaxQueued) {
    context->polls = &polls;
  }

  void Handle(net::Request request, net::Responder responder);
  void Begin(const CallPtr& call, std::string_view token);
  void Authenticate(const CallPtr& call, const std::string& token);
  void Post(const CallPtr& call, std::function<void()> job);

  const std::shared_ptr<Context> context;
  std::atomic<bool> closing = false;  // being destroyed: what is queued is refused
  TokenCache tokens;
  Polls polls;
  Workers workers;  // joined before anything goes that their jobs use
};

void Api::Impl::Handle(net::Request request, net::Responder responder) {
  auto match = FindRoute(request.method, request.path);
  const Route* route = &RouteOf(match, request.path);
  auto call = std::make_shared<Call>(context, route, std::move(request), std::move(responder));
  call->ids = std::move(match.ids);
  Begin(call, BearerToken(call->request));
}

void Api::Impl::Begin(const CallPtr& call, std::string_view token) {
  bool open = call->route.access == Access::kOpen;
  if (!open && token.empty()) {
    call->Finish(Unauthorized());
    return;
  }
  if (!open) call->principal = tokens.Find(token);
  if (!open && call->principal == nullptr) {
    Post(call, [this, call, text = std::string(token)] { Authenticate(call, text); });
  } else if (call->route.where == Where::kIo) {
    Run(call);
  } else {
    Post(call, [call] { Run(call); });
  }
}

void Api::Impl::Authenticate(const CallPtr& call, const std::string& token) {
  auto principal = tokens.Authenticate(token);
  if (principal) {
    call->principal = std::move(*principal);
    Run(call);
  } else if (principal.error().code == Code::kNotFound) {
    call->Finish(Unauthorized());
  } else {
    call->Fail(principal.error());
  }
}

void Api::Impl::Post(const CallPtr& call, std::function<void()> job) {
  auto checked = [this, call, job = std::move(job)] {
    if (closing.load()) {
      call->Fail({Code::kUnavailable, "the server is shutting down"});
    } else {
      job();
    }
  };
  if (!workers.Post(std::move(checked))) call->Fail({Code::kUnavailable, "too many requests are waiting"});
}

Api::Api(store::Store& store, deliver::Dispatcher* dispatcher, base::Clock& clock, Options options)
    : impl_(std::make_unique<Impl>(store, dispatcher, clock, std::move(options))) {}

Api::~Api() { impl_->closing.store(true); }

void Api::Handle(net::Request request, net::Responder responder) {
  impl_->Handle(std::move(request), std::move(responder));
}

std::optional<net::Response> Api::Admit(const net::Request& head) {
  const auto match = FindRoute(head.method, head.path);
  const Route& route = RouteOf(match, head.path);
  std::optional<net::Response> refused;
  if (route.access != Access::kOpen && BearerToken(head).empty()) {
    refused = Unauthorized();
  } else if (&route == &kNowhereOpen) {
    refused = Nowhere(match.allow);
  }
  if (refused) impl_->context->metrics.CountRequest(route, refused->status);
  return refused;
}

void Api::Notice(const store::Committed& committed) {
  if (committed.last_change > 0) impl_->polls.Notice(committed.last_change);
}

void Api::BeginShutdown() {
  impl_->context->shutting_down.store(true);
  impl_->polls.Release();
}

}  // namespace serve
