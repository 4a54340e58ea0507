// A request on its way through the server, and what its handler may use.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/principal.h"
#include "base/result.h"
#include "net/net.h"
#include "serve/errors.h"
#include "serve/metrics.h"
#include "serve/serve.h"
#include "serve/tokens.h"

namespace serve {

class Polls;
struct Route;

// What all requests share. Calls own it together: an answer of the store may come after the Api has gone.
struct Context {
  Context(store::Store& s, deliver::Dispatcher* d, base::Clock& c, Options o)
      : store(s), dispatcher(d), clock(c), options(std::move(o)), account(s.account()) {}

  store::Store& store;
  deliver::Dispatcher* const dispatcher;
  base::Clock& clock;
  const Options options;
  const store::Account account;
  Metrics metrics;
  Polls* polls = nullptr;  // for handlers only
  std::atomic<bool> shutting_down = false;
};

// Answered once, from any thread. One that is dropped unanswered answers 500 (as its responder does).
class Call {
 public:
  Call(std::shared_ptr<Context> owner, const Route* route, net::Request request, net::Responder responder);

  Context& context;
  const Route& route;
  const net::Request request;
  std::vector<std::string> ids;  // what stands for {id} in the path
  PrincipalPtr principal;        // null on open routes
  const base::Principal& who() const { return *principal; }
  Subject subject() const;

  void Finish(net::Response response);
  void Fail(const base::Error& error) { Finish(ErrorResponse(error, subject())); }
  bool Gone() const { return responder_.Gone(); }

 private:
  std::shared_ptr<Context> owner_;
  net::Responder responder_;
};
using CallPtr = std::shared_ptr<Call>;

}  // namespace serve
