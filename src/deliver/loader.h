// Loader: reads from the store, on a thread of its own, what the dispatcher wants to send.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace deliver {

struct LoadRequest {
  std::vector<base::DeliveryId> deliveries;
  std::vector<base::EndpointId> endpoints;
};
struct LoadAnswer {
  LoadRequest request;
  std::vector<store::Loaded> deliveries;
  std::vector<store::Target> targets;
  base::Status status;  // an error: nothing of this request could be read
};

class Loader {
 public:
  // `done` is called on the loader's thread.
  Loader(store::Store& store, std::function<void(LoadAnswer)> done);
  ~Loader();                      // joins; a request under way is finished first
  void Ask(LoadRequest request);  // any thread; one at a time

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace deliver
