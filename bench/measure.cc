#include "bench/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "bench/stage.h"

namespace bench {
namespace {

constexpr int64_t kDrainLimitNs = 60'000'000'000;
constexpr double kMegabyte = 1e6;

void Pause(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

std::string DataDirectory(const Settings& settings) {
  static int number = 0;
  return fmt::format("{}/{}", settings.directory, number++);
}

Percentiles PercentilesOf(std::vector<int64_t> samples_ns) {
  if (samples_ns.empty()) return {};
  std::sort(samples_ns.begin(), samples_ns.end());
  auto at = [&](double share) {
    auto index = static_cast<size_t>(share * static_cast<double>(samples_ns.size() - 1));
    return static_cast<double>(samples_ns[index]) / 1e6;
  };
  return {at(0.5), at(0.99), at(1)};
}

// The upper bounds between which the median and the 99th percentile of a Prometheus histogram lie.
std::string HistogramText(const std::string& metrics, std::string_view name) {
  std::vector<std::pair<std::string, double>> buckets;  // upper bound, cumulative count
  std::string mark = fmt::format("{}_bucket{{", name);
  for (size_t at = metrics.find(mark); at != std::string::npos; at = metrics.find(mark, at + 1)) {
    std::string line = metrics.substr(at, metrics.find('\n', at) - at);
    size_t bound = line.find("le=\"");
    if (bound == std::string::npos || line.find("retry") != std::string::npos) continue;
    std::string text = line.substr(bound + 4, line.find('"', bound + 4) - bound - 4);
    buckets.emplace_back(text, std::strtod(line.c_str() + line.rfind(' '), nullptr));
  }
  if (buckets.empty() || buckets.back().second == 0) return "none";
  auto bound = [&](double share) {
    for (const auto& [text, count] : buckets) {
      if (count >= share * buckets.back().second) return text;
    }
    return buckets.back().first;
  };
  return fmt::format("p50 <= {} s, p99 <= {} s", bound(0.5), bound(0.99));
}

class FlowRun {
 public:
  FlowRun(const Settings& settings, const FlowPlan& plan) : settings_(settings), plan_(plan) {}

  base::Result<Flow> Run() {
    StagePlan stage;
    stage.binary = settings_.binary;
    stage.directory = DataDirectory(settings_);
    stage.sinks.assign(static_cast<size_t>(plan_.sinks), SinkMode::kOk);
    for (int i = 0; i < plan_.bad_sinks; i++) stage.sinks[static_cast<size_t>(plan_.sinks - 1 - i)] = plan_.bad_mode;
    stage.fan_out = plan_.fan_out;
    stage.runs = plan_.most_runs;
    if (plan_.bad_sinks > 0) stage.timeout_s = 2;
    RB_ASSIGN(stage_, Stage::Set(std::move(stage)));
    int64_t disk_before = DatabaseBytes(stage_->plan().directory);
    RB_TRY(stage_->StartServer());
    double cpu_before = stage_->server().Measure().cpu_seconds;
    RB_ASSIGN(accepts_, Accept());
    AwaitDrained();
    Pause(200);  // the last attempts are being recorded
    double cpu = stage_->server().Measure().cpu_seconds - cpu_before;
    if (auto metrics = stage_->api().Send("GET", "/metrics", ""); metrics) {
      flow_.server_lag = HistogramText(*metrics, "runbell_first_attempt_lag_seconds");
    }
    RB_TRY(stage_->StopServer());
    stage_->EndSinks();
    Count();
    auto deliveries = static_cast<double>(std::max<size_t>(1, flow_.deliveries));
    flow_.server_cpu_us = cpu * 1e6 / deliveries;
    flow_.bench_cpu_us = (accepts_.cpu_seconds + stage_->sinks().cpu_seconds()) * 1e6 / deliveries;
    flow_.disk_bytes = static_cast<double>(DatabaseBytes(stage_->plan().directory) - disk_before) / deliveries;
    return flow_;
  }

 private:
  bool Good(size_t number) const {
    size_t group = number % stage_->groups();
    return (group + 1) * static_cast<size_t>(plan_.fan_out) <= static_cast<size_t>(plan_.sinks - plan_.bad_sinks);
  }

  base::Result<LoadResult> Accept() {
    sent_ns_.assign(plan_.most_runs, 0);
    answered_ns_.assign(plan_.most_runs, 0);
    Load load;
    load.targets = {stage_->target()};
    load.connections = settings_.connections;
    load.count = plan_.most_runs;
    load.seconds = plan_.seconds;
    load.rate = plan_.rate;
    load.write = [&](size_t number, std::string& request) { stage_->WriteFinish(number, request); };
    load.answered = [&](size_t number, int status, std::string_view, int64_t sent_ns) {
      if (status / 100 != 2) return;
      sent_ns_[number] = sent_ns;
      answered_ns_[number] = NowNs();
      flow_.accepted++;
      bool counts = plan_.bad_mode == SinkMode::kOk || Good(number);
      if (counts) expected_ += static_cast<size_t>(plan_.fan_out);
    };
    RB_ASSIGN(LoadResult result, RunLoad(load));
    if (result.failed > 0) {
      return base::Error(base::Code::kInternal,
                         fmt::format("{} of {} accepts failed: {}", result.failed, result.begun, result.first_failure));
    }
    return result;
  }

  void AwaitDrained() {
    int64_t deadline = NowNs() + kDrainLimitNs;
    while (stage_->sinks().answered() < expected_ && NowNs() < deadline) Pause(1);
    flow_.drained = stage_->sinks().answered() >= expected_;
  }

  void Count() {
    const Arrivals& arrivals = stage_->arrivals();
    std::vector<int64_t> from_request, from_answer;
    auto fan_out = static_cast<size_t>(plan_.fan_out);
    for (size_t number = 0; number < plan_.most_runs; number++) {
      if (answered_ns_[number] == 0 || !Good(number)) continue;
      size_t count = arrivals.count[number];
      flow_.deliveries += std::min(count, fan_out);
      flow_.repeated += count - std::min(count, fan_out);
      if (count < fan_out) flow_.drained = false;
      if (count == 0) continue;
      from_request.push_back(arrivals.first_byte_ns[number] - sent_ns_[number]);
      // The sink can have the delivery before the generator has read the answer.
      from_answer.push_back(std::max<int64_t>(0, arrivals.first_byte_ns[number] - answered_ns_[number]));
    }
    flow_.from_request = PercentilesOf(std::move(from_request));
    flow_.from_answer = PercentilesOf(std::move(from_answer));
    flow_.accepted_per_second = static_cast<double>(flow_.accepted) / accepts_.seconds();
    int64_t warm = accepts_.start_ns + (accepts_.end_ns - accepts_.start_ns) / 10;
    auto steady = std::count_if(arrivals.all_ns.begin(), arrivals.all_ns.end(),
                                [&](int64_t t) { return t >= warm && t < accepts_.end_ns; });
    flow_.steady_per_second = static_cast<double>(steady) * 1e9 / static_cast<double>(accepts_.end_ns - warm);
    double total_ns = static_cast<double>(stage_->sinks().last_ns() - accepts_.start_ns);
    flow_.drained_per_second = static_cast<double>(flow_.deliveries) * 1e9 / std::max(1.0, total_ns);
    if (!arrivals.all_ns.empty()) {
      flow_.payload_bytes = static_cast<double>(arrivals.body_bytes) / static_cast<double>(arrivals.all_ns.size());
    }
  }

  const Settings& settings_;
  const FlowPlan& plan_;
  std::unique_ptr<Stage> stage_;
  LoadResult accepts_;
  Flow flow_;
  size_t expected_ = 0;  // requests at the sinks that answer
  std::vector<int64_t> sent_ns_, answered_ns_;
};

}  // namespace

base::Result<Ceiling> MeasureCeiling(const Settings& settings) {
  Arrivals arrivals(0);
  RB_ASSIGN(auto sinks,
            Sinks::Start(std::vector<SinkMode>(static_cast<size_t>(settings.sinks), SinkMode::kOk), nullptr));
  std::string body = R"({"message":"bench-000000000"})";
  body.append(1000 - body.size(), ' ');
  std::string request = fmt::format(
      "POST /hook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      body.size(), body);
  Load load;
  for (size_t i = 0; i < sinks->size(); i++) load.targets.push_back({sinks->address(i), sinks->port(i)});
  load.connections = settings.connections;
  load.count = SIZE_MAX;
  load.seconds = settings.seconds;
  load.write = [&](size_t, std::string& out) { out += request; };
  load.answered = [](size_t, int, std::string_view, int64_t) {};
  RB_ASSIGN(LoadResult result, RunLoad(load));
  sinks->Stop();
  auto ok = static_cast<double>(result.ok);
  return Ceiling{ok / result.seconds(), (result.cpu_seconds + sinks->cpu_seconds()) * 1e6 / ok};
}

base::Result<Flow> MeasureFlow(const Settings& settings, const FlowPlan& plan) { return FlowRun(settings, plan).Run(); }

namespace {

constexpr size_t kMemoryFanOut = 10;
constexpr size_t kMemoryRuns = 100'000 / kMemoryFanOut;  // that make 100,000 deliveries

// Ends `count` runs from `first` on, only those of one group: runs alternate between two.
base::Status Ring(Stage& stage, const Settings& settings, size_t group, size_t first, size_t count) {
  Load load;
  load.targets = {stage.target()};
  load.connections = settings.connections;
  load.count = count;
  load.seconds = 60;
  load.write = [&](size_t i, std::string& request) { stage.WriteFinish((first + i) * 2 + group, request); };
  load.answered = [](size_t, int, std::string_view, int64_t) {};
  RB_ASSIGN(LoadResult result, RunLoad(load));
  if (result.ok == count) return {};
  return base::Error(base::Code::kInternal, "accepting for memory: " + result.first_failure);
}

// The smallest of a few looks, so that what is under way at one moment is not taken for what is kept.
double SettledMegabytes(const Server& server) {
  int64_t least = INT64_MAX;
  for (int i = 0; i < 20; i++) {
    Pause(100);
    least = std::min(least, server.Measure().anonymous_bytes);
  }
  return static_cast<double>(least) / kMegabyte;
}

}  // namespace

base::Result<Memory> MeasureMemory(const Settings& settings) {
  StagePlan plan;
  plan.binary = settings.binary;
  plan.directory = DataDirectory(settings);
  plan.sinks.assign(kMemoryFanOut, SinkMode::kOk);
  plan.sinks.resize(2 * kMemoryFanOut, SinkMode::kHang);
  plan.fan_out = kMemoryFanOut;
  plan.runs = 2 * 2 * kMemoryRuns;
  plan.timeout_s = 60;
  RB_ASSIGN(auto stage, Stage::Set(std::move(plan)));
  RB_TRY(stage->StartServer());
  double empty = SettledMegabytes(stage->server());
  // The healthy group first: caches and buffers reach their size before anything is compared.
  RB_TRY(Ring(*stage, settings, 0, 0, 2 * kMemoryRuns));
  int64_t deadline = NowNs() + kDrainLimitNs;
  while (stage->sinks().answered() < 2 * 100'000 && NowNs() < deadline) Pause(1);
  Memory memory;
  double warm = SettledMegabytes(stage->server());
  RB_TRY(Ring(*stage, settings, 1, 0, kMemoryRuns));
  double first = SettledMegabytes(stage->server());
  RB_TRY(Ring(*stage, settings, 1, kMemoryRuns, kMemoryRuns));
  double second = SettledMegabytes(stage->server());
  RB_TRY(stage->StopServer());
  RB_TRY(stage->StartServer());
  double restarted = SettledMegabytes(stage->server());
  memory.first_mb = first - warm;
  memory.second_mb = second - first;
  memory.taken_over_mb = (restarted - empty) / 2;
  RB_TRY(stage->StopServer());
  return memory;
}

}  // namespace bench
