#include "app/app.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>

#include "app/upkeep.h"
#include "base/guarded.h"
#include "base/log.h"
#include "serve/serve.h"

namespace app {
namespace {

// Descriptors that are neither API connections nor attempts: the database, its readers, the log, the resolver.
constexpr int kReservedDescriptors = 128;
constexpr int kFewestDescriptors = 64;

// Raises the limit of open files as far as it goes and returns it.
int RaiseOpenFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

// What links begin with, without a slash at its end.
std::string ExternalUrl(const Settings& settings, const HostPort& listen, const std::string& own) {
  std::string url = settings.external_url;
  while (url.ends_with('/')) url.pop_back();
  if (!url.empty()) return url;
  if (listen.host == "0.0.0.0" || listen.host == "::") {
    base::Log(base::LogLevel::kWarn, "links in payloads and answers lead nowhere: set server.external_url",
              {{"links begin with", own}});
  }
  return own;
}

net::Response NotReady(const net::ServerOptions& options) {
  net::Response response = options.refusal(503);
  response.header_lines = "Retry-After: 1\r\n";
  return response;
}

// Who hears of a commit. The writer's thread may commit while the App is taken apart, so the parts leave under the lock
// that the writer holds while it tells them; what they do when told is to hand over, so it is never held long.
struct Listeners {
  deliver::Dispatcher* dispatcher = nullptr;
  serve::Api* api = nullptr;
  std::function<void(const store::Committed&)> on_commit;
};

}  // namespace

// Members are destroyed from the last to the first.
struct App::Impl {
  Impl(Settings s, base::Clock& c) : settings(std::move(s)), clock(c) {}
  ~Impl() { LeaveListeners(); }

  base::Status Open(base::Random& random, Deps deps);
  base::Status LimitDescriptors(net::ServerOptions& server_options);
  void LeaveListeners() {
    auto access = listeners->Lock();
    *access = {};
  }

  Settings settings;
  base::Clock& clock;
  std::string url;
  std::shared_ptr<base::Guarded<Listeners>> listeners = std::make_shared<base::Guarded<Listeners>>();
  std::atomic<bool> ready{false};

  std::unique_ptr<store::Store> store;
  net::Egress egress;
  std::unique_ptr<net::Resolver> own_resolver;
  std::unique_ptr<net::IoThread> io_send, io_serve;
  std::unique_ptr<net::Client> client;
  std::unique_ptr<deliver::Dispatcher> dispatcher;
  std::unique_ptr<serve::Api> api;
  std::unique_ptr<net::Server> server;
  std::unique_ptr<Upkeep> upkeep;
};

base::Status App::Impl::LimitDescriptors(net::ServerOptions& server_options) {
  const int limit = RaiseOpenFiles();
  if (limit < kFewestDescriptors) {
    return base::Error(base::Code::kUnavailable,
                       fmt::format("{} open files are allowed and the server needs {}; raise the limit (ulimit -n)",
                                   limit, kFewestDescriptors));
  }
  int half = std::max(16, (limit - kReservedDescriptors) / 2);
  server_options.max_connections = std::min(server_options.max_connections, static_cast<size_t>(half));
  settings.deliver.in_all = std::min(settings.deliver.in_all, half);
  return {};
}

base::Status App::Impl::Open(base::Random& random, Deps deps) {
  RB_ASSIGN(HostPort listen, ParseHostPort(settings.listen));
  for (const std::string& rule : settings.egress_allow) RB_TRY(egress.Allow(rule));
  net::ServerOptions server_options;
  server_options.host = listen.host;
  server_options.port = listen.port;
  RB_TRY(LimitDescriptors(server_options));

  settings.store.vfs = deps.vfs;
  RB_ASSIGN(store, store::Store::Open(settings.store, clock, random));
  store->Listen([listeners = listeners](const store::Committed& committed) {
    auto access = listeners->Lock();
    if (access->dispatcher != nullptr) access->dispatcher->Notice(committed);
    if (access->api != nullptr) access->api->Notice(committed);
    if (access->on_commit) access->on_commit(committed);
  });
  if (deps.resolver == nullptr) own_resolver = net::MakeResolver(clock);
  net::Resolver& resolver = deps.resolver == nullptr ? *own_resolver : *deps.resolver;
  io_send = std::make_unique<net::IoThread>("io-send", clock);
  io_serve = std::make_unique<net::IoThread>("io-serve", clock);
  client = std::make_unique<net::Client>(*io_send, clock, resolver, &egress);

  // The address is taken before anything is sent, so that a start that fails has no effect; requests that come before
  // the waiting deliveries are claimed are sent away.
  serve::Configure(server_options);
  server_options.admit = [this, not_ready = NotReady(server_options)](const net::Request& head) {
    return ready ? api->Admit(head) : not_ready;
  };
  auto handler = [this, not_ready = NotReady(server_options)](net::Request request, net::Responder responder) {
    if (!ready) return responder.Send(not_ready);
    api->Handle(std::move(request), std::move(responder));
  };
  auto listening = net::Server::Listen(*io_serve, clock, server_options, handler);
  if (!listening) return std::move(listening).error().In("listen on " + settings.listen);
  server = std::move(listening).value();
  bool v6 = listen.host.find(':') != std::string::npos;
  url = fmt::format("http://{}:{}", v6 ? "[" + listen.host + "]" : listen.host, server->port());

  settings.serve.version = RB_VERSION;
  settings.serve.external_url = ExternalUrl(settings, listen, url);
  store->SetExternalUrl(settings.serve.external_url);
  dispatcher = std::make_unique<deliver::Dispatcher>(*store, *io_send, *client, clock, random, settings.deliver);
  api = std::make_unique<serve::Api>(*store, dispatcher.get(), clock, settings.serve);
  *listeners->Lock() = {dispatcher.get(), api.get(), std::move(deps.on_commit)};
  RB_TRY(dispatcher->Start());
  upkeep = std::make_unique<Upkeep>(*store, clock);
  ready = true;
  return {};
}

App::App(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
App::~App() = default;

base::Result<std::unique_ptr<App>> App::Open(Settings settings, base::Clock& clock, base::Random& random, Deps deps) {
  auto impl = std::make_unique<Impl>(std::move(settings), clock);
  RB_TRY(impl->Open(random, std::move(deps)));
  return std::unique_ptr<App>(new App(std::move(impl)));
}

uint16_t App::port() const { return impl_->server->port(); }
const std::string& App::url() const { return impl_->url; }
store::Store& App::store() { return *impl_->store; }
deliver::Stats App::stats() const { return impl_->dispatcher->stats(); }

void App::Stop(base::Micros limit) {
  base::MonoTime deadline = impl_->clock.Mono() + limit;
  base::Signal drained, stopped;
  impl_->api->BeginShutdown();
  impl_->server->Drain([&drained] { drained.Raise(); });
  impl_->dispatcher->Stop([&stopped] { stopped.Raise(); });
  bool in_time = drained.WaitUntil(impl_->clock, deadline);
  in_time = stopped.WaitUntil(impl_->clock, deadline) && in_time;
  if (!in_time) base::Log(base::LogLevel::kWarn, "stopping with requests under way");
  impl_.reset();
}

}  // namespace app
