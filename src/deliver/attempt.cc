#include "deliver/attempt.h"

#include <algorithm>
#include <utility>

namespace deliver {

base::Result<net::SendRequest> Prepare(const store::Loaded& loaded, const store::Target& target, const net::Url& url,
                                       base::WallTime now, base::Micros max_timeout) {
  const std::string id = base::Format(loaded.id);
  const hook::Signatures signatures = hook::Sign(target.keys, id, now, loaded.body);
  const std::string host_header = url.HostHeader();
  hook::HeaderInputs inputs;
  inputs.host_header = host_header;
  inputs.body_bytes = loaded.body.size();
  inputs.delivery_id = id;
  inputs.signatures = &signatures;
  inputs.custom = &target.headers;
  net::SendRequest request;
  RB_ASSIGN(request.header_lines, hook::FormatHeaderLines(inputs));
  request.url = url;
  request.body = loaded.body;
  const int seconds = target.timeout_s == 0 ? store::kDefaultTimeoutSeconds : target.timeout_s;
  request.repeatable = true;  // the receiver knows a delivery by its webhook-id
  request.timeout = std::min<base::Micros>(std::chrono::seconds(seconds), max_timeout);
  return request;
}

hook::Outcome OutcomeOf(const net::SendResult& result) {
  switch (result.fault) {
    case net::Fault::kNone: return hook::OutcomeOfCode(result.code);
    case net::Fault::kRefusedByGuard: return hook::Outcome::kAddressRefused;
    case net::Fault::kResolveFailed: return hook::Outcome::kResolveFailed;
    case net::Fault::kResolveTimeout: return hook::Outcome::kResolveTimeout;
    case net::Fault::kConnectRefused: return hook::Outcome::kConnectRefused;
    case net::Fault::kConnectFailed: return hook::Outcome::kConnectFailed;
    case net::Fault::kConnectTimeout: return hook::Outcome::kConnectTimeout;
    case net::Fault::kTlsFailed: return hook::Outcome::kTlsFailed;
    case net::Fault::kSendFailed: return hook::Outcome::kConnectionLost;
    case net::Fault::kResponseTimeout: return hook::Outcome::kResponseTimeout;
    case net::Fault::kBadResponse: return hook::Outcome::kBadResponse;
    case net::Fault::kOwnFault: return hook::Outcome::kOwnFault;
  }
  return hook::Outcome::kOwnFault;
}

namespace {

std::string FormatPeer(const net::SendResult& result) {
  if (!result.address) return {};
  const std::string text = result.address->Text();
  return (result.address->v6 ? "[" + text + "]" : text) + ":" + std::to_string(result.port);
}

std::optional<base::Micros> RetryAfterOf(const net::SendResult& result, base::WallTime now) {
  constexpr int kTooManyRequests = 429, kServiceUnavailable = 503;
  if (result.code != kTooManyRequests && result.code != kServiceUnavailable) return std::nullopt;
  const auto value = net::FindHeader(result.header_lines, "Retry-After");
  return value ? hook::ParseRetryAfter(*value, now) : std::nullopt;
}

// A receiver may send back what it was sent, whole or without the scheme ("Bearer") before it.
void MaskEchoes(store::Attempt& attempt, const std::vector<hook::CustomHeader>& headers) {
  run::SensitiveValues secrets;
  for (const hook::CustomHeader& header : headers) {
    if (!hook::IsSensitive(header)) continue;
    secrets.values.push_back(header.value);
    secrets.values.push_back(header.value.substr(header.value.rfind(' ') + 1));
  }
  if (secrets.values.empty()) return;
  const run::Masker masker(secrets);
  for (std::string* text : {&attempt.detail, &attempt.response_headers, &attempt.response_body}) {
    *text = masker.Mask(*text);
  }
}

store::AttemptRecord Begin(const store::Loaded& loaded, base::WallTime started_at) {
  store::AttemptRecord record;
  record.id = loaded.id;
  record.endpoint = loaded.endpoint;
  record.attempt.number = loaded.attempts_made + 1;
  record.attempt.started_at = started_at;
  return record;
}

hook::AttemptFacts FactsOf(const store::Loaded& loaded, hook::Outcome outcome) {
  hook::AttemptFacts facts;
  facts.outcome = outcome;
  facts.attempts_used = loaded.attempts_used;
  facts.own_faults = loaded.own_faults;
  return facts;
}

}  // namespace

store::AttemptRecord Conclude(const store::Loaded& loaded, const store::Target& target, std::string sent_header_lines,
                              base::WallTime started_at, net::SendResult result, base::WallTime now, double chance) {
  store::AttemptRecord record = Begin(loaded, started_at);
  store::Attempt& attempt = record.attempt;
  attempt.outcome = OutcomeOf(result);
  attempt.detail = std::move(result.detail);
  if (result.refusal != net::Refusal::kNone) attempt.detail += " (" + std::string(net::Name(result.refusal)) + ")";
  hook::AttemptFacts facts = FactsOf(loaded, attempt.outcome);
  facts.code = result.code;
  facts.retry_after = RetryAfterOf(result, now);
  attempt.decision = hook::Decide(facts, target.max_attempts, now, chance);
  attempt.address = FormatPeer(result);
  attempt.request_headers = hook::RedactHeaderLines(sent_header_lines, target.headers);
  attempt.response_code = result.code;
  attempt.response_headers = std::move(result.header_lines);
  attempt.response_body = std::move(result.body);
  attempt.response_cut = result.body_cut;
  MaskEchoes(attempt, target.headers);
  attempt.resolve_us = result.timings.resolve;
  attempt.connect_us = result.timings.connect;
  attempt.tls_us = result.timings.tls;
  attempt.first_byte_us = result.timings.first_byte;
  attempt.total_us = result.timings.total;
  return record;
}

store::AttemptRecord Refuse(const store::Loaded& loaded, const store::Target& target, const base::Error& error,
                            base::WallTime now) {
  store::AttemptRecord record = Begin(loaded, now);
  record.attempt.outcome = hook::Outcome::kInvalidRequest;
  record.attempt.detail = error.Text();
  record.attempt.decision = hook::Decide(FactsOf(loaded, record.attempt.outcome), target.max_attempts, now, 0);
  return record;
}

}  // namespace deliver
