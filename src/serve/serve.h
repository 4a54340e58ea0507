// The HTTP face of the server: the JSON:API under /api/iacp/v3/, health, metrics. One table of routes.
//
// Requests arrive on the I/O thread. The hot route (status-transitions) is answered from there without blocking; all
// others run on a few worker threads, because they read the disk.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "deliver/deliver.h"
#include "net/net.h"
#include "store/store.h"

namespace serve {

struct Options {
  int workers = 2;
  base::Micros max_wait{30'000'000};  // of a long poll
  std::string version;
  std::string external_url;  // links begin with it, paths follow; empty: links without a host
};

// What a server in front of an Api says by itself: refusals are error documents, and every answer has the security
// headers.
void Configure(net::ServerOptions& options);

class Api {
 public:
  // `dispatcher` may be null (tests): its metrics are left out then.
  Api(store::Store& store, deliver::Dispatcher* dispatcher, base::Clock& clock, Options options);
  ~Api();  // answers what waits with 503 and joins the workers

  void Handle(net::Request request, net::Responder responder);  // on the I/O thread
  // The refusal of a request that needs no body to be refused; for net::ServerOptions::admit.
  std::optional<net::Response> Admit(const net::Request& head);
  // Wakes long polls. Any thread; the store's listener calls it.
  void Notice(const store::Committed& committed);
  // From now on /readyz answers 503, long polls are answered at once, and work goes on.
  void BeginShutdown();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace serve
