// Private to runner/: what a person sees of the run, or with --json one object per line. Any thread may call.
//
// Every text from the tool passes the plan's masks, once they are known, and loses its control characters: a
// provisioner can print anything.
#pragma once

#include <string>
#include <string_view>

#include "base/guarded.h"
#include "run/run.h"
#include "runner/reporter.h"

namespace runner {

class Printer {
 public:
  Printer(const World& world, const RunOptions& options);

  void SetMasks(const run::SensitiveValues& sensitive);
  void Registered(const RunInfo& run);
  void Step(std::string_view name);  // "plan"
  void Line(const run::StreamLine& line, const run::StreamTracker& tracker);
  void Text(std::string_view line);       // plain text of the tool
  void Stopped(const run::Counts& done);  // an apply that ended without a summary of its own
  void Reached(run::Status status, run::Reason reason = run::Reason::kNone);
  void Waiting(const RunInfo& run);
  void Prompt();
  void Notice(std::string_view text);
  void Ended(run::Status status, run::Reason reason, int exit_code);

 private:
  std::string Clean(std::string_view text);  // masked, and safe on a terminal
  std::string CleanLine(std::string_view text);
  void Human(const std::string& text);
  void Json(base::json::object line);
  void Resource(const run::StreamLine& line, std::string_view event, const run::StreamTracker& tracker);
  void Diagnostic(const run::StreamLine& line);

  const World& world_;
  const bool json_;
  const bool terminal_;
  const std::string tool_;
  bool applying_ = false;  // touched by the thread that runs the tool
  base::Guarded<run::Masker> masker_;
  base::Guarded<bool> writing_;  // held while writing, so that lines stay whole
};

}  // namespace runner
