#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "deliver/attempt.h"
#include "deliver/deliver.h"
#include "deliver/loader.h"
#include "deliver/schedule.h"

namespace deliver {

namespace {

void Count(Histogram& histogram, int64_t us) {
  const auto bucket = std::lower_bound(kLagBuckets.begin(), kLagBuckets.end(), us) - kLagBuckets.begin();
  ++histogram.counts[static_cast<size_t>(bucket)];
  histogram.sum_us += static_cast<uint64_t>(std::max<int64_t>(us, 0));
}

}  // namespace

// The way of a delivery, all on the I/O thread but for the two steps that wait for the disk:
//   Notice -> schedule -> Pump takes it -> (loader thread) Load -> Begin sends it -> Ended decides -> (writer thread)
//   Record. A retry comes back through Notice, as any delivery that waits.
struct Dispatcher::Impl : std::enable_shared_from_this<Impl> {
  struct Inbox {
    std::vector<store::Committed> commits;
    bool posted = false;
  };
  // An endpoint's settings as of now; attempts under way keep the ones they began with.
  struct Known {
    std::shared_ptr<const store::Target> target;
    std::optional<net::Url> url;
    base::Status url_status;
    int failures_in_a_row = 0;
  };
  struct UnderWay {
    Schedule::Taken taken;
    store::Loaded loaded;
    std::shared_ptr<const store::Target> target;
    std::string header_lines;
    base::WallTime started_at;
  };

  Impl(store::Store& s, net::IoThread& i, net::Client& c, base::Clock& k, base::Random& r, Options o)
      : store(s), io(i), client(c), clock(k), random(r), options(o), schedule({o.per_host, o.in_all}) {}

  store::Store& store;
  net::IoThread& io;
  net::Client& client;
  base::Clock& clock;
  base::Random& random;
  const Options options;
  std::unique_ptr<Loader> loader;
  base::Guarded<Inbox> inbox;
  mutable base::Guarded<Stats> shared_stats;

  // Below: the I/O thread only.
  Schedule schedule;
  std::unordered_map<base::EndpointId, Known> known;
  std::unordered_map<base::DeliveryId, Schedule::Taken> loading;
  std::vector<base::DeliveryId> to_load;
  std::vector<base::EndpointId> to_learn;
  std::unordered_set<base::EndpointId> learning;  // asked for, and not forgotten since
  std::vector<store::AttemptRecord> to_record;
  std::vector<base::EndpointId> held;  // by what is in to_record
  bool load_under_way = false, record_under_way = false;
  int sending = 0, unrecorded = 0;
  base::Clock::TimerId timer = 0;
  std::optional<base::WallTime> timer_at;
  std::function<void()> stopped, ended;
  bool stopping = false, dead = false;
  Stats stats;

  void TakeInbox() {
    std::vector<store::Committed> commits;
    {
      auto access = inbox.Lock();
      commits.swap(access->commits);
      access->posted = false;
    }
    if (dead) return;
    for (const store::Committed& committed : commits) {
      for (base::EndpointId endpoint : committed.dropped) schedule.Drop(endpoint);
      for (base::EndpointId endpoint : committed.endpoints) Forget(endpoint);
      for (const store::Waiting& waiting : committed.waiting) {
        schedule.Add(waiting.endpoint, {waiting.id, waiting.due}, clock.Now());
      }
    }
    Pump();
  }

  void Forget(base::EndpointId endpoint) {
    known.erase(endpoint);
    learning.erase(endpoint);
    schedule.Forget(endpoint);
  }

  // Takes whatever may be sent now, asks the loader for it, and sets the timer for what comes next.
  void Pump() {
    if (dead) return;
    if (!stopping) {
      schedule.Advance(clock.Now());
      while (unrecorded + sending < options.max_unrecorded) {
        auto taken = schedule.Take();
        if (!taken) break;
        const base::DeliveryId id = taken->job.id;
        RB_CHECK(loading.emplace(id, std::move(*taken)).second);
        to_load.push_back(id);
      }
      for (base::EndpointId endpoint : schedule.TakeUnknown()) to_learn.push_back(endpoint);
    }
    AskLoader();
    SetTimer();
    Publish();
    MaybeStopped();
  }

  void AskLoader() {
    if (load_under_way || (to_load.empty() && to_learn.empty())) return;
    load_under_way = true;
    learning.insert(to_learn.begin(), to_learn.end());
    loader->Ask({std::exchange(to_load, {}), std::exchange(to_learn, {})});
  }

  void SetTimer() {
    const auto wake = stopping ? std::nullopt : schedule.NextWake();
    if (wake == timer_at) return;
    clock.Cancel(std::exchange(timer, 0));
    timer_at = wake;
    if (!wake) return;
    timer = clock.CallAt(*wake, [self = weak_from_this()] {
      if (auto impl = self.lock()) {
        impl->io.Post([impl] {
          impl->timer_at.reset();
          impl->Pump();
        });
      }
    });
  }

  // ---- loaded ----

  void Loaded(LoadAnswer answer) {
    load_under_way = false;
    if (dead) return;
    if (!answer.status) return LoadFailed(std::move(answer));
    for (store::Target& target : answer.targets) {
      if (learning.erase(target.id) > 0) Learn(std::move(target));
    }
    for (store::Loaded& loaded : answer.deliveries) {
      auto found = loading.find(loaded.id);
      if (found == loading.end()) continue;
      Schedule::Taken taken = std::move(found->second);
      loading.erase(found);
      Begin(std::move(taken), std::move(loaded));
    }
    // What did not come back waits no longer: it was failed, or deleted, meanwhile.
    for (base::DeliveryId id : answer.request.deliveries) {
      if (auto found = loading.find(id); found != loading.end()) {
        schedule.Release(found->second);
        loading.erase(found);
      }
    }
    Pump();
  }

  // The disk cannot be read now. Nothing is lost: the deliveries wait on, and are looked at again in a while.
  void LoadFailed(LoadAnswer answer) {
    base::Log(base::LogLevel::kError, "deliveries cannot be read",
              {{"error", answer.status.error().Text()}, {"deliveries", answer.request.deliveries.size()}});
    constexpr base::Micros kPause{5'000'000};
    const base::WallTime again = clock.Now() + kPause;
    for (base::DeliveryId id : answer.request.deliveries) {
      auto found = loading.find(id);
      if (found == loading.end()) continue;
      const Schedule::Taken taken = std::move(found->second);
      loading.erase(found);
      schedule.Hold(taken.endpoint, again);
      schedule.PutBack(taken);
    }
    for (base::EndpointId endpoint : answer.request.endpoints) {
      clock.CallAt(again, [self = weak_from_this(), endpoint] {
        if (auto impl = self.lock()) {
          impl->io.Post([impl, endpoint] {
            if (impl->dead) return;
            impl->Forget(endpoint);
            impl->Pump();
          });
        }
      });
    }
    Pump();
  }

  void Learn(store::Target target) {
    Known now_known;
    auto url = target.unreadable ? base::Result<net::Url>(*target.unreadable) : net::ParseUrl(target.url);
    Schedule::Gate gate;
    gate.open = target.state == store::EndpointState::kActive;
    gate.limit = hook::InFlightLimit(options.per_endpoint, target.failures_in_a_row);
    if (target.held_until) gate.held_until = *target.held_until;
    if (url) {
      gate.host = url->host;
      now_known.url = std::move(*url);
    } else {
      now_known.url_status = std::move(url).error().In("endpoint");
    }
    now_known.failures_in_a_row = target.failures_in_a_row;
    const base::EndpointId id = target.id;
    now_known.target = std::make_shared<const store::Target>(std::move(target));
    known[id] = std::move(now_known);
    schedule.SetGate(id, std::move(gate), clock.Now());
  }

  // ---- sent ----

  base::Result<net::SendRequest> MakeRequest(const UnderWay& under_way, const Known& endpoint) const {
    RB_TRY(endpoint.url_status);
    if (under_way.loaded.unreadable) return *under_way.loaded.unreadable;
    return Prepare(under_way.loaded, *endpoint.target, *endpoint.url, under_way.started_at, options.max_timeout);
  }

  void Begin(Schedule::Taken taken, store::Loaded loaded) {
    const auto found = known.find(taken.endpoint);
    // Its settings changed while it was read, or a receiver asked for a rest.
    if (found == known.end() || stopping || !schedule.MayBegin(taken)) return schedule.PutBack(taken);
    const Known& endpoint = found->second;
    auto under_way = std::make_shared<UnderWay>();
    under_way->started_at = clock.Now();
    under_way->taken = std::move(taken);
    under_way->loaded = std::move(loaded);
    under_way->target = endpoint.target;
    const bool first = under_way->loaded.attempts_made == 0;
    const base::Micros lag = under_way->started_at - under_way->taken.job.due;
    Count(first ? stats.first_lag : stats.retry_lag, lag.count());

    auto request = MakeRequest(*under_way, endpoint);
    if (!request) {
      return Conclude(*under_way, Refuse(under_way->loaded, *under_way->target, request.error(), clock.Now()));
    }
    under_way->loaded.body.clear();
    under_way->header_lines = request->header_lines;
    ++sending;
    client.Send(std::move(*request), [self = shared_from_this(), under_way](net::SendResult result) {
      self->Ended(*under_way, std::move(result));
    });
  }

  void Ended(UnderWay& under_way, net::SendResult result) {
    if (dead) return;
    --sending;
    const base::WallTime now = clock.Now();
    Count(stats.duration, result.timings.total);
    Conclude(under_way, deliver::Conclude(under_way.loaded, *under_way.target, std::move(under_way.header_lines),
                                          under_way.started_at, std::move(result), now, random.Fraction()));
    Pump();
  }

  void Conclude(const UnderWay& under_way, store::AttemptRecord record) {
    const store::Attempt& attempt = record.attempt;
    ++stats.attempts[static_cast<size_t>(attempt.outcome)];
    if (auto found = known.find(record.endpoint); found != known.end()) {
      TakeHealth(found->second, record.endpoint, attempt);
    }
    if (attempt.decision.pause_endpoint) {
      schedule.Hold(record.endpoint, *attempt.decision.pause_endpoint);
      held.push_back(record.endpoint);
    }
    schedule.Release(under_way.taken);
    ++unrecorded;
    to_record.push_back(std::move(record));
    FlushRecords();
  }

  void TakeHealth(Known& endpoint, base::EndpointId id, const store::Attempt& attempt) {
    if (attempt.outcome == hook::Outcome::kOwnFault) return;
    const int before = hook::InFlightLimit(options.per_endpoint, endpoint.failures_in_a_row);
    endpoint.failures_in_a_row = attempt.outcome == hook::Outcome::kDelivered ? 0 : endpoint.failures_in_a_row + 1;
    const int after = hook::InFlightLimit(options.per_endpoint, endpoint.failures_in_a_row);
    if (after != before) schedule.SetLimit(id, after);
  }

  // ---- recorded ----

  void FlushRecords() {
    if (record_under_way || to_record.empty()) return;
    record_under_way = true;
    const int count = static_cast<int>(to_record.size());
    store.Record(std::exchange(to_record, {}),
                 [self = shared_from_this(), count, held = std::exchange(held, {})](base::Result<int> lost) mutable {
                   self->io.Post([self, count, held = std::move(held), lost = std::move(lost)] {
                     self->Recorded(count, held, lost);
                   });
                 });
  }

  // The commit was noticed before this, so that the gates are learned anew and say what the holds said.
  void Recorded(int count, const std::vector<base::EndpointId>& were_held, const base::Result<int>& lost) {
    record_under_way = false;
    if (dead) return MaybeEnded();
    unrecorded -= count;
    for (base::EndpointId endpoint : were_held) schedule.EndHold(endpoint);
    if (lost) {
      stats.claims_lost += static_cast<uint64_t>(*lost);
    } else {
      // The store refuses writes from now on. Sending more would only repeat what cannot be remembered; what was
      // sent and not recorded is sent again after the restart.
      base::Log(base::LogLevel::kError, "attempts cannot be recorded; delivery stops until the server is restarted",
                {{"error", lost.error().Text()}, {"attempts", count}});
      stopping = true;
    }
    FlushRecords();
    Pump();
  }

  // ---- the end ----

  // The store still holds a callback into this thread, or attempts were made that it has not heard of.
  void MaybeEnded() {
    FlushRecords();
    if (!record_under_way) ended();
  }

  void MaybeStopped() {
    if (!stopped || sending > 0 || unrecorded > 0 || load_under_way) return;
    std::exchange(stopped, nullptr)();
  }

  void Publish() {
    stats.waiting = schedule.waiting() + loading.size();
    stats.in_flight = static_cast<size_t>(sending);
    stats.unrecorded = static_cast<size_t>(unrecorded);
    *shared_stats.Lock() = stats;
  }
};

Dispatcher::Dispatcher(store::Store& store, net::IoThread& io, net::Client& client, base::Clock& clock,
                       base::Random& random, Options options)
    : impl_(std::make_shared<Impl>(store, io, client, clock, random, options)) {
  impl_->loader = std::make_unique<Loader>(store, [self = std::weak_ptr(impl_)](LoadAnswer answer) {
    auto impl = self.lock();
    if (!impl) return;
    impl->io.Post(
        [impl, answer = std::make_shared<LoadAnswer>(std::move(answer))] { impl->Loaded(std::move(*answer)); });
  });
}

Dispatcher::~Dispatcher() {
  base::Signal done;
  impl_->io.Post([impl = impl_, &done] {
    impl->dead = true;
    impl->clock.Cancel(std::exchange(impl->timer, 0));
    impl->ended = [&done] { done.Raise(); };
    impl->MaybeEnded();
  });
  done.Wait();
  impl_->loader.reset();
}

base::Status Dispatcher::Start() {
  constexpr size_t kPage = 10'000;
  base::DeliveryId after;
  while (true) {
    RB_ASSIGN(auto page, impl_->store.TakeOver(after, kPage));
    if (page.empty()) return {};
    after = page.back().id;
    store::Committed found;
    found.waiting = std::move(page);
    Notice(found);
  }
}

void Dispatcher::Notice(const store::Committed& committed) {
  if (committed.waiting.empty() && committed.endpoints.empty() && committed.dropped.empty()) return;
  {
    auto access = impl_->inbox.Lock();
    access->commits.push_back(committed);
    if (std::exchange(access->posted, true)) return;
  }
  impl_->io.Post([impl = impl_] { impl->TakeInbox(); });
}

void Dispatcher::Stop(std::function<void()> stopped) {
  impl_->io.Post([impl = impl_, stopped = std::move(stopped)]() mutable {
    impl->stopping = true;
    impl->stopped = std::move(stopped);
    impl->Pump();
  });
}

Stats Dispatcher::stats() const { return *impl_->shared_stats.Lock(); }

}  // namespace deliver
