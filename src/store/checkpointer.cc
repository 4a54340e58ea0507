#include "store/checkpointer.h"

#include <pthread.h>

#include <utility>

#include "base/log.h"

namespace store {

Checkpointer::Checkpointer(std::unique_ptr<Db> db) : db_(std::move(db)), thread_([this] { Run(); }) {}

Checkpointer::~Checkpointer() {
  state_.Lock()->stop = true;
  state_.NotifyAll();
  thread_.join();
}

void Checkpointer::Ask() {
  if (std::exchange(state_.Lock()->asked, true)) return;
  state_.NotifyAll();
}

base::Status Checkpointer::RunNow() { return (*db_.Lock())->Checkpoint(Db::CheckpointMode::kPassive); }

void Checkpointer::Run() {
  pthread_setname_np(pthread_self(), "store-checkpt");
  while (true) {
    {
      auto state = state_.Lock();
      state.Wait([&] { return state->stop || state->asked; });
      if (state->stop) return;
    }
    // A failure loses nothing, the log only goes on growing: the next commit asks again.
    if (auto status = RunNow(); !status) {
      base::Log(base::LogLevel::kWarn, "checkpoint failed", {{"error", status.error().Text()}});
    }
    state_.Lock()->asked = false;
  }
}

}  // namespace store
