#include "serve/metrics.h"

#include <prometheus/text_serializer.h>

#include <atomic>
#include <sstream>

#include "serve/changes.h"
#include "serve/routes.h"

namespace serve {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Families = std::vector<MetricFamily>;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::array kStatuses = {200, 201, 202, 204, 400, 401, 403, 404, 405,
                                  409, 410, 413, 415, 422, 500, 503, 504, 0 /* any other */};

size_t SlotOf(int status) {
  size_t slot = 0;
  while (slot + 1 < kStatuses.size() && kStatuses[slot] != status) ++slot;
  return slot;
}

MetricFamily& Add(Families& families, std::string name, std::string help, MetricType type) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  families.push_back(std::move(family));
  return families.back();
}

void AddCounter(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = value;
  family.metric.push_back(std::move(metric));
}

void AddGauge(Families& families, std::string name, std::string help, double value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = value;
  Add(families, std::move(name), std::move(help), MetricType::Gauge).metric.push_back(std::move(metric));
}

void AddHistogram(Families& families, std::string name, std::string help, const deliver::Histogram& histogram) {
  ClientMetric metric;
  uint64_t sum = 0;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    sum += histogram.counts[i];
    bool last = i == deliver::kLagBuckets.size();
    double bound = last ? std::numeric_limits<double>::infinity() : static_cast<double>(deliver::kLagBuckets[i]) / 1e6;
    metric.histogram.bucket.push_back({sum, bound});
  }
  metric.histogram.sample_count = sum;
  metric.histogram.sample_sum = static_cast<double>(histogram.sum_us) / 1e6;
  Add(families, std::move(name), std::move(help), MetricType::Histogram).metric.push_back(std::move(metric));
}

void AddTotals(Families& families, const store::Totals& totals) {
  auto& events = Add(families, "runbell_events_total", "Run events accepted.", MetricType::Counter);
  AddCounter(events, {}, static_cast<double>(totals.events));
  auto& accepted = Add(families, "runbell_deliveries_accepted_total", "Deliveries accepted.", MetricType::Counter);
  AddCounter(accepted, {}, static_cast<double>(totals.accepted));
  auto& ended = Add(families, "runbell_deliveries_ended_total", "Deliveries that ended.", MetricType::Counter);
  AddCounter(ended, {{"status", "completed"}}, static_cast<double>(totals.delivered));
  AddCounter(ended, {{"status", "failed"}}, static_cast<double>(totals.failed));
  AddGauge(families, "runbell_deliveries_waiting", "Deliveries that wait to be sent or sent again.",
           static_cast<double>(totals.waiting));
}

void AddDispatcher(Families& families, const deliver::Stats& stats) {
  auto& attempts =
      Add(families, "runbell_attempts_total", "Attempts since the start, by outcome.", MetricType::Counter);
  for (size_t i = 0; i < stats.attempts.size(); ++i) {
    std::string outcome(hook::Name(static_cast<hook::Outcome>(i)));
    AddCounter(attempts, {{"outcome", outcome}}, static_cast<double>(stats.attempts[i]));
  }
  auto& lost = Add(families, "runbell_claims_lost_total", "Attempts whose record was refused.", MetricType::Counter);
  AddCounter(lost, {}, static_cast<double>(stats.claims_lost));
  AddGauge(families, "runbell_attempts_in_flight", "Attempts under way.", static_cast<double>(stats.in_flight));
  AddGauge(families, "runbell_attempts_unrecorded", "Attempts made and not yet on disk.",
           static_cast<double>(stats.unrecorded));
  AddHistogram(families, "runbell_first_attempt_lag_seconds", "From due until sending began, first attempts.",
               stats.first_lag);
  AddHistogram(families, "runbell_retry_lag_seconds", "From due until sending began, later attempts.", stats.retry_lag);
  AddHistogram(families, "runbell_attempt_duration_seconds", "Whole attempts.", stats.duration);
}

void AddServer(Families& families, const Context& context) {
  auto oldest = context.store.OldestDue();
  double age = oldest ? std::chrono::duration<double>(context.clock.Now() - *oldest).count() : 0;
  AddGauge(families, "runbell_oldest_due_age_seconds", "How long the oldest waiting delivery has been due.",
           std::max(age, 0.0));
  AddGauge(families, "runbell_store_healthy", "1 while the store takes writes.", context.store.Health() ? 1 : 0);
  AddGauge(families, "runbell_last_change", "Sequence of the newest change.",
           static_cast<double>(context.store.last_change()));
  AddGauge(families, "runbell_polls_waiting", "Requests that wait for changes.",
           static_cast<double>(context.polls->waiting()));
  AddGauge(families, "runbell_build_info", "Always 1.", 1, {{"version", context.options.version}});
}

}  // namespace

struct Metrics::Impl {
  using Counts = std::array<std::atomic<uint64_t>, kStatuses.size()>;
  std::vector<Counts> requests = std::vector<Counts>(Routes().size() + 1);  // the last: no route
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::CountRequest(const Route& route, int status) {
  const auto& routes = Routes();
  // Those that no route was found for come last.
  const bool routed = &route >= routes.data() && &route < routes.data() + routes.size();
  const size_t index = routed ? static_cast<size_t>(&route - routes.data()) : routes.size();
  impl_->requests[index][SlotOf(status)].fetch_add(1, std::memory_order_relaxed);
}

base::Result<net::Response> ShowMetrics(Call& call) {
  const Context& context = call.context;
  RB_ASSIGN(auto totals, context.store.CountAll());
  Families families;
  AddTotals(families, totals);
  if (context.dispatcher != nullptr) AddDispatcher(families, context.dispatcher->stats());
  AddServer(families, context);
  auto& requests = Add(families, "runbell_http_requests_total", "Requests answered.", MetricType::Counter);
  const auto& counts = context.metrics.impl_->requests;
  for (size_t i = 0; i < counts.size(); ++i) {
    bool routed = i < Routes().size();
    for (size_t slot = 0; slot < kStatuses.size(); ++slot) {
      uint64_t count = counts[i][slot].load(std::memory_order_relaxed);
      if (count == 0) continue;
      AddCounter(requests,
                 {{"method", routed ? std::string(Routes()[i].method) : "other"},
                  {"route", routed ? std::string(Routes()[i].path) : "none"},
                  {"status", kStatuses[slot] == 0 ? "other" : std::to_string(kStatuses[slot])}},
                 static_cast<double>(count));
    }
  }
  net::Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = prometheus::TextSerializer().Serialize(families);
  return response;
}

}  // namespace serve
