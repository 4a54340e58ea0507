// The store alone: how fast events are accepted, attempts recorded and deliveries loaded, and how many bytes one takes.
//
// Runs are made beforehand and stand in `planning`; an event is the report that ends one, with a key, as its reporter
// sends it. Writes are kept in flight as the server keeps them, so they are committed in groups. The directory is made
// under RB_BENCH_DIR or /var/tmp, which should be on a disk.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "base/random.h"
#include "store/store.h"

namespace {

constexpr int kEvents = 60'000;
constexpr int kPreparers = 64;
constexpr int kPlaces = 20;
constexpr size_t kInFlight = 512;

const base::Principal kSystem = base::Principal::System();

template <class T>
T Must(base::Result<T> result) {
  if (!result) base::Log(base::LogLevel::kError, result.error().Text());
  RB_CHECK(result.has_value());
  return std::move(*result);
}

// Counts what is under way.
class Window {
 public:
  void Enter(size_t limit) {
    auto count = count_.Lock();
    count.Wait([&] { return *count < limit; });
    ++*count;
  }
  void Leave(size_t by = 1) {
    *count_.Lock() -= by;
    count_.NotifyAll();
  }
  void Drain() {
    auto count = count_.Lock();
    count.Wait([&] { return *count == 0; });
  }

 private:
  base::Guarded<size_t> count_;
};

std::string MakeDirectory() {
  const char* root = getenv("RB_BENCH_DIR");
  std::string name = std::string(root == nullptr ? "/var/tmp" : root) + "/runbell-store-bench-XXXXXX";
  RB_CHECK(mkdtemp(name.data()) != nullptr);
  return name;
}

class Bench {
 public:
  explicit Bench(int fan_out) : directory_(MakeDirectory()) {
    store::Options options;
    options.directory = directory_;
    store_ = Must(store::Store::Open(options, *clock_, *random_));
    store_->SetExternalUrl("http://127.0.0.1:8170");
    store_->Listen([this](const store::Committed& committed) {
      if (!committed.waiting.empty()) Committed(committed);
    });
    MakePlaces(fan_out);
    MakeRuns();
    RB_CHECK(store_->Checkpoint().has_value());
    bytes_before_ = DiskBytes();
  }
  ~Bench() {
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  void Accept() {
    for (int i = 0; i < kEvents; ++i) Move(runs_[static_cast<size_t>(i)], run::Status::kPlannedAndFinished, "end");
    window_.Drain();
  }

  // Each delivery's attempt is recorded as soon as its commit is told of, as the dispatcher does.
  void RecordFromNowOn() { recording_ = true; }
  void Record(const std::vector<store::Waiting>& waiting) {
    std::vector<store::AttemptRecord> records;
    records.reserve(waiting.size());
    for (const auto& one : waiting) records.push_back(AttemptOf(one));
    window_.Enter(SIZE_MAX);
    store_->Record(std::move(records), [this](const base::Result<int>& lost) {
      RB_CHECK(lost && *lost == 0);
      window_.Leave();
    });
  }
  void Drain() { window_.Drain(); }

  const std::vector<store::Waiting>& accepted() const { return accepted_; }
  store::Store& store() { return *store_; }

  // Of the database alone, once the log is emptied into it.
  double BytesPerDelivery() {
    RB_CHECK(store_->Checkpoint().has_value());
    return static_cast<double>(DiskBytes() - bytes_before_) / static_cast<double>(accepted_.size());
  }
  double PayloadBytes() { return static_cast<double>(Must(store_->Detail(kSystem, accepted_.front().id)).body.size()); }

 private:
  void MakePlaces(int fan_out) {
    for (int i = 0; i < kPlaces; ++i) {
      const std::string number = std::to_string(i);
      store::Environment e;
      e.name = "environment-" + number;
      e = Must(store_->Create(kSystem, e));
      store::Workspace w;
      w.environment = e.id;
      w.name = "workspace-" + number;
      workspaces_.push_back(Must(store_->Create(kSystem, w)).id);
      for (int f = 0; f < fan_out; ++f) {
        store::Endpoint p;
        p.place.environment = e.id;
        p.name = "endpoint-" + std::to_string(f);
        p.url = "http://127.0.0.1:1/hook";
        store::Webhook h;
        h.name = "webhook-" + number + "-" + std::to_string(f);
        h.endpoint = Must(store_->Create(kSystem, p)).id;
        h.events = {run::EventKind::kCompleted};
        h.environments = {e.id};
        Must(store_->Create(kSystem, h));
      }
    }
  }

  void MakeRuns() {
    runs_.resize(kEvents);
    std::vector<std::thread> preparers;
    for (int t = 0; t < kPreparers; ++t) {
      preparers.emplace_back([this, t] {
        for (size_t i = static_cast<size_t>(t); i < runs_.size(); i += kPreparers) {
          store::Run r;
          r.workspace = workspaces_[i % kPlaces];
          r.message = "bench-" + std::to_string(100'000 + i) + ": Updated instance\n";
          r.facts.is_dry = true;
          runs_[i] = Must(store_->Create(kSystem, r)).id;
        }
      });
    }
    for (auto& thread : preparers) thread.join();
    for (base::RunId run : runs_) Move(run, run::Status::kPlanning, "begin");
    window_.Drain();
  }

  void Move(base::RunId run, run::Status to, std::string key) {
    store::TransitionRequest request;
    request.run = run;
    request.move.to = to;
    request.key = std::move(key);
    window_.Enter(kInFlight);
    store_->Transition(kSystem, std::move(request), [this](const base::Result<store::Transitioned>& moved) {
      RB_CHECK(moved.has_value());
      window_.Leave();
    });
  }

  void Committed(const store::Committed& committed) {
    accepted_.insert(accepted_.end(), committed.waiting.begin(), committed.waiting.end());
    if (recording_) Record(committed.waiting);
  }

  store::AttemptRecord AttemptOf(const store::Waiting& one) const {
    const std::string id = Format(one.id);
    store::AttemptRecord record;
    record.id = one.id;
    record.endpoint = one.endpoint;
    store::Attempt& a = record.attempt;
    a.number = 1;
    a.started_at = clock_->Now();
    a.decision.attempts_used = 1;
    const auto noise = static_cast<uint64_t>(one.id.value) * 0x9e3779b97f4a7c15ULL;
    const std::string digits = std::to_string(noise) + std::to_string(noise * 31) + std::to_string(noise * 37);
    a.request_headers =
        "Host: 127.0.0.1:39999\r\nContent-Type: application/json\r\nContent-Length: 935\r\nDate: "
        "2026-11-25T00:43:38+0000\r\nX-Scalr-Delivery-Id: " +
        id + "\r\nX-Signature: " + (digits + digits).substr(0, 64) + "\r\nwebhook-id: " + id +
        "\r\nwebhook-timestamp: 1764031418\r\nwebhook-signature: v1," + digits.substr(0, 43) +
        "=\r\nAccept: */*\r\nAccept-Encoding: identity\r\nUser-Agent: Runbell/0.1.0\r\n";
    a.response_code = 200;
    a.response_headers = "Content-Length: 0\r\nConnection: keep-alive\r\n";
    a.connect_us = 0;
    a.first_byte_us = 412;
    a.total_us = 433;
    a.address = "127.0.0.1:39999";
    return record;
  }

  int64_t DiskBytes() const { return static_cast<int64_t>(std::filesystem::file_size(directory_ + "/runbell.db")); }

  const std::string directory_;
  const std::unique_ptr<base::Clock> clock_ = base::MakeRealClock();
  const std::unique_ptr<base::Random> random_ = base::MakeSecureRandom();
  std::vector<base::WorkspaceId> workspaces_;
  std::vector<base::RunId> runs_;
  std::vector<store::Waiting> accepted_;  // on the writer's thread
  std::atomic<bool> recording_{false};
  int64_t bytes_before_ = 0;
  Window window_;
  std::unique_ptr<store::Store> store_;
};

void Accept(benchmark::State& state) {
  Bench bench(static_cast<int>(state.range(0)));
  for (auto _ : state) bench.Accept();
  state.SetItemsProcessed(static_cast<int64_t>(bench.accepted().size()));
}
BENCHMARK(Accept)->Arg(1)->Arg(10)->Iterations(1)->MeasureProcessCPUTime()->UseRealTime()->Unit(
    benchmark::kMillisecond);

void AcceptAndRecord(benchmark::State& state) {
  Bench bench(static_cast<int>(state.range(0)));
  bench.RecordFromNowOn();
  for (auto _ : state) {
    bench.Accept();
    bench.Drain();
  }
  state.SetItemsProcessed(static_cast<int64_t>(bench.accepted().size()));
  const double bytes = bench.BytesPerDelivery();
  state.counters["bytes_per_delivery"] = bytes;
  state.counters["payload_bytes"] = bench.PayloadBytes();
  state.counters["ratio"] = bytes / bench.PayloadBytes();
}
BENCHMARK(AcceptAndRecord)
    ->Arg(1)
    ->Arg(10)
    ->Iterations(1)
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void Record(benchmark::State& state) {
  Bench bench(1);
  bench.Accept();
  constexpr size_t kBatch = 100;
  const auto& all = bench.accepted();
  for (auto _ : state) {
    for (size_t i = 0; i < all.size(); i += kBatch) {
      bench.Record({all.begin() + static_cast<ptrdiff_t>(i),
                    all.begin() + static_cast<ptrdiff_t>(std::min(i + kBatch, all.size()))});
    }
    bench.Drain();
  }
  state.SetItemsProcessed(static_cast<int64_t>(all.size()));
}
BENCHMARK(Record)->Iterations(1)->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);

void Load(benchmark::State& state) {
  Bench bench(1);
  bench.Accept();
  const auto& all = bench.accepted();
  std::vector<base::DeliveryId> ids;
  for (size_t i = 0; i < 100; ++i) ids.push_back(all[all.size() - 1 - i].id);
  for (auto _ : state) RB_CHECK(Must(bench.store().Load(ids)).size() == ids.size());
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * ids.size()));
}
BENCHMARK(Load)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
