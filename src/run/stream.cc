// The machine-readable stream of `plan -json` and `apply -json`. Terraform and OpenTofu share it; OpenTofu names itself
// under the key `tofu`. Unknown keys and types are legal (a minor version may add them), so what is missing or of
// another JSON type is left empty and never an error: provisioners can write anything between the lines.
#include <algorithm>
#include <charconv>

#include "run/run.h"

namespace run {
namespace {

using base::json::value;
using Type = StreamLine::Type;

constexpr size_t kMaxLineBytes = size_t{1} << 20;
constexpr size_t kMaxErrors = 100;
constexpr size_t kMaxChanges = 10'000;

// Majors of `ui` that are understood: 0 (0.15.2 to 1.0) and 1 (since).
bool IsKnownMajor(std::string_view ui) {
  int major = -1;
  auto end = std::from_chars(ui.data(), ui.data() + ui.size(), major);
  const bool whole = end.ec == std::errc() && (end.ptr == ui.data() + ui.size() || *end.ptr == '.');
  return whole && (major == 0 || major == 1);
}

std::string TextAt(const value& line, std::initializer_list<std::string_view> path) {
  return base::StringAt(line, path).value_or("");
}

int CountAt(const value& line, std::string_view key) {
  const int64_t count = base::IntAt(line, {"changes", key}).value_or(0);
  return static_cast<int>(std::clamp<int64_t>(count, 0, 1'000'000'000));
}

std::string ActionAt(const value& line, std::string_view place) {
  std::string action = TextAt(line, {place, "action"});
  return action == "remove" ? "forget" : action;
}

void ReadVersion(const value& line, StreamLine& out) {
  out.type = IsKnownMajor(TextAt(line, {"ui"})) ? Type::kVersion : Type::kUnsupported;
  if (auto terraform = base::StringAt(line, {"terraform"})) {
    out.tool_version = "Terraform " + *terraform;
  } else if (auto tofu = base::StringAt(line, {"tofu"})) {
    out.tool_version = "OpenTofu " + *tofu;
  } else {
    out.tool_version = out.text;
  }
}

void ReadChange(const value& line, StreamLine& out) {
  out.address = TextAt(line, {"change", "resource", "addr"});
  out.action = ActionAt(line, "change");
}

void ReadHook(const value& line, StreamLine& out) {
  out.address = TextAt(line, {"hook", "resource", "addr"});
  out.action = ActionAt(line, "hook");
  out.elapsed_seconds = std::max<int64_t>(0, base::IntAt(line, {"hook", "elapsed_seconds"}).value_or(0));
}

void ReadSummary(const value& line, StreamLine& out) {
  out.counts = {.add = CountAt(line, "add"),
                .change = CountAt(line, "change"),
                .destroy = CountAt(line, "remove"),
                .import = CountAt(line, "import")};
  out.operation = TextAt(line, {"changes", "operation"});
}

void ReadDiagnostic(const value& line, StreamLine& out) {
  out.severity = TextAt(line, {"diagnostic", "severity"});
  out.summary = TextAt(line, {"diagnostic", "summary"});
  out.detail = TextAt(line, {"diagnostic", "detail"});
  out.address = TextAt(line, {"diagnostic", "address"});
  out.file = TextAt(line, {"diagnostic", "range", "filename"});
  if (auto number = base::IntAt(line, {"diagnostic", "range", "start", "line"}); number && !out.file.empty()) {
    out.file += ":" + std::to_string(*number);
  }
}

void ReadLog(const value&, StreamLine& out) {
  out.interrupted = out.text.find("Interrupt received") != std::string::npos ||
                    out.text.find("Two interrupts received") != std::string::npos;
}

void ReadNothing(const value&, StreamLine&) {}

struct Row {
  std::string_view name;
  Type type;
  void (*read)(const value&, StreamLine&);
};
constexpr Row kRows[] = {
    {"version", Type::kVersion, ReadVersion},           {"log", Type::kLog, ReadLog},
    {"diagnostic", Type::kDiagnostic, ReadDiagnostic},  {"planned_change", Type::kPlannedChange, ReadChange},
    {"resource_drift", Type::kDrift, ReadChange},       {"change_summary", Type::kSummary, ReadSummary},
    {"outputs", Type::kOutputs, ReadNothing},           {"apply_start", Type::kStarted, ReadHook},
    {"apply_progress", Type::kProgress, ReadHook},      {"apply_complete", Type::kFinished, ReadHook},
    {"apply_errored", Type::kFailed, ReadHook},         {"provision_start", Type::kProvision, ReadHook},
    {"provision_progress", Type::kProvision, ReadHook}, {"provision_complete", Type::kProvision, ReadHook},
    {"provision_errored", Type::kProvision, ReadHook},  {"refresh_start", Type::kRefresh, ReadHook},
    {"refresh_complete", Type::kRefresh, ReadHook},
};

StreamLine Raw(std::string_view text) {
  StreamLine line;
  line.type = Type::kRaw;
  line.text = text;
  return line;
}

StreamLine ReadLine(std::string_view text) {
  if (text.front() != '{') return Raw(text);
  auto parsed = base::ParseJson(text);
  if (!parsed) return Raw(text);
  auto type = base::StringAt(*parsed, {"type"});
  if (!type) return Raw(text);
  StreamLine line;
  line.text = TextAt(*parsed, {"@message"});
  auto row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.name == *type; });
  if (row == std::end(kRows)) return line;
  line.type = row->type;
  row->read(*parsed, line);
  return line;
}

// How many `apply_complete` lines a planned change leads to; imports, moves and forgotten resources have none.
int StepsOf(std::string_view action) {
  if (action == "replace") return 2;
  return action == "create" || action == "update" || action == "delete" || action == "read" ? 1 : 0;
}

}  // namespace

std::vector<StreamLine> StreamParser::Feed(std::string_view bytes) {
  std::vector<StreamLine> lines;
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    const bool complete = newline != std::string_view::npos;
    std::string_view piece = bytes.substr(0, newline);
    bytes.remove_prefix(complete ? newline + 1 : bytes.size());
    if (!skipping_) {
      partial_.append(piece.substr(0, kMaxLineBytes + 1 - partial_.size()));
      if (partial_.size() > kMaxLineBytes) {
        lines.push_back(Raw(std::string_view(partial_).substr(0, kMaxLineBytes)));
        partial_.clear();
        skipping_ = true;
      }
    }
    if (!complete) continue;
    if (!skipping_) TakeLine(lines);
    skipping_ = false;
  }
  return lines;
}

std::vector<StreamLine> StreamParser::Finish() {
  std::vector<StreamLine> lines;
  TakeLine(lines);
  skipping_ = false;
  return lines;
}

void StreamParser::TakeLine(std::vector<StreamLine>& lines) {
  std::string_view text = partial_;
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  if (!text.empty()) lines.push_back(ReadLine(text));
  partial_.clear();
}

void StreamTracker::Take(const StreamLine& line) {
  interrupted_ = interrupted_ || line.interrupted;
  switch (line.type) {
    case Type::kPlannedChange: TakePlanned(line); break;
    case Type::kStarted:
    case Type::kFinished:
    case Type::kFailed: TakeStep(line); break;
    case Type::kSummary:
      counts_ = line.counts;
      has_summary_ = true;
      of_plan_ = line.operation == "plan";
      break;
    case Type::kDiagnostic:
      if (line.severity == "error" && errors_.size() < kMaxErrors) errors_.push_back(line);
      break;
    default: break;
  }
}

void StreamTracker::TakePlanned(const StreamLine& line) {
  if (line.action == "noop") return;
  if (changes_.size() < kMaxChanges) changes_.push_back({line.address, line.action});
  const int steps = StepsOf(line.action);
  if (steps == 0) return;
  ++planned_;
  steps_left_[line.address] += steps;
}

void StreamTracker::TakeStep(const StreamLine& line) {
  if (has_summary_ && of_plan_) {  // it told what was intended; from here on counts what is done
    has_summary_ = false;
    counts_ = {};
  }
  if (line.type == Type::kStarted) return;
  if (line.type == Type::kFinished) {
    if (line.action == "create" || line.action == "replace") ++counts_.add;
    if (line.action == "update") ++counts_.change;
    if (line.action == "delete" || line.action == "replace") ++counts_.destroy;
  }
  auto left = steps_left_.find(line.address);
  if (left == steps_left_.end()) return;
  left->second -= line.type == Type::kFailed ? left->second : StepsOf(line.action);
  if (left->second > 0) return;
  steps_left_.erase(left);
  ++finished_;
}

}  // namespace run
