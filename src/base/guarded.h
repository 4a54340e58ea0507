// Guarded<T>: shared mutable data that can only be reached while its lock is held.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

namespace base {

template <class T>
class Guarded {
 public:
  class Access {
   public:
    T* operator->() { return data_; }
    T& operator*() { return *data_; }
    // Gives the lock up until notified and `ready()` holds.
    template <class Ready>
    void Wait(Ready ready) {
      changed_->wait(lock_, ready);
    }

   private:
    friend class Guarded;
    Access(std::mutex& mutex, std::condition_variable& changed, T* data)
        : lock_(mutex), changed_(&changed), data_(data) {}
    std::unique_lock<std::mutex> lock_;
    std::condition_variable* changed_;
    T* data_;
  };

  Guarded() = default;
  explicit Guarded(T data) : data_(std::move(data)) {}
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  Access Lock() { return Access(mutex_, changed_, &data_); }
  void NotifyAll() { changed_.notify_all(); }
  // Where all who wait would be content with the same, and one can have it.
  void NotifyOne() { changed_.notify_one(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  T data_{};
};

}  // namespace base
