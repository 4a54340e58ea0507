// The threads that serve what reads the disk, and their queue.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace serve {

class Workers {
 public:
  using Job = std::function<void()>;
  Workers(int threads, size_t max_queued);
  ~Workers();  // runs what is queued, then joins

  // False when the queue is full; the job was not taken then. Any thread.
  bool Post(Job job);

 private:
  struct State {
    std::deque<Job> jobs;
    bool stopping = false;
  };
  void Run();

  const size_t max_queued_;
  base::Guarded<State> state_;
  std::vector<std::thread> threads_;
};

}  // namespace serve
