// The inside of an IoThread; what needs Asio's context includes this.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "net/asio.h"
#include "net/deadline.h"
#include "net/net.h"

namespace net {

struct IoThread::Impl {
  explicit Impl(base::Clock& clock);
  void Post(std::function<void()> work);
  void RunMail();

  std::atomic<bool> stopped = false;
  // Work from outside is collected, so that a burst of posts wakes the thread once.
  base::Guarded<std::vector<std::function<void()>>> mail;
  std::vector<std::function<void()>> running;  // on the I/O thread; swapped with `mail` to keep both allocations
  DeadlineQueue deadlines;
  asio::io_context context{1};  // last: what dies with it still clears its deadlines
  std::thread thread;
};

}  // namespace net
