// Checkpoints on a connection and a thread of their own, out of the writer's way.
#pragma once

#include <memory>
#include <thread>

#include "base/guarded.h"
#include "store/sqlite.h"

namespace store {

class Checkpointer {
 public:
  explicit Checkpointer(std::unique_ptr<Db> db);
  ~Checkpointer();
  void Ask();             // returns at once
  base::Status RunNow();  // on the caller's thread

 private:
  struct State {
    bool asked = false, stop = false;
  };
  void Run();
  base::Guarded<std::unique_ptr<Db>> db_;
  base::Guarded<State> state_;
  std::thread thread_;
};

}  // namespace store
