#include "net/io_thread.h"

#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "base/log.h"

namespace net {

// ---- deadlines ----

Deadline::Deadline(IoThread& io, std::function<void()> expired)
    : queue_(io.impl().deadlines), expired_(std::move(expired)) {}

Deadline::~Deadline() { queue_.Remove(*this); }

void Deadline::Set(base::MonoTime when) {
  when_ = when;
  if (when < queued_) queue_.Insert(*this, when);
}

void DeadlineQueue::Insert(Deadline& deadline, base::MonoTime when) {
  Remove(deadline);
  queue_.emplace(when, &deadline);
  deadline.queued_ = when;
  Arm();
}

void DeadlineQueue::Remove(Deadline& deadline) {
  if (deadline.queued_ == Deadline::kNever) return;
  queue_.erase({deadline.queued_, &deadline});
  deadline.queued_ = Deadline::kNever;
}

void DeadlineQueue::Arm() {
  if (queue_.empty() || queue_.begin()->first >= armed_for_) return;
  clock_.Cancel(timer_);
  armed_for_ = queue_.begin()->first;
  timer_ = clock_.CallAt(armed_for_, [this] { post_([this] { Expire(); }); });
}

void DeadlineQueue::Expire() {
  armed_for_ = Deadline::kNever;
  const base::MonoTime now = clock_.Mono();
  while (!queue_.empty() && queue_.begin()->first <= now) {
    Deadline& deadline = *queue_.begin()->second;
    Remove(deadline);
    if (deadline.when_ <= now) {
      deadline.when_ = Deadline::kNever;
      auto expired = deadline.expired_;  // a copy: the call may destroy the deadline
      expired();
    } else if (deadline.when_ != Deadline::kNever) {
      queue_.emplace(deadline.when_, &deadline);
      deadline.queued_ = deadline.when_;
    }
  }
  Arm();
}

// ---- the thread ----

// Asio opens its epoll descriptors with the first socket object, and throws when there are none left. Better now, when
// ending the process harms nothing.
IoThread::Impl::Impl(base::Clock& clock)
    : deadlines(clock, [this](std::function<void()> work) { Post(std::move(work)); }) {
  try {
    tcp::socket first(context);
  } catch (const boost::system::system_error& e) {
    base::Log(base::LogLevel::kError, "cannot wait for the network; raise the limit of open files (ulimit -n)",
              {{"error", e.code().message()}});
    std::_Exit(EXIT_FAILURE);
  }
}

void IoThread::Impl::Post(std::function<void()> work) {
  bool first;
  {
    auto box = mail.Lock();
    if (stopped) return;
    first = box->empty();
    box->push_back(std::move(work));
  }
  if (first) asio::post(context, [this] { RunMail(); });
}

void IoThread::Impl::RunMail() {
  running.swap(*mail.Lock());
  for (auto& work : running) {
    work();
    work = nullptr;
  }
  running.clear();
}

IoThread::IoThread(std::string name, base::Clock& clock) : impl_(std::make_unique<Impl>(clock)) {
  impl_->thread = std::thread([impl = impl_.get(), name = name.substr(0, 15)] {
    pthread_setname_np(pthread_self(), name.c_str());
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the main thread's business
    auto work = asio::make_work_guard(impl->context);
    impl->context.run();
  });
}

IoThread::~IoThread() {
  RB_CHECK(!Here());
  impl_->Post([impl = impl_.get()] { impl->context.stop(); });
  impl_->thread.join();
  std::vector<std::function<void()>> unrun;
  {
    auto box = impl_->mail.Lock();
    impl_->stopped = true;
    unrun.swap(*box);
  }
}

void IoThread::Post(std::function<void()> work) { impl_->Post(std::move(work)); }

bool IoThread::Here() const { return impl_->thread.get_id() == std::this_thread::get_id(); }

}  // namespace net
