#include "serve/workers.h"

#include <pthread.h>

namespace serve {

Workers::Workers(int threads, size_t max_queued) : max_queued_(max_queued) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), "serve");
  }
}

Workers::~Workers() {
  state_.Lock()->stopping = true;
  state_.NotifyAll();
  for (auto& thread : threads_) thread.join();
}

bool Workers::Post(Job job) {
  {
    auto state = state_.Lock();
    if (state->jobs.size() >= max_queued_) return false;
    state->jobs.push_back(std::move(job));
  }
  state_.NotifyOne();
  return true;
}

void Workers::Run() {
  while (true) {
    Job job;
    {
      auto state = state_.Lock();
      state.Wait([&] { return state->stopping || !state->jobs.empty(); });
      if (state->jobs.empty()) return;
      job = std::move(state->jobs.front());
      state->jobs.pop_front();
    }
    job();
  }
}

}  // namespace serve
