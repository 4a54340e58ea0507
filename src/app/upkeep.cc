#include "app/upkeep.h"

#include <pthread.h>

#include <thread>

#include "base/guarded.h"
#include "base/log.h"

namespace app {
namespace {

constexpr base::Micros kSweepEvery = std::chrono::seconds(30);
constexpr base::Micros kPurgeEvery = std::chrono::hours(1);

void LogFailure(std::string_view what, const base::Error& error) {
  base::Log(base::LogLevel::kError, what, {{"error", error.Text()}});
}

}  // namespace

struct Upkeep::Impl : std::enable_shared_from_this<Upkeep::Impl> {
  struct State {
    bool stopping = false;
    bool purge_due = true;
    bool sweeping = false, sweep_again = false;
    base::Clock::TimerId sweep_timer = 0, purge_timer = 0;
  };

  Impl(store::Store& s, base::Clock& c) : store(s), clock(c) {}

  void OnSweepTimer();
  void OnPurgeTimer();
  void Sweep();
  void OnSwept();
  void PurgeUntilStopped();
  void Stop();

  store::Store& store;
  base::Clock& clock;
  base::Guarded<State> state;
  std::thread thread;
};

void Upkeep::Impl::OnSweepTimer() {
  {
    auto access = state.Lock();
    if (access->stopping) return;
    access->sweep_timer =
        clock.CallAt(clock.Mono() + kSweepEvery, [self = shared_from_this()] { self->OnSweepTimer(); });
    // A sweep that has begun looked at the time before this one was due.
    access->sweep_again = access->sweeping;
    if (access->sweeping) return;
    access->sweeping = true;
  }
  Sweep();
}

void Upkeep::Impl::Sweep() {
  store.SweepRuns([self = shared_from_this()](const base::Result<store::Swept>& swept) {
    if (!swept) LogFailure("cannot sweep runs", swept.error());
    if (swept) {
      for (const base::Error& error : swept->skipped) LogFailure("a run can be neither lost nor expired", error);
    }
    self->OnSwept();
  });
}

void Upkeep::Impl::OnSwept() {
  {
    auto access = state.Lock();
    access->sweeping = access->sweep_again && !access->stopping;
    access->sweep_again = false;
    if (!access->sweeping) return;
  }
  Sweep();
}

void Upkeep::Impl::OnPurgeTimer() {
  {
    auto access = state.Lock();
    if (access->stopping) return;
    access->purge_timer =
        clock.CallAt(clock.Mono() + kPurgeEvery, [self = shared_from_this()] { self->OnPurgeTimer(); });
    access->purge_due = true;
  }
  state.NotifyAll();
}

void Upkeep::Impl::PurgeUntilStopped() {
  while (true) {
    {
      auto access = state.Lock();
      access.Wait([&] { return access->stopping || access->purge_due; });
      if (access->stopping) return;
      access->purge_due = false;
    }
    auto more = store.Purge();
    if (!more) LogFailure("cannot purge", more.error());
    if (more && *more) state.Lock()->purge_due = true;
  }
}

void Upkeep::Impl::Stop() {
  base::Clock::TimerId sweep_timer, purge_timer;
  {
    auto access = state.Lock();
    access->stopping = true;
    sweep_timer = access->sweep_timer;
    purge_timer = access->purge_timer;
  }
  state.NotifyAll();
  clock.Cancel(sweep_timer);
  clock.Cancel(purge_timer);
  thread.join();
}

Upkeep::Upkeep(store::Store& store, base::Clock& clock) : impl_(std::make_shared<Impl>(store, clock)) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->PurgeUntilStopped(); });
  pthread_setname_np(impl_->thread.native_handle(), "upkeep");
  impl_->OnSweepTimer();
  impl_->OnPurgeTimer();
}

Upkeep::~Upkeep() { impl_->Stop(); }

}  // namespace app
