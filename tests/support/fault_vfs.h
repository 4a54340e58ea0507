// FaultVfs: SQLite's way to the disk, with a fault at a chosen step.
//
// Sits over the default VFS under a name of its own and counts writes and syncs of all files opened through it. The
// n-th of them fails as told, once or from then on. Simulates errors and half-done writes; not a loss of power, which
// can also lose or reorder what was written and not synced.
#pragma once

#include <memory>
#include <string>

namespace testing_support {

class FaultVfs {
 public:
  enum class Fault { kIoError, kFull, kShortWrite };
  enum class Lasting { kOnce, kFromThenOn };

  // Names must be unique among those alive. Every file must be closed before the end.
  explicit FaultVfs(const std::string& name);
  ~FaultVfs();

  const std::string& name() const;
  // Counts from zero and lets step `at` (1 is the first) fail.
  void Arm(int at, Fault fault, Lasting lasting);
  // Counts from zero; nothing fails.
  void Disarm();
  int steps() const;   // writes and syncs since then
  bool fired() const;  // whether a step was made to fail since then

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace testing_support
