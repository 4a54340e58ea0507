// SIGTERM, SIGINT and SIGHUP (unless it is ignored, as under nohup), turned into something that ordinary code can wait
// for. One of these objects at a time; when it goes, the signals are as they were before.
#pragma once

#include <functional>
#include <thread>

namespace app {

// For a server: the first signal asks it to stop, the second ends the process at once.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  void Wait();  // until the first signal has come
};

// For a wrapper: every signal calls `on_signal`, on a thread of its own.
class Interrupts {
 public:
  explicit Interrupts(std::function<void()> on_signal);
  ~Interrupts();

 private:
  std::function<void()> on_signal_;
  std::thread thread_;
};

}  // namespace app
