#include "deliver/loader.h"

#include <pthread.h>

#include <optional>
#include <thread>
#include <utility>

#include "base/guarded.h"

namespace deliver {

struct Loader::Impl {
  struct Inbox {
    std::optional<LoadRequest> request;
    bool stop = false;
  };

  store::Store& store;
  std::function<void(LoadAnswer)> done;
  base::Guarded<Inbox> inbox;
  std::thread thread;

  void Run() {
    pthread_setname_np(pthread_self(), "deliver-load");
    while (auto request = Next()) done(Read(std::move(*request)));
  }

  std::optional<LoadRequest> Next() {
    auto access = inbox.Lock();
    access.Wait([&] { return access->stop || access->request; });
    if (access->stop) return std::nullopt;
    return std::exchange(access->request, std::nullopt);
  }

  LoadAnswer Read(LoadRequest request) {
    LoadAnswer answer;
    answer.request = std::move(request);
    answer.status = Fill(answer);
    return answer;
  }

  base::Status Fill(LoadAnswer& answer) {
    if (!answer.request.endpoints.empty()) {
      RB_ASSIGN(answer.targets, store.Targets(answer.request.endpoints));
    }
    if (!answer.request.deliveries.empty()) {
      RB_ASSIGN(answer.deliveries, store.Load(answer.request.deliveries));
    }
    return {};
  }
};

Loader::Loader(store::Store& store, std::function<void(LoadAnswer)> done)
    : impl_(new Impl{store, std::move(done), {}, {}}) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

Loader::~Loader() {
  impl_->inbox.Lock()->stop = true;
  impl_->inbox.NotifyAll();
  impl_->thread.join();
}

void Loader::Ask(LoadRequest request) {
  impl_->inbox.Lock()->request = std::move(request);
  impl_->inbox.NotifyAll();
}

}  // namespace deliver
