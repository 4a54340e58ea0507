// Private to runner/: follows the run on the server by its change feed and leaves word with Control.
#pragma once

#include <atomic>
#include <thread>

#include "runner/control.h"
#include "runner/reporter.h"

namespace runner {

// One thread. It waits until the run is registered, and ends when the client is stopped.
class Watcher {
 public:
  Watcher(ApiClient& api, Reporter& reporter, Control& control, base::Clock& clock);
  ~Watcher();  // the client must have been stopped, and the reporter told to give up

  // At first the whole feed is followed: as long as the run stands in the queue, what happens to other runs matters.
  void LeaveQueue() { whole_feed_ = false; }

 private:
  void Work();
  bool Look(const RunInfo& run);  // false: the server did not show it
  // Asks once; returns how long to wait before asking again.
  base::Micros Follow(const RunInfo& run);

  ApiClient& api_;
  Reporter& reporter_;
  Control& control_;
  base::Clock& clock_;
  std::atomic<bool> whole_feed_ = true;
  int64_t last_ = 0;
  int failures_ = 0;
  base::Signal stop_;
  std::thread thread_;
};

}  // namespace runner
