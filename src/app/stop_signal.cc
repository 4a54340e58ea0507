#include "app/stop_signal.h"

#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "base/log.h"

namespace app {
namespace {

// A handler may do next to nothing; sem_post and _exit are what POSIX allows it.
sem_t raised;
std::atomic<int> signals{0};
struct sigaction old_term, old_int;

void OnSignal(int) {
  int saved_errno = errno;
  if (signals.fetch_add(1) > 0) _exit(1);
  sem_post(&raised);
  errno = saved_errno;
}

}  // namespace

StopSignal::StopSignal() {
  signals = 0;
  RB_CHECK(sem_init(&raised, 0, 0) == 0);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, &old_term);
  sigaction(SIGINT, &action, &old_int);
}

StopSignal::~StopSignal() {
  sigaction(SIGTERM, &old_term, nullptr);
  sigaction(SIGINT, &old_int, nullptr);
  sem_destroy(&raised);
}

void StopSignal::Wait() {
  while (sem_wait(&raised) != 0) {
  }
}

}  // namespace app
