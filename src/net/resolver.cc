#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "net/net.h"

namespace net {

namespace {

constexpr base::Micros kLookupTimeout{5'000'000};
constexpr base::Micros kKeepAnswer{60'000'000};
constexpr base::Micros kKeepFailure{5'000'000};
constexpr size_t kMaxCached = 4096;

Resolved::Fault FaultOf(int status) {
  switch (status) {
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME: return Resolved::Fault::kNoSuchName;
    case ARES_ETIMEOUT: return Resolved::Fault::kTimeout;
    case ARES_ECONNREFUSED:
    case ARES_ENOMEM:
    case ARES_EFILE: return Resolved::Fault::kDown;
    default: return Resolved::Fault::kServer;
  }
}

// What is known and who waits for what is not. Any thread; the clock's callbacks share it with the resolver.
class Answers : public std::enable_shared_from_this<Answers> {
 public:
  explicit Answers(base::Clock& clock) : clock_(clock) {}
  // True when the caller is to see that `host` is looked up.
  bool Want(const std::string& host, std::function<void(Resolved)> done);
  // Whoever comes first counts, the name servers or the deadline; an answer that comes late is still kept.
  void Answer(const std::string& host, const Resolved& resolved, base::Micros keep);
  void DropAll();

 private:
  struct Cached {
    Resolved resolved;
    base::MonoTime until;
  };
  struct Lookup {
    std::vector<std::function<void(Resolved)>> waiting;
    base::Clock::TimerId timer = 0;
  };
  struct State {
    std::unordered_map<std::string, Cached> cache;
    std::unordered_map<std::string, Lookup> lookups;
  };
  static void Keep(State& state, const std::string& host, Cached cached, base::MonoTime now);

  base::Clock& clock_;
  base::Guarded<State> state_;
};

bool Answers::Want(const std::string& host, std::function<void(Resolved)> done) {
  const base::MonoTime now = clock_.Mono();
  Resolved known;
  {
    auto state = state_.Lock();
    auto cached = state->cache.find(host);
    if (cached == state->cache.end() || cached->second.until <= now) {
      auto [lookup, fresh] = state->lookups.try_emplace(host);
      lookup->second.waiting.push_back(std::move(done));
      if (fresh) {
        lookup->second.timer = clock_.CallAt(now + kLookupTimeout, [self = shared_from_this(), host] {
          self->Answer(host, {{}, Resolved::Fault::kTimeout}, kKeepFailure);
        });
      }
      return fresh;
    }
    known = cached->second.resolved;
  }
  done(std::move(known));
  return false;
}

void Answers::Answer(const std::string& host, const Resolved& resolved, base::Micros keep) {
  const base::MonoTime now = clock_.Mono();
  Lookup lookup;
  {
    auto state = state_.Lock();
    Keep(*state, host, {resolved, now + keep}, now);
    auto found = state->lookups.find(host);
    if (found == state->lookups.end()) return;
    lookup = std::move(found->second);
    state->lookups.erase(found);
  }
  clock_.Cancel(lookup.timer);
  for (auto& done : lookup.waiting) done(resolved);
}

void Answers::Keep(State& state, const std::string& host, Cached cached, base::MonoTime now) {
  if (state.cache.size() >= kMaxCached) {
    std::erase_if(state.cache, [now](const auto& entry) { return entry.second.until <= now; });
    if (state.cache.size() >= kMaxCached) state.cache.erase(state.cache.begin());
  }
  state.cache[host] = std::move(cached);
}

void Answers::DropAll() {
  std::unordered_map<std::string, Lookup> dropped;
  dropped.swap(state_.Lock()->lookups);
  for (auto& [host, lookup] : dropped) clock_.Cancel(lookup.timer);
}

// Asks with c-ares on one thread, which owns the channel.
class AresResolver : public Resolver {
 public:
  AresResolver(base::Clock& clock, std::string servers)
      : answers_(std::make_shared<Answers>(clock)),
        servers_(std::move(servers)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    RB_CHECK(wake_ >= 0);
    RB_CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
    thread_ = std::thread([this] { Run(); });
  }

  ~AresResolver() override {
    stopping_ = true;
    Wake();
    thread_.join();
    answers_->DropAll();
    ares_library_cleanup();
    close(wake_);
  }

  void Resolve(const std::string& host, std::function<void(Resolved)> done) override {
    if (!answers_->Want(host, std::move(done))) return;
    asked_.Lock()->push_back(host);
    Wake();
  }

 private:
  struct Query {
    AresResolver* resolver;
    std::string host;
  };

  void Wake() {
    uint64_t one = 1;
    (void)!write(wake_, &one, sizeof one);  // fails only when the counter is full, and then it is awake
  }

  // On the thread.
  void Run();
  void OpenChannel();
  void Ask(const std::string& host);
  void PollOnce();
  static void OnAnswer(void* query, int status, int timeouts, ares_addrinfo* answer);
  static void OnSocket(void* self, ares_socket_t socket, int readable, int writable);

  const std::shared_ptr<Answers> answers_;
  const std::string servers_;  // empty: the machine's
  const int wake_;
  std::atomic<bool> stopping_ = false;
  base::Guarded<std::vector<std::string>> asked_;  // not yet seen by the thread
  std::thread thread_;

  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, short> sockets_;
  std::vector<pollfd> polled_;
  size_t open_queries_ = 0;
  bool reopen_ = false;  // the servers fail: resolv.conf may have changed
};

// ---- the thread ----

void AresResolver::Run() {
  pthread_setname_np(pthread_self(), "resolver");
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stopping_) {
    if (channel_ == nullptr || (reopen_ && open_queries_ == 0)) OpenChannel();
    std::vector<std::string> asked;
    asked.swap(*asked_.Lock());
    for (const std::string& host : asked) Ask(host);
    PollOnce();
  }
  if (channel_ != nullptr) ares_destroy(channel_);  // tells every open query
}

void AresResolver::OpenChannel() {
  if (channel_ != nullptr) ares_destroy(channel_);
  channel_ = nullptr;
  reopen_ = false;
  ares_options options{};
  // Without this a name whose own servers fail looks the same as name servers that cannot be reached.
  options.flags = ARES_FLAG_NOCHECKRESP;
  options.timeout = 1500;  // milliseconds for the first try; doubled for the second
  options.tries = 2;
  options.sock_state_cb = &AresResolver::OnSocket;
  options.sock_state_cb_data = this;
  constexpr int kGiven = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  int status = ares_init_options(&channel_, &options, kGiven);
  if (status != ARES_SUCCESS) channel_ = nullptr;
  if (channel_ != nullptr && !servers_.empty()) ares_set_servers_ports_csv(channel_, servers_.c_str());
}

void AresResolver::Ask(const std::string& host) {
  if (channel_ == nullptr) return answers_->Answer(host, {{}, Resolved::Fault::kDown}, kKeepFailure);
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ++open_queries_;
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &AresResolver::OnAnswer, new Query{this, host});
}

void AresResolver::OnAnswer(void* query_pointer, int status, int /*timeouts*/, ares_addrinfo* answer) {
  std::unique_ptr<Query> query(static_cast<Query*>(query_pointer));
  std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> freed(answer, &ares_freeaddrinfo);
  AresResolver& self = *query->resolver;
  --self.open_queries_;
  if (status == ARES_EDESTRUCTION) return;
  Resolved resolved;
  base::Micros keep = kKeepAnswer;
  for (auto* node = answer == nullptr ? nullptr : answer->nodes; node != nullptr; node = node->ai_next) {
    Address address;
    address.v6 = node->ai_family == AF_INET6;
    if (address.v6) {
      std::memcpy(address.bytes.data(), &reinterpret_cast<sockaddr_in6*>(node->ai_addr)->sin6_addr, 16);
    } else {
      std::memcpy(address.bytes.data(), &reinterpret_cast<sockaddr_in*>(node->ai_addr)->sin_addr, 4);
    }
    resolved.addresses.push_back(address);
    keep = std::min<base::Micros>(keep, std::chrono::seconds(std::max(node->ai_ttl, 1)));
  }
  if (resolved.addresses.empty()) {
    resolved.fault = status == ARES_SUCCESS ? Resolved::Fault::kNoSuchName : FaultOf(status);
    keep = kKeepFailure;
  }
  self.reopen_ |= resolved.fault == Resolved::Fault::kDown || resolved.fault == Resolved::Fault::kTimeout;
  self.answers_->Answer(query->host, resolved, keep);
}

void AresResolver::OnSocket(void* self, ares_socket_t socket, int readable, int writable) {
  auto& sockets = static_cast<AresResolver*>(self)->sockets_;
  if (!readable && !writable) {
    sockets.erase(socket);
  } else {
    sockets[socket] = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  }
}

void AresResolver::PollOnce() {
  polled_.assign(1, {wake_, POLLIN, 0});
  for (auto [socket, events] : sockets_) polled_.push_back({socket, events, 0});
  timeval until{};
  timeval* wait = channel_ == nullptr ? nullptr : ares_timeout(channel_, nullptr, &until);
  int milliseconds = wait == nullptr ? -1 : static_cast<int>(until.tv_sec * 1000 + until.tv_usec / 1000 + 1);
  poll(polled_.data(), polled_.size(), milliseconds);
  uint64_t raised;
  (void)!read(wake_, &raised, sizeof raised);
  if (channel_ == nullptr) return;
  bool any = false;
  for (const pollfd& one : polled_) {
    if (one.fd == wake_ || one.revents == 0) continue;
    any = true;
    bool readable = (one.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    bool writable = (one.revents & (POLLOUT | POLLERR | POLLHUP)) != 0;
    ares_process_fd(channel_, readable ? one.fd : ARES_SOCKET_BAD, writable ? one.fd : ARES_SOCKET_BAD);
  }
  if (!any) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // its own time limits
}

}  // namespace

std::unique_ptr<Resolver> MakeResolver(base::Clock& clock, const std::string& servers) {
  return std::make_unique<AresResolver>(clock, servers);
}

}  // namespace net
