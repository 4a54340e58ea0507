// Runbell's speed, measured in one run against the same sinks: the raw ceiling of the machine first, then deliveries
// end to end, with the goals beside the figures. docs/performance.md explains the measures and keeps results.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include "base/json.h"
#include "bench/measure.h"
#include "bench/server.h"
#include "bench/stage.h"

namespace bench {
namespace {

struct Row {
  std::string section, name, text, goal;
  double value = 0;
  enum class Verdict { kNone, kMet, kMissed } verdict = Verdict::kNone;
};

class Report {
 public:
  void Section(std::string name) { section_ = std::move(name); }

  void Figure(std::string name, double value, std::string text) {
    rows_.push_back({section_, std::move(name), std::move(text), "", value, Row::Verdict::kNone});
    if (shown_ != section_) fmt::print(stderr, "{}\n", section_);
    shown_ = section_;
    fmt::print(stderr, "  {}: {}\n", rows_.back().name, rows_.back().text);
  }

  void AtLeast(std::string name, double value, double goal) {
    Figure(std::move(name), value, fmt::format("{:.3f}", value));
    rows_.back().goal = fmt::format(">= {:g}", goal);
    rows_.back().verdict = value >= goal ? Row::Verdict::kMet : Row::Verdict::kMissed;
  }

  void AtMost(std::string name, double value, double goal, std::string_view unit) {
    Figure(std::move(name), value, fmt::format("{:.2f} {}", value, unit));
    rows_.back().goal = fmt::format("<= {:g} {}", goal, unit);
    rows_.back().verdict = value <= goal ? Row::Verdict::kMet : Row::Verdict::kMissed;
  }

  void Print(const std::vector<std::string>& heading) const {
    for (const std::string& line : heading) fmt::print("{}\n", line);
    std::string section;
    for (const Row& row : rows_) {
      if (row.section != section) fmt::print("\n{}\n", row.section);
      section = row.section;
      fmt::print("  {:<58} {:>24}  {:<12} {}\n", row.name, row.text, row.goal, Word(row.verdict));
    }
  }

  void PrintJson(const std::vector<std::string>& heading) const {
    base::json::array rows, lines;
    for (const std::string& line : heading) lines.emplace_back(line);
    for (const Row& row : rows_) {
      rows.push_back(base::json::object{{"section", row.section},
                                        {"name", row.name},
                                        {"value", std::isfinite(row.value) ? row.value : 0},
                                        {"text", row.text},
                                        {"goal", row.goal},
                                        {"verdict", Word(row.verdict)}});
    }
    fmt::print("{}\n", base::FormatJsonPretty(base::json::object{{"about", lines}, {"figures", rows}}));
  }

 private:
  static std::string_view Word(Row::Verdict verdict) {
    if (verdict == Row::Verdict::kNone) return "";
    return verdict == Row::Verdict::kMet ? "met" : "MISSED";
  }

  std::string section_, shown_;
  std::vector<Row> rows_;
};

constexpr std::string_view kUsage =
    "delivery_bench [--runbell PATH] [--data DIR] [--seconds S] [--connections N] [--fan-out N] [--sinks N]\n"
    "              [--rate ACCEPTS_PER_SECOND] [--runs MOST_PER_PHASE] [--only PHASE[,PHASE...]] [--json]\n"
    "phases: ceiling fanout1 fanout10 latency hanging refusing memory disk (disk comes with fanout1 and fanout10)\n";

// Of the fan-out 1 and 10 measurements, so that their pools of runs last for the whole time.
constexpr double kMostAcceptsPerSecond = 25'000;
constexpr int kFairSinks = 100, kBadSinks = 10;

class Bench {
 public:
  Bench(Settings settings, std::set<std::string> phases) : settings_(std::move(settings)), phases_(std::move(phases)) {}

  base::Status Run() {
    RB_TRY(RunCeiling("before"));
    if (Wanted("fanout1") || Wanted("disk") || NeedsRate()) RB_TRY(RunThroughput(1, 0.18));
    if (Wanted("fanout10") || Wanted("disk")) RB_TRY(RunThroughput(settings_.fan_out, 0.22));
    if (ceilings_.size() == 1 && !throughputs_.empty()) RB_TRY(RunCeiling("after"));
    CompareWithCeiling();
    if (Wanted("latency")) RB_TRY(RunLatency());
    RB_TRY(RunFairness());
    if (Wanted("memory")) RB_TRY(RunMemory());
    return {};
  }

  const Report& report() const { return report_; }

 private:
  struct Throughput {
    int fan_out = 1;
    double per_second = 0, goal = 0;
  };

  bool Wanted(const std::string& phase) const { return phases_.empty() || phases_.count(phase) > 0; }
  bool NeedsRate() const { return Wanted("latency") && settings_.rate <= 0; }

  base::Status RunCeiling(std::string_view when) {
    if (!Wanted("ceiling") && !Wanted("fanout1") && !Wanted("fanout10")) return {};
    report_.Section("(a) raw ceiling: POST of 1,000 bytes, keep-alive, no storage, no signature");
    Settings shorter = settings_;
    shorter.seconds = settings_.seconds / 2;
    RB_ASSIGN(Ceiling ceiling, MeasureCeiling(shorter));
    ceilings_.push_back(ceiling.per_second);
    report_.Figure(fmt::format("requests per second, {}", when), ceiling.per_second,
                   fmt::format("{:.0f}", ceiling.per_second));
    report_.Figure(fmt::format("CPU of generator and sinks, {}", when), ceiling.cpu_us,
                   fmt::format("{:.1f} us/request", ceiling.cpu_us));
    return {};
  }

  base::Result<Flow> MeasureAndCheck(FlowPlan plan) {
    plan.most_runs = std::min(plan.most_runs, settings_.most_runs);
    RB_ASSIGN(Flow flow, MeasureFlow(settings_, plan));
    report_.Figure("accepted per second", flow.accepted_per_second, fmt::format("{:.0f}", flow.accepted_per_second));
    report_.Figure("delivered per second, steady", flow.steady_per_second,
                   fmt::format("{:.0f}", flow.steady_per_second));
    report_.Figure("delivered per second, until drained", flow.drained_per_second,
                   fmt::format("{:.0f}", flow.drained_per_second));
    report_.Figure("accepted events", static_cast<double>(flow.accepted), fmt::format("{}", flow.accepted));
    report_.Figure("deliveries to answering sinks, repeated ones", static_cast<double>(flow.deliveries),
                   fmt::format("{}, {}", flow.deliveries, flow.repeated));
    if (!flow.drained) return base::Error(base::Code::kInternal, "deliveries of accepted events are missing");
    return flow;
  }

  void ReportCosts(const Flow& flow) {
    report_.Figure("CPU of the server", flow.server_cpu_us, fmt::format("{:.1f} us/delivery", flow.server_cpu_us));
    report_.Figure("CPU of generator and sinks", flow.bench_cpu_us,
                   fmt::format("{:.1f} us/delivery", flow.bench_cpu_us));
    report_.Figure("payload", flow.payload_bytes, fmt::format("{:.0f} bytes", flow.payload_bytes));
    report_.Figure("disk", flow.disk_bytes, fmt::format("{:.0f} bytes/delivery", flow.disk_bytes));
    report_.AtMost("disk per delivery, in payloads", flow.disk_bytes / flow.payload_bytes, 1.6, "x");
  }

  base::Status RunThroughput(int fan_out, double goal) {
    report_.Section(fmt::format("(b) end to end, fan-out {}, closed loop", fan_out));
    FlowPlan plan;
    plan.fan_out = fan_out;
    plan.sinks = std::max(settings_.sinks, fan_out) / fan_out * fan_out;
    plan.seconds = settings_.seconds;
    plan.most_runs = static_cast<size_t>(settings_.seconds * kMostAcceptsPerSecond / std::max(1.0, fan_out / 3.0));
    RB_ASSIGN(Flow flow, MeasureAndCheck(plan));
    ReportCosts(flow);
    throughputs_.push_back({fan_out, flow.drained_per_second, goal});
    return {};
  }

  void CompareWithCeiling() {
    if (ceilings_.empty()) return;
    double ceiling = 0;
    for (double one : ceilings_) ceiling += one / static_cast<double>(ceilings_.size());
    report_.Section("durable deliveries as a share of the raw ceiling (mean of before and after)");
    for (const Throughput& one : throughputs_) {
      report_.AtLeast(fmt::format("fan-out {}, until drained", one.fan_out), one.per_second / ceiling, one.goal);
    }
  }

  base::Status RunLatency() {
    double rate = settings_.rate > 0 ? settings_.rate : throughputs_.front().per_second / 2;
    report_.Section(fmt::format("(b) latency at half load: fan-out 1, open loop, {:.0f} accepts per second", rate));
    FlowPlan plan;
    plan.sinks = settings_.sinks;
    plan.seconds = settings_.seconds;
    plan.rate = rate;
    plan.most_runs = static_cast<size_t>(rate * settings_.seconds);
    RB_ASSIGN(Flow flow, MeasureAndCheck(plan));
    auto text = [](const Percentiles& p) {
      return fmt::format("{:.2f} / {:.2f} / {:.1f} ms", p.p50_ms, p.p99_ms, p.max_ms);
    };
    report_.Figure("accept answered -> first byte, p50 / p99 / max", flow.from_answer.p99_ms, text(flow.from_answer));
    report_.Figure("accept sent -> first byte, p50 / p99 / max", flow.from_request.p99_ms, text(flow.from_request));
    report_.Figure("the server's own lag histogram", 0, flow.server_lag);
    report_.Figure("CPU of the server", flow.server_cpu_us, fmt::format("{:.1f} us/delivery", flow.server_cpu_us));
    report_.AtMost("p99, commit -> first byte (at most: from accept sent)", flow.from_request.p99_ms, 10, "ms");
    return {};
  }

  base::Status RunFairness() {
    if (!Wanted("hanging") && !Wanted("refusing")) return {};
    double healthy = 0;
    RB_TRY(RunFair("none bad", SinkMode::kOk, &healthy));
    for (auto [phase, mode] : {std::pair{"hanging", SinkMode::kHang}, std::pair{"refusing", SinkMode::kRefuse}}) {
      if (!Wanted(phase)) continue;
      double others = 0;
      RB_TRY(RunFair(phase, mode, &others));
      report_.AtLeast(fmt::format("the others' deliveries, share of the run without ({})", phase), others / healthy,
                      0.9);
    }
    return {};
  }

  base::Status RunFair(std::string_view what, SinkMode mode, double* others) {
    report_.Section(fmt::format("(b) fan-out 1, {} endpoints, {} of them: {}", kFairSinks, kBadSinks, what));
    FlowPlan plan;
    plan.sinks = kFairSinks;
    plan.bad_sinks = kBadSinks;
    plan.bad_mode = mode;
    plan.seconds = settings_.seconds / 2;
    plan.most_runs = static_cast<size_t>(plan.seconds * kMostAcceptsPerSecond);
    RB_ASSIGN(Flow flow, MeasureAndCheck(plan));
    *others = flow.drained_per_second;
    return {};
  }

  base::Status RunMemory() {
    report_.Section("(b) memory of waiting deliveries (10 endpoints hang), RssAnon");
    RB_ASSIGN(Memory memory, MeasureMemory(settings_));
    auto figure = [&](std::string name, double mb) {
      report_.Figure(std::move(name), mb, fmt::format("{:.1f} MB", mb));
    };
    figure("the first 100,000", memory.first_mb);
    figure("the second 100,000", memory.second_mb);
    figure("per 100,000, after a restart that finds 200,000", memory.taken_over_mb);
    report_.AtMost("the largest of these", std::max({memory.first_mb, memory.second_mb, memory.taken_over_mb}), 20,
                   "MB");
    return {};
  }

  Settings settings_;
  std::set<std::string> phases_;
  Report report_;
  std::vector<double> ceilings_;
  std::vector<Throughput> throughputs_;
};

sigset_t EndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

struct Options {
  Settings settings;
  std::set<std::string> phases;
  bool json = false;
};

std::set<std::string> SplitAtCommas(std::string_view text) {
  std::set<std::string> parts;
  while (!text.empty()) {
    size_t comma = std::min(text.find(','), text.size());
    parts.emplace(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return parts;
}

base::Status TakeOption(Options& options, std::string_view flag, const char* value) {
  Settings& s = options.settings;
  auto number = [&](double least, double most) { return std::clamp(std::atof(value), least, most); };
  if (flag == "--runbell") {
    s.binary = value;
  } else if (flag == "--data") {
    s.directory = value;
  } else if (flag == "--seconds") {
    s.seconds = number(0.5, 120);
  } else if (flag == "--connections") {
    s.connections = static_cast<int>(number(1, 1000));
  } else if (flag == "--fan-out") {
    s.fan_out = static_cast<int>(number(1, 100));
  } else if (flag == "--sinks") {
    s.sinks = static_cast<int>(number(1, 100));
  } else if (flag == "--rate") {
    s.rate = number(1, 1e6);
  } else if (flag == "--runs") {
    s.most_runs = static_cast<size_t>(number(1, 1e6));
  } else if (flag == "--only") {
    options.phases = SplitAtCommas(value);
  } else {
    return base::Invalid(fmt::format("{}: unknown", flag));
  }
  return {};
}

base::Result<Options> ParseOptions(int argc, char** argv) {
  static const std::set<std::string> kPhases = {"ceiling", "fanout1",  "fanout10", "latency",
                                                "hanging", "refusing", "memory",   "disk"};
  Options options;
  for (int i = 1; i < argc; i++) {
    std::string_view flag = argv[i];
    if (flag == "--json") {
      options.json = true;
    } else if (i + 1 == argc) {
      return base::Invalid(fmt::format("{}: unknown, or without its value", flag));
    } else {
      RB_TRY(TakeOption(options, flag, argv[++i]));
    }
  }
  for (const std::string& phase : options.phases) {
    if (kPhases.count(phase) == 0) return base::Invalid("no such phase: " + phase);
  }
  return options;
}

// SIGINT and SIGTERM are blocked in every thread and arrive here.
void CleanUpOnSignal(std::string directory) {
  sigset_t signals = EndingSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  Server::KillRunning();
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  _exit(128 + signal);
}

base::Status Main(int argc, char** argv) {
  sigset_t signals = EndingSignals();
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  RaiseFileLimit();
  RB_ASSIGN(Options options, ParseOptions(argc, argv));
  Settings& s = options.settings;
  if (s.directory.empty()) s.directory = "/var/tmp";
  s.binary = std::filesystem::absolute(s.binary).string();
  std::string file_system = FileSystem(s.directory);
  if (file_system == "tmpfs") {
    return base::Invalid(s.directory + " is in memory (tmpfs); name a directory on a disk with --data");
  }
  std::vector<std::string> heading = {
      "machine     " + Machine(),
      fmt::format("data        {} ({}), 4 KiB append + fdatasync {:.2f} ms", s.directory, file_system,
                  SyncMilliseconds(s.directory)),
      fmt::format("generator   {} keep-alive connections, one thread; sinks on addresses of their own, one thread",
                  s.connections),
      fmt::format("entry point POST /api/iacp/v3/runs/ID/status-transitions, a dry run to planned_and_finished"),
      fmt::format("timed       {:g} s per phase; {} workspaces, {} sinks; {} of both where some are bad", s.seconds,
                  kWorkspaces, s.sinks, kFairSinks)};
  s.directory = fmt::format("{}/runbell-bench-{}", s.directory, getpid());
  std::thread(CleanUpOnSignal, s.directory).detach();
  Bench bench(s, options.phases);
  base::Status done = bench.Run();
  std::error_code ignored;
  std::filesystem::remove_all(s.directory, ignored);
  if (options.json) {
    bench.report().PrintJson(heading);
  } else {
    bench.report().Print(heading);
  }
  return done;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  base::Status done = bench::Main(argc, argv);
  if (done) return 0;
  bool misused = done.error().code == base::Code::kInvalid;
  fmt::print(stderr, "delivery_bench: {}\n{}", done.error().Text(), misused ? bench::kUsage : "");
  return 1;
}
