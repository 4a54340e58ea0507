// The writer: one thread that owns the only writing connection and commits in groups.
//
// A group is whatever is queued when the former one is on disk, so one sync serves many verbs when it matters and a
// lone verb waits for nobody. If a group fails on its way to the disk nothing of it is answered as done, and no further
// one is begun: what the disk holds then is known only after the database was opened again.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "store/sqlite.h"

namespace store {

class Writer {
 public:
  struct Job {
    std::function<void()> run;                        // within the transaction
    std::function<void(const base::Status&)> answer;  // after the commit, or instead of it
    size_t weight = 1;                                // rows it writes, roughly
  };
  struct Hooks {
    std::function<void()> before_commit;  // within the transaction
    std::function<void()> committed;      // before the answers
    std::function<void()> answered;       // after the answers to a commit
    std::function<void()> rolled_back;
  };
  enum class Admission { kLimited, kAlways };

  Writer(Db& db, Hooks hooks, size_t max_queued);
  ~Writer();  // commits what is queued

  // False when too much is queued already; then nothing of the job is called.
  bool Push(Job job, Admission admission);
  base::Status health() const;

 private:
  struct Queue {
    std::deque<Job> jobs;
    bool stop = false;
    std::optional<base::Error> broken;
  };
  void Run();
  std::vector<Job> Take();
  void RunGroup(std::vector<Job>& group);
  base::Status Commit(std::vector<Job>& group);

  Db& db_;
  const Hooks hooks_;
  const size_t max_queued_;
  mutable base::Guarded<Queue> queue_;
  std::thread thread_;
};

}  // namespace store
