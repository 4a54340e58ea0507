// The one table of routes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/call.h"

namespace serve {

enum class Where : uint8_t {
  kIo,      // on the I/O thread when the token is known already: must not block
  kWorker,  // on a worker thread: may read the disk
};

enum class Access : uint8_t {
  kToken,  // a bearer token is needed; what it may do is the store's decision
  kOpen,   // anybody
};

// A handler answers through the call, at once or later.
using Handler = void (*)(const CallPtr& call);

struct Route {
  std::string_view method;
  std::string_view path;     // "{id}" stands for one segment
  std::string_view subject;  // what {id} names, for "not found"
  Handler handler;
  Where where = Where::kWorker;
  Access access = Access::kToken;
};
const std::vector<Route>& Routes();

struct Match {
  const Route* route = nullptr;
  std::vector<std::string> ids;
  std::string allow;  // methods of the path when none of its routes has the request's
};
Match FindRoute(std::string_view method, std::string_view path);

// Turns a function that returns its answer into a handler.
template <base::Result<net::Response> (*kFunction)(Call&)>
void Answer(const CallPtr& call) {
  auto response = kFunction(*call);
  if (response) {
    call->Finish(std::move(*response));
  } else {
    call->Fail(response.error());
  }
}

}  // namespace serve
