#include "runner/printer.h"

#include <algorithm>

#include "base/utf8.h"

namespace runner {

using base::json::object;
using run::StreamLine;
using Type = StreamLine::Type;

namespace {

std::string_view SignOf(std::string_view action) {
  if (action == "create") return "+";
  if (action == "update") return "~";
  if (action == "delete") return "-";
  if (action == "replace") return "-/+";
  if (action == "read") return "<=";
  return ".";
}

// Without colours and the like (ESC [ ... letter), which programs that a run starts are fond of.
std::string Plain(std::string_view text) {
  std::string out;
  for (size_t at; (at = text.find("\x1b[")) != std::string_view::npos;) {
    out += text.substr(0, at);
    const size_t last = text.find_first_not_of("0123456789;:?", at + 2);
    text.remove_prefix(last == std::string_view::npos ? text.size() : last + 1);
  }
  return out.append(text);
}

std::string Indented(std::string_view text, std::string_view indent) {
  std::string out;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    if (!line.empty()) out.append(indent).append(line).append("\n");
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
  return out;
}

std::string Base(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

}  // namespace

Printer::Printer(const World& world, const RunOptions& options)
    : world_(world),
      json_(options.json),
      terminal_(world.terminal >= 0),
      tool_(options.command.empty() ? "" : Base(options.command.front())),
      masker_(run::Masker({})) {}

void Printer::SetMasks(const run::SensitiveValues& sensitive) {
  *masker_.Lock() = run::Masker(sensitive);
  if (sensitive.too_short.empty()) return;
  Notice(std::to_string(sensitive.too_short.size()) +
         " sensitive value(s) of this plan are too short (under 4 bytes) to be masked in error messages");
}

std::string Printer::Clean(std::string_view text) { return base::HarmlessLines(Plain(masker_.Lock()->Mask(text))); }

std::string Printer::CleanLine(std::string_view text) { return base::Harmless(Plain(masker_.Lock()->Mask(text))); }

void Printer::Human(const std::string& text) {
  auto writing = writing_.Lock();
  world_.out(text);
}

void Printer::Json(object line) {
  auto writing = writing_.Lock();
  world_.out(base::FormatJson(line) + "\n");
}

void Printer::Registered(const RunInfo& run) {
  if (json_) return Json({{"type", "run"}, {"id", run.id}, {"url", run.url}});
  Human("run " + run.id + "\n" + (run.url.empty() ? "" : "  " + run.url + "\n"));
}

void Printer::Step(std::string_view name) {
  applying_ = name == "apply";
  if (json_) return Json({{"type", "step"}, {"step", name}});
  Human(tool_ + " " + std::string(name) + "\n");
}

void Printer::Line(const StreamLine& line, const run::StreamTracker& tracker) {
  switch (line.type) {
    case Type::kPlannedChange: return Resource(line, "planned", tracker);
    case Type::kStarted: return Resource(line, "started", tracker);
    case Type::kProgress: return Resource(line, "progress", tracker);
    case Type::kFinished: return Resource(line, "finished", tracker);
    case Type::kFailed: return Resource(line, "failed", tracker);
    case Type::kDiagnostic: return Diagnostic(line);
    case Type::kSummary:
      if (!json_) return Human("  " + CleanLine(line.text) + "\n");
      return Json({{"type", "summary"},
                   {"operation", line.operation},
                   {"add", line.counts.add},
                   {"change", line.counts.change},
                   {"destroy", line.counts.destroy},
                   {"import", line.counts.import}});
    case Type::kVersion:
    case Type::kOutputs:
    case Type::kRefresh:
    case Type::kDrift:
    case Type::kUnsupported: return;
    case Type::kProvision:
    case Type::kLog:
    case Type::kOther:
    case Type::kRaw: return Text(line.text);
  }
}

void Printer::Stopped(const run::Counts& done) {
  run::StreamLine line;
  line.type = Type::kSummary;
  line.operation = "apply";
  line.counts = done;
  line.text = "Apply stopped. Resources: " + std::to_string(done.add) + " added, " + std::to_string(done.change) +
              " changed, " + std::to_string(done.destroy) + " destroyed.";
  Line(line, {});
}

void Printer::Resource(const StreamLine& line, std::string_view event, const run::StreamTracker& tracker) {
  const std::string text = CleanLine(line.text), address = CleanLine(line.address);
  if (json_) {
    return Json({{"type", "resource"},
                 {"event", event},
                 {"address", address},
                 {"action", line.action},
                 {"elapsed_seconds", line.elapsed_seconds},
                 {"done", tracker.finished()},
                 {"total", tracker.planned()},
                 {"message", text}});
  }
  if (event == "planned" && applying_) return;  // an apply repeats what its plan has shown
  if (event == "planned") return Human("  " + std::string(SignOf(line.action)) + " " + address + "\n");
  const bool step_over = event == "finished" || event == "failed";
  std::string progress;
  if (step_over) progress = "  [" + std::to_string(tracker.finished()) + "/" + std::to_string(tracker.planned()) + "]";
  Human("  " + text + progress + "\n");
}

void Printer::Diagnostic(const StreamLine& line) {
  if (json_) {
    return Json({{"type", "diagnostic"},
                 {"severity", line.severity},
                 {"summary", Clean(line.summary)},
                 {"detail", Clean(line.detail)},
                 {"address", CleanLine(line.address)},
                 {"file", CleanLine(line.file)}});
  }
  std::string place = CleanLine(line.file);
  if (!line.address.empty()) place += (place.empty() ? "" : ", ") + CleanLine(line.address);
  Human("  " + CleanLine(line.text) + (place.empty() ? "" : " (" + place + ")") + "\n" +
        Indented(Clean(line.detail), "    "));
}

void Printer::Text(std::string_view line) {
  const std::string text = Clean(line);
  if (text.find_first_not_of(" \t\n") == std::string::npos) return;
  if (json_) return Json({{"type", "text"}, {"text", text}});
  Human(Indented(text, "  "));
}

void Printer::Reached(run::Status status, run::Reason reason) {
  if (json_) Json({{"type", "status"}, {"status", run::Name(status)}, {"reason", run::Name(reason)}});
}

void Printer::Waiting(const RunInfo& run) {
  const std::string approve = "runbell approve " + run.id, discard = "runbell discard " + run.id;
  if (json_) {
    return Json({{"type", "waiting"}, {"id", run.id}, {"url", run.url}, {"approve", approve}, {"discard", discard}});
  }
  Human("this plan waits for a decision\n" + (run.url.empty() ? "" : "  " + run.url + "\n") + "  " + approve + "\n  " +
        discard + "\n");
}

void Printer::Prompt() {
  if (terminal_ && !json_) Human("  or type yes to apply it, no to discard it: ");
}

void Printer::Notice(std::string_view text) {
  if (json_) return Json({{"type", "notice"}, {"message", base::HarmlessLines(text)}});
  auto writing = writing_.Lock();
  world_.err("runbell: " + base::HarmlessLines(text) + "\n");
}

void Printer::Ended(run::Status status, run::Reason reason, int exit_code) {
  if (json_) {
    return Json(
        {{"type", "end"}, {"status", run::Name(status)}, {"reason", run::Name(reason)}, {"exit_code", exit_code}});
  }
  if (exit_code == kExitUsage || exit_code == kExitUnreachable) return Human("nothing was run\n");
  std::string text(run::Name(status));
  std::string_view why = run::Name(reason);
  if (!why.empty() && why != text) text += " (" + std::string(why) + ")";
  std::replace(text.begin(), text.end(), '_', ' ');
  Human(text + "\n");
}

}  // namespace runner
