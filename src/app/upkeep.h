// Upkeep: what the store needs from time to time. Sweeps runs every 30 s and purges what retention allows every hour.
#pragma once

#include <memory>

#include "base/clock.h"
#include "store/store.h"

namespace app {

class Upkeep {
 public:
  // Begins with a sweep and a purge at once: the process may have been down for long.
  Upkeep(store::Store& store, base::Clock& clock);
  ~Upkeep();  // ends the thread "upkeep" after the batch it is at

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace app
