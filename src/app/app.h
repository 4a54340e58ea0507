// App: the server, put together. Opens everything in order, and lets go of it in reverse.
//
// `runbell serve`, the demo and the scenario tests all run this one; what a test needs to hold (clock, chance, names,
// disk) is passed in. Threads: "io-serve" (API connections), "io-send" (dispatcher and its connections), "upkeep"
// (retention), and those of the store, the API's workers and the resolver.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "app/settings.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "net/net.h"
#include "store/store.h"

namespace app {

struct Deps {
  net::Resolver* resolver = nullptr;                       // null: the system's names; must outlive the App
  std::string vfs;                                         // SQLite VFS by name; empty: the default
  std::function<void(const store::Committed&)> on_commit;  // after each commit, on the writer's thread
};

class App {
 public:
  // Returns when the server answers and sending has begun. kConflict when another process holds the data directory,
  // kUnavailable when the address is taken.
  static base::Result<std::unique_ptr<App>> Open(Settings settings, base::Clock& clock, base::Random& random,
                                                 Deps deps = {});
  ~App();  // as Stop, but waits for nothing that is under way

  uint16_t port() const;
  const std::string& url() const;  // http://HOST:PORT, without a slash
  store::Store& store();
  deliver::Stats stats() const;

  // Accepts nothing new, lets requests and attempts under way end until `limit` has passed on the clock, then closes
  // everything. What was not sent waits on disk for the next start. Call once; the App can only be destroyed after it.
  void Stop(base::Micros limit);

 private:
  struct Impl;
  explicit App(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace app
