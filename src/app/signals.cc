#include "app/signals.h"

#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "base/log.h"

namespace app {
namespace {

// A handler may do next to nothing; sem_post and _exit are what POSIX allows it.
sem_t raised;
std::atomic<int> signals_left{0};  // so many are let pass before one ends the process
std::atomic<bool> leaving{false};
constexpr std::array kSignals = {SIGTERM, SIGINT, SIGHUP};
std::array<struct sigaction, kSignals.size()> before;

void OnSignal(int) {
  int saved_errno = errno;
  if (signals_left.fetch_sub(1) <= 0) _exit(1);
  sem_post(&raised);
  errno = saved_errno;
}

void Install(int passing) {
  signals_left = passing;
  RB_CHECK(sem_init(&raised, 0, 0) == 0);
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &before[i]);
    const bool nohup = kSignals[i] == SIGHUP && before[i].sa_handler == SIG_IGN;
    if (!nohup) sigaction(kSignals[i], &action, nullptr);
  }
}

void Uninstall() {
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before[i], nullptr);
  sem_destroy(&raised);
}

void WaitForOne() {
  while (sem_wait(&raised) != 0) {
  }
}

}  // namespace

StopSignal::StopSignal() { Install(1); }
StopSignal::~StopSignal() { Uninstall(); }
void StopSignal::Wait() { WaitForOne(); }

Interrupts::Interrupts(std::function<void()> on_signal) : on_signal_(std::move(on_signal)) {
  leaving = false;
  Install(1'000'000);
  thread_ = std::thread([this] {
    while (true) {
      WaitForOne();
      if (leaving) return;
      on_signal_();
    }
  });
}

Interrupts::~Interrupts() {
  leaving = true;
  sem_post(&raised);
  thread_.join();
  Uninstall();
}

}  // namespace app
