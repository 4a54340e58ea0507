// StopSignal: SIGTERM and SIGINT ask the process to stop; the second of them ends it at once.
#pragma once

namespace app {

// At most one at a time. While it lives the signals do nothing but wake Wait(); then they are as they were.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  void Wait();  // until the first signal has come
};

}  // namespace app
