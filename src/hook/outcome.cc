#include "hook/hook.h"

namespace hook {
namespace {

// In the order of their enumerators.
constexpr std::array<std::string_view, kOutcomeCount> kOutcomeNames = {
    "delivered",       "redirected",      "client_error",     "gone",
    "rate_limited",    "server_error",    "bad_response",     "resolve_failed",
    "resolve_timeout", "connect_refused", "connect_failed",   "connect_timeout",
    "tls_failed",      "connection_lost", "response_timeout", "address_refused",
    "invalid_request", "own_fault",
};
static_assert(kOutcomeNames[static_cast<size_t>(Outcome::kOwnFault)] == "own_fault");

struct WhyText {
  std::string_view name, sentence;
};
constexpr std::array<WhyText, 12> kWhyTexts = {{
    {"none", "Nothing has been decided yet."},
    {"succeeded", "The endpoint accepted the delivery."},
    {"scheduled", "The attempt failed; the next one follows the retry schedule."},
    {"retry_after", "The endpoint asked to wait; the next attempt follows when that time is over."},
    {"own_fault", "Runbell could not make the attempt; it uses up none and is made again soon."},
    {"attempts_exhausted", "The last of the allowed attempts failed."},
    {"endpoint_gone", "The endpoint answered 410 Gone and was disabled."},
    {"address_refused", "The url leads to an address that this server does not send to."},
    {"invalid_request", "The url, a custom header or what is stored of the delivery cannot be sent."},
    {"endpoint_disabled", "The endpoint is disabled."},
    {"deleted", "The endpoint, the webhook or what it belongs to was deleted."},
    {"expired", "The body was removed when its retention time was over."},
}};
static_assert(kWhyTexts[static_cast<size_t>(Why::kExpired)].name == "expired");

}  // namespace

std::string_view Name(Outcome outcome) { return kOutcomeNames[static_cast<size_t>(outcome)]; }

std::optional<Outcome> ParseOutcome(std::string_view text) {
  for (size_t i = 0; i < kOutcomeNames.size(); ++i) {
    if (text == kOutcomeNames[i]) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

Outcome OutcomeOfCode(int code) {
  if (code == 410) return Outcome::kGone;
  if (code == 429) return Outcome::kRateLimited;
  switch (code / 100) {
    case 2: return Outcome::kDelivered;
    case 3: return Outcome::kRedirected;
    case 4: return Outcome::kClientError;
    case 5: return Outcome::kServerError;
    default: return Outcome::kBadResponse;
  }
}

std::string_view Name(Why why) { return kWhyTexts[static_cast<size_t>(why)].name; }

std::optional<Why> ParseWhy(std::string_view text) {
  for (size_t i = 0; i < kWhyTexts.size(); ++i) {
    if (text == kWhyTexts[i].name) return static_cast<Why>(i);
  }
  return std::nullopt;
}

std::string_view Describe(Why why) { return kWhyTexts[static_cast<size_t>(why)].sentence; }

}  // namespace hook
