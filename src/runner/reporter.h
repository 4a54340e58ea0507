// Private to runner/: tells the server how the run goes, in order, again and again until it has taken every report.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "run/run.h"
#include "runner/runner.h"

namespace runner {

struct Report {
  run::Status status = run::Status::kPlanning;
  run::Reason reason = run::Reason::kNone;
  std::optional<bool> has_changes = {};
  std::optional<run::Counts> counts = {};
  std::vector<run::ChangedResource> changes = {};
  std::string error_summary = {};  // masked
};

// What became of a report when Send returned.
enum class Sent {
  kAccepted,
  kQueued,   // not taken: another run of the workspace is active
  kRefused,  // not taken, and will not be
  kKept,     // the server cannot be reached: sent later
};

struct RunInfo {
  std::string id, url;
  bool auto_apply = false;
};

// One thread sends; the others hand over. Send and Finish are for one thread, the rest for any.
//
// The server may have declared the run lost meanwhile; then the reporter first takes it back to where it was. From the
// registration on, while nothing new is taken, the present status is reported again as a sign of life.
class Reporter {
 public:
  Reporter(const RunOptions& options, ApiClient& api, base::Clock& clock, base::Random& random,
           std::function<void(const std::string&)> notice);
  ~Reporter();

  // One attempt now. kUnavailable: it is made again with every report. Any other error is final.
  base::Result<RunInfo> Register();
  Sent Send(Report report);
  std::optional<base::Error> refusal();  // why the last refused report, or the whole run, was refused
  bool dead();                           // the server refuses the whole run
  std::optional<RunInfo> run();
  std::optional<RunInfo> AwaitRun();  // blocks until the run is registered; null when it never will be
  void Beat();                        // a sign of life now

  // Waits until every report is delivered, at most `limit`; returns how many are not. The last call but GiveUp.
  size_t Finish(base::Micros limit);
  void GiveUp();

 private:
  struct Entry {
    Report report;
    std::string key;  // the same at every attempt, so that the server takes it once
    bool awaited = false;
  };
  struct State {
    std::deque<Entry> queue;
    std::optional<Sent> outcome;  // of the awaited entry
    std::optional<RunInfo> run;
    std::optional<base::Error> refusal;
    run::Status accepted = run::Status::kPending;
    bool register_now = false, registered_once = false;
    bool backing_off = false, beat_due = false;
    bool unreachable = false, dead = false, give_up = false, stop = false;
    int failures = 0;
  };
  enum class Job { kStop, kRegister, kReport, kBeat };

  void Work();
  Job NextJob();
  base::Status TryRegister();
  void DoReport();
  void DoBeat();
  struct Outcome {
    Sent sent = Sent::kAccepted;
    std::optional<base::Error> error;
  };
  Outcome Deliver(const Entry& entry);
  static Outcome NotTaken(base::Error error);
  base::Status Post(const Report& report, const std::string& key);
  base::Status PostAccepted();  // a sign of life, or the way back from being lost
  base::Result<std::string> FindOrMakePlaces();
  base::Result<RunInfo> CreateRun(const std::string& workspace);
  struct Effects;
  void Settle(const Outcome& outcome);
  void ArmBeat(base::Micros delay);
  static void OnAccepted(State& state, Effects& effects);
  static void OnQueued(State& state, Effects& effects);
  static void OnRefused(State& state, const base::Error& error, Effects& effects);
  static void OnKept(State& state, const base::Error& error, Effects& effects);
  static void BackOff(State& state, Effects& effects);
  void SetTimer(base::Clock::TimerId& timer, base::Micros delay, void (*effect)(State&));

  const RunOptions& options_;
  ApiClient& api_;
  base::Clock& clock_;
  base::Random& random_;
  const std::function<void(const std::string&)> notice_;
  const std::string run_key_;  // the same at every attempt to register, so that the server makes one run
  base::Guarded<State> state_;
  base::Clock::TimerId retry_timer_ = 0, beat_timer_ = 0;  // touched by the reporter's thread
  std::thread thread_;
};

}  // namespace runner
