#include "serve/pages.h"

namespace serve {
namespace {

constexpr std::string_view kPolicy =
    "Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";

net::Response Plain(int status, std::string body) { return {status, "text/plain; charset=utf-8", "", std::move(body)}; }

net::Response Html(int status, std::string_view title, const std::string& body) {
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>";
  page.append(title).append("</title></head>\n<body>\n<h1>").append(title).append("</h1>\n").append(body);
  page.append("\n</body>\n</html>\n");
  return {status, "text/html; charset=utf-8", std::string(kPolicy), std::move(page)};
}

// Only a text that has the form of an id gets into the page: it has no character that means anything in HTML.
template <class IdType>
void ShowPage(const CallPtr& call, std::string_view what, std::string_view command) {
  auto id = base::Parse<IdType>(call->ids.front());
  if (!id) {
    call->Finish(Html(404, "Runbell", "<p>There is nothing at this address.</p>"));
    return;
  }
  std::string text = base::Format(*id);
  call->Finish(Html(200, "Runbell",
                    "<p>This is the address of the " + std::string(what) + " <code>" + text +
                        "</code>.</p>\n<p>To see it: <code>" + std::string(command) + text + "</code></p>"));
}

constexpr std::string_view kCurl = "curl -H &quot;Authorization: Bearer $TOKEN&quot; .../api/iacp/v3/";

}  // namespace

void Healthz(const CallPtr& call) { call->Finish(Plain(200, "ok\n")); }

base::Result<net::Response> Readyz(Call& call) {
  if (call.context.shutting_down.load()) return Plain(503, "shutting down\n");
  if (auto health = call.context.store.Health(); !health) return Plain(503, "the store refuses writes\n");
  return Plain(200, "ready\n");
}

void Ping(const CallPtr& call) { call->Finish({204, "", "", ""}); }

void StartPage(const CallPtr& call) {
  call->Finish(Html(200, "Runbell",
                    "<p>This server tells people and systems what their Terraform and OpenTofu runs did.</p>\n"
                    "<p>Its API is under <code>/api/iacp/v3/</code>; <code>runbell delivery list</code> shows what was "
                    "sent.</p>"));
}

void RunPage(const CallPtr& call) { ShowPage<base::RunId>(call, "run", std::string(kCurl) + "runs/"); }

void WorkspacePage(const CallPtr& call) {
  ShowPage<base::WorkspaceId>(call, "workspace", std::string(kCurl) + "workspaces/");
}

void EnvironmentPage(const CallPtr& call) {
  ShowPage<base::EnvironmentId>(call, "environment", std::string(kCurl) + "environments/");
}

}  // namespace serve
