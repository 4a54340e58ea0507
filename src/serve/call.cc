#include "serve/call.h"

#include "serve/routes.h"

namespace serve {

Call::Call(std::shared_ptr<Context> owner, const Route* matched, net::Request received, net::Responder responder)
    : context(*owner),
      route(*matched),
      request(std::move(received)),
      owner_(std::move(owner)),
      responder_(std::move(responder)) {}

Subject Call::subject() const { return {route.subject, ids.empty() ? std::string_view() : ids.front()}; }

void Call::Finish(net::Response response) {
  if (auto prefer = request.Header("prefer"); prefer && *prefer == "profile=preview") {
    response.header_lines.append("Preference-Applied: profile=preview\r\n");
  }
  context.metrics.CountRequest(route, response.status);
  responder_.Send(std::move(response));
}

}  // namespace serve
