#include "serve/routes.h"

#include <algorithm>

#include "serve/account.h"
#include "serve/changes.h"
#include "serve/deliveries.h"
#include "serve/endpoint_actions.h"
#include "serve/events.h"
#include "serve/metrics.h"
#include "serve/pages.h"
#include "serve/resource.h"
#include "serve/transitions.h"

namespace serve {
namespace {

using store::Endpoint;
using store::Environment;
using store::Run;
using store::Token;
using store::Webhook;
using store::Workspace;

constexpr std::string_view kPlaceholder = "{id}";

// The next segment of `path`, which is then cut off; paths begin with '/'.
std::string_view TakeSegment(std::string_view& path) {
  path.remove_prefix(1);
  auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

// The form that clients check ids against.
bool IsIdForm(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == ':';
  });
}

bool Matches(std::string_view pattern, std::string_view path, std::string_view& id) {
  while (!pattern.empty() && !path.empty()) {
    auto wanted = TakeSegment(pattern);
    auto given = TakeSegment(path);
    if (wanted == kPlaceholder) {
      id = given;
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

std::vector<Route> MakeRoutes() {
  constexpr auto kIo = Where::kIo;
  constexpr auto kWorker = Where::kWorker;
  constexpr auto kOpen = Access::kOpen;
  return {
      // First, because it is by far the most frequent.
      {"POST", "/api/iacp/v3/runs/{id}/status-transitions", "Run", ReportStatus, kIo},

      {"GET", "/api/iacp/v3/runs", "Run", Answer<ListOf<Run>>},
      {"POST", "/api/iacp/v3/runs", "Run", Answer<CreateOf<Run>>},
      {"GET", "/api/iacp/v3/runs/{id}", "Run", Answer<ReadOf<Run>>},
      {"GET", "/api/iacp/v3/runs/{id}/events", "Run", Answer<ListRunEvents>},
      {"POST", "/api/iacp/v3/runs/{id}/actions/apply", "Run", ApplyRun, kIo},
      {"POST", "/api/iacp/v3/runs/{id}/actions/discard", "Run", DiscardRun, kIo},
      {"POST", "/api/iacp/v3/runs/{id}/actions/cancel", "Run", CancelRun, kIo},
      {"POST", "/api/iacp/v3/runs/{id}/actions/override", "Run", OverridePolicy, kIo},

      {"GET", "/api/iacp/v3/environments", "Environment", Answer<ListOf<Environment>>},
      {"POST", "/api/iacp/v3/environments", "Environment", Answer<CreateOf<Environment>>},
      {"GET", "/api/iacp/v3/environments/{id}", "Environment", Answer<ReadOf<Environment>>},
      {"PATCH", "/api/iacp/v3/environments/{id}", "Environment", Answer<UpdateOf<Environment>>},
      {"DELETE", "/api/iacp/v3/environments/{id}", "Environment", Answer<DeleteOf<Environment>>},

      {"GET", "/api/iacp/v3/workspaces", "Workspace", Answer<ListOf<Workspace>>},
      {"POST", "/api/iacp/v3/workspaces", "Workspace", Answer<CreateOf<Workspace>>},
      {"GET", "/api/iacp/v3/workspaces/{id}", "Workspace", Answer<ReadOf<Workspace>>},
      {"PATCH", "/api/iacp/v3/workspaces/{id}", "Workspace", Answer<UpdateOf<Workspace>>},
      {"DELETE", "/api/iacp/v3/workspaces/{id}", "Workspace", Answer<DeleteOf<Workspace>>},
      {"GET", "/api/iacp/v3/workspaces/{id}/effective-webhooks", "Workspace", Answer<ListEffectiveWebhooks>},

      {"GET", "/api/iacp/v3/endpoints", "Endpoint", Answer<ListOf<Endpoint>>},
      {"POST", "/api/iacp/v3/endpoints", "Endpoint", Answer<CreateOf<Endpoint>>},
      {"GET", "/api/iacp/v3/endpoints/{id}", "Endpoint", Answer<ReadOf<Endpoint>>},
      {"PATCH", "/api/iacp/v3/endpoints/{id}", "Endpoint", Answer<UpdateOf<Endpoint>>},
      {"DELETE", "/api/iacp/v3/endpoints/{id}", "Endpoint", Answer<DeleteOf<Endpoint>>},
      {"POST", "/api/iacp/v3/endpoints/{id}/actions/rotate-secret", "Endpoint", Answer<RotateSecret>},
      {"POST", "/api/iacp/v3/endpoints/{id}/actions/end-rotation", "Endpoint", Answer<EndRotation>},
      {"POST", "/api/iacp/v3/endpoints/{id}/actions/pause", "Endpoint", Answer<PauseEndpoint>},
      {"POST", "/api/iacp/v3/endpoints/{id}/actions/resume", "Endpoint", Answer<ResumeEndpoint>},
      {"POST", "/api/iacp/v3/endpoints/{id}/actions/enable", "Endpoint", Answer<EnableEndpoint>},
      {"POST", "/api/iacp/v3/endpoints/{id}/actions/disable", "Endpoint", Answer<DisableEndpoint>},

      {"GET", "/api/iacp/v3/webhooks", "Webhook", Answer<ListOf<Webhook>>},
      {"POST", "/api/iacp/v3/webhooks", "Webhook", Answer<CreateOf<Webhook>>},
      {"GET", "/api/iacp/v3/webhooks/{id}", "Webhook", Answer<ReadOf<Webhook>>},
      {"PATCH", "/api/iacp/v3/webhooks/{id}", "Webhook", Answer<UpdateOf<Webhook>>},
      {"DELETE", "/api/iacp/v3/webhooks/{id}", "Webhook", Answer<DeleteOf<Webhook>>},
      {"GET", "/api/iacp/v3/event-definitions", "EventDefinition", Answer<ListEventDefinitions>},
      {"GET", "/api/iacp/v3/event-definitions/{id}", "EventDefinition", Answer<ReadEventDefinition>},

      {"GET", "/api/iacp/v3/integrations/webhook-deliveries", "Delivery", Answer<ListDeliveries>},
      {"GET", "/api/iacp/v3/integrations/webhook-deliveries/{id}", "Delivery", Answer<ReadDelivery>},
      {"GET", "/api/iacp/v3/integrations/webhook-deliveries/{id}/attempts", "Delivery", Answer<ListAttempts>},
      {"POST", "/api/iacp/v3/integrations/webhook-deliveries/{id}/actions/resend", "Delivery", Answer<ResendDelivery>},
      {"GET", "/api/iacp/v3/changes", "Change", WaitForChanges},

      {"GET", "/api/iacp/v3/access-tokens", "AccessToken", Answer<ListOf<Token>>},
      {"POST", "/api/iacp/v3/access-tokens", "AccessToken", Answer<CreateOf<Token>>},
      {"GET", "/api/iacp/v3/access-tokens/{id}", "AccessToken", Answer<ReadOf<Token>>},
      {"PATCH", "/api/iacp/v3/access-tokens/{id}", "AccessToken", Answer<UpdateOf<Token>>},
      {"DELETE", "/api/iacp/v3/access-tokens/{id}", "AccessToken", Answer<DeleteOf<Token>>},
      {"GET", "/api/iacp/v3/accounts/{id}", "Account", Answer<ReadAccount>},

      {"GET", "/api/iacp/v3/ping", "", Ping, kIo, kOpen},
      {"GET", "/healthz", "", Healthz, kIo, kOpen},
      {"GET", "/readyz", "", Answer<Readyz>, kWorker, kOpen},
      {"GET", "/metrics", "", Answer<ShowMetrics>, kWorker, kOpen},
      {"GET", "/", "", StartPage, kIo, kOpen},
      {"GET", "/runs/{id}", "Run", RunPage, kIo, kOpen},
      {"GET", "/workspaces/{id}", "Workspace", WorkspacePage, kIo, kOpen},
      {"GET", "/environments/{id}", "Environment", EnvironmentPage, kIo, kOpen},
  };
}

}  // namespace

const std::vector<Route>& Routes() {
  static const std::vector<Route> kRoutes = MakeRoutes();
  return kRoutes;
}

Match FindRoute(std::string_view method, std::string_view path) {
  Match match;
  if (!path.starts_with('/')) return match;
  for (const auto& route : Routes()) {
    std::string_view id;
    if (!Matches(route.path, path, id)) continue;
    // The connection leaves the body of an answer to HEAD away.
    const bool fits = route.method == method || (route.method == "GET" && method == "HEAD");
    if (!fits) {
      match.allow.append(match.allow.empty() ? "" : ", ").append(route.method == "GET" ? "GET, HEAD" : route.method);
      continue;
    }
    if (route.path.find(kPlaceholder) == std::string_view::npos) {
      match.route = &route;
    } else if (auto decoded = net::DecodePercent(id, false); decoded && IsIdForm(*decoded)) {
      match.route = &route;
      match.ids.push_back(std::move(*decoded));
    }
    return match;
  }
  return match;
}

}  // namespace serve
