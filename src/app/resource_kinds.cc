#include "app/resource_kinds.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time_text.h"
#include "hook/hook.h"

namespace app {

namespace json = base::json;
using base::Result;
using runner::ApiClient;
using Arguments = ResourceArguments;

namespace {

// What the contract's default of 3 gives up after five minutes; 10 goes on for more than three days.
constexpr int kAttempts = 10;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

struct Header {
  std::string name, value;
};

Result<Header> SplitHeader(const std::string& line) {
  size_t colon = line.find(':');
  // Not the line itself: what was written wrong may be a secret.
  if (colon == std::string::npos) return base::Invalid("it must be written `Name: value`", "--header");
  size_t value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
  return Header{line.substr(0, colon), line.substr(value)};
}

Result<std::string> ReadSecret(std::string_view option, const std::string& file) {
  RB_ASSIGN(std::string secret, ReadInput(option, file));
  // Files end with a newline; secrets do not.
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.empty()) return base::Invalid("there is nothing in it", fmt::format("{} {}", option, file));
  return secret;
}

Result<Header> ReadSecretHeader(const std::string& text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return base::Invalid("it must be written NAME=FILE; - is standard input", "--secret-header");
  }
  RB_ASSIGN(std::string value, ReadSecret("--secret-header", text.substr(equals + 1)));
  return Header{text.substr(0, equals), std::move(value)};
}

void RemoveHeader(json::array& headers, std::string_view name) {
  auto same = [&](const json::value& header) { return LowerCase(TextAt(header, {"name"})) == LowerCase(name); };
  headers.erase(std::remove_if(headers.begin(), headers.end(), same), headers.end());
}

void SetHeader(json::array& headers, const Header& header, bool sensitive) {
  RemoveHeader(headers, header.name);
  headers.push_back(json::object{{"name", header.name}, {"value", header.value}, {"sensitive", sensitive}});
}

// The server takes the list as a whole. What it shows of a secret header, null, stands for the value it has.
Result<json::array> ChangedHeaders(ApiClient& api, const Arguments& a, const std::string& id) {
  json::array headers;
  if (!id.empty()) {
    RB_ASSIGN(json::value document, api.Get("endpoints/" + id));
    const json::value* old = base::At(document, {"data", "attributes", "headers"});
    if (old != nullptr && old->is_array()) headers = old->get_array();
  }
  for (const std::string& name : a.removed_headers) RemoveHeader(headers, name);
  for (const std::string& line : a.headers) {
    RB_ASSIGN(Header header, SplitHeader(line));
    SetHeader(headers, header, hook::SoundsSecret(header.name));
  }
  for (const std::string& text : a.secret_headers) {
    RB_ASSIGN(Header header, ReadSecretHeader(text));
    SetHeader(headers, header, true);
  }
  return headers;
}

Result<std::optional<bool>> OneOfTwo(bool yes, bool no, std::string_view options) {
  if (yes && no) return base::Invalid("give one of the two", std::string(options));
  return yes || no ? std::optional<bool>(yes) : std::nullopt;
}

// ---- places ----

json::object RelationshipsOf(const PlaceIds& place) {
  if (!place.workspace.empty()) return {{"workspace", Relation("workspaces", place.workspace)}};
  if (!place.environment.empty()) return {{"environment", Relation("environments", place.environment)}};
  return {};
}

// A workspace, an environment with everything in it, or the account when neither is given.
Result<PlaceIds> GivenPlace(ApiClient& api, const Arguments& a) {
  PlaceIds place;
  if (!a.workspace.empty()) {
    RB_ASSIGN(place.workspace, FindWorkspace(api, a.environment, a.workspace));
    RB_ASSIGN(json::value workspace, api.Get("workspaces/" + place.workspace));
    const json::value* data = base::At(workspace, {"data"});
    place.environment = data == nullptr ? "" : RelatedId(*data, "environment");
  } else if (!a.environment.empty()) {
    RB_ASSIGN(place.environment, FindEnvironment(api, a.environment));
  }
  return place;
}

Result<json::object> NoRelationships(ApiClient&, const Arguments&, const std::string&) { return json::object(); }

Result<json::object> RelateWorkspace(ApiClient& api, const Arguments& a, const std::string& id) {
  if (!id.empty()) return json::object();
  if (a.environment.empty()) return base::Invalid("a workspace belongs to an environment", "--environment");
  RB_ASSIGN(PlaceIds place, GivenPlace(api, a));
  return RelationshipsOf(place);
}

Result<json::object> RelateEndpoint(ApiClient& api, const Arguments& a, const std::string& id) {
  if (!id.empty()) return json::object();
  bool placed = !a.environment.empty() || !a.workspace.empty();
  if (placed == a.account) {
    return base::Invalid("say where it belongs: --environment E, --workspace W for that workspace only, or --account");
  }
  RB_ASSIGN(PlaceIds place, GivenPlace(api, a));
  return RelationshipsOf(place);
}

Result<PlaceIds> PlaceOfWebhook(ApiClient& api, const std::string& id) {
  RB_ASSIGN(json::value document, api.Get("webhooks/" + id));
  const json::value* data = base::At(document, {"data"});
  if (data == nullptr) return PlaceIds();
  return PlaceIds{RelatedId(*data, "environment"), RelatedId(*data, "workspace")};
}

Result<json::object> RelateWebhook(ApiClient& api, const Arguments& a, const std::string& id) {
  PlaceIds place;
  json::object relationships;
  if (id.empty()) {
    if (a.environment.empty() && a.workspace.empty()) {
      return base::Invalid("say where it belongs: --environment E, or --workspace W for that workspace only");
    }
    RB_ASSIGN(place, GivenPlace(api, a));
    relationships = RelationshipsOf(place);
  } else if (!a.endpoint.empty()) {
    RB_ASSIGN(place, PlaceOfWebhook(api, id));
  }
  if (!a.endpoint.empty()) {
    RB_ASSIGN(std::string endpoint, FindEndpoint(api, a.endpoint, place));
    relationships["endpoint"] = Relation("endpoints", endpoint);
  }
  std::vector<std::string> names = a.events;
  if (names.empty() && id.empty()) names = {"run:completed", "run:errored", "run:needs_attention"};
  json::array events;
  for (const std::string& name : names) events.push_back(json::object{{"type", "event-definitions"}, {"id", name}});
  if (!events.empty()) relationships["events"] = json::object{{"data", std::move(events)}};
  return relationships;
}

// ---- options ----

std::vector<Option> NoOptions(Arguments&) { return {}; }

std::vector<Option> WorkspacePlace(Arguments& a) {
  return {{"--environment", "E", &a.environment, "The environment it belongs to (name or id)."}};
}

std::vector<Option> WebhookPlace(Arguments& a) {
  return {
      {"--environment", "E", &a.environment, "For every workspace of this environment, also later ones (name or id)."},
      {"--workspace", "W", &a.workspace, "For this workspace only (id, or ENVIRONMENT/NAME)."}};
}

std::vector<Option> EndpointPlace(Arguments& a) {
  std::vector<Option> options = WebhookPlace(a);
  options.push_back({"--account", "", &a.account, "For the whole account."});
  return options;
}

std::vector<Option> WorkspaceOptions(Arguments& a) {
  return {{"--auto-apply", "", &a.auto_apply, "Plans are applied without a decision."},
          {"--no-auto-apply", "", &a.no_auto_apply, "Plans with changes wait for a decision, as at first."}};
}

std::vector<Option> EndpointOptions(Arguments& a) {
  return {
      {"--url", "URL", &a.url, "Where payloads are sent: http:// or https://."},
      {"--max-attempts", "N", &a.max_attempts, "1 to 1000; then a delivery has failed. At first 10, over three days."},
      {"--timeout", "SECONDS", &a.timeout, "Of one attempt. At first 15."},
      {"--header", "LINE", &a.headers,
       "A header of your own, `Name: value`. One whose name speaks of a secret (Authorization, Cookie, X-Api-Key) "
       "is never shown again."},
      {"--secret-header", "NAME=FILE", &a.secret_headers,
       "The same with the value from a file; - is standard input. It is never shown again."},
      {"--payload-form", "FORM", &a.payload_form, "underscore or hyphen: how the keys of payloads are spelled."}};
}

std::vector<Option> WebhookOptions(Arguments& a) {
  return {{"--endpoint", "EP", &a.endpoint, "Where it sends to (id or name)."},
          {"--event", "EVENT", &a.events, "run:completed, run:errored or run:needs_attention. At first all."},
          {"--enabled", "", &a.enabled, "It fires, as at first."},
          {"--disabled", "", &a.disabled, "It does not fire until it is enabled."}};
}

// ---- finding ----

constexpr std::string_view kIdOrName = "Its id or name.";

Result<std::string> FindAnyEndpoint(ApiClient& api, const Arguments& a) { return FindEndpoint(api, a.which, {}); }

Kind MakeEnvironmentKind() {
  return {.name = "environment",
          .type = "environments",
          .columns = {{"NAME", "name"}, {"CREATED", "created-at"}},
          .place = NoOptions,
          .options = NoOptions,
          .find = [](ApiClient& api, const Arguments& a) { return FindEnvironment(api, a.which); },
          .relate = NoRelationships,
          .which_help = std::string(kIdOrName),
          .deleting = " and everything in it; its log is kept",
          .details = "Example:\n  runbell environment create production"};
}

Kind MakeWorkspaceKind() {
  return {.name = "workspace",
          .type = "workspaces",
          .columns = {{"NAME", "name"},
                      {"ENVIRONMENT", "->environment"},
                      {"AUTO-APPLY", "auto-apply"},
                      {"LATEST RUN", "->latest-run"}},
          .in_environment = true,
          .place = WorkspacePlace,
          .options = WorkspaceOptions,
          .find = [](ApiClient& api, const Arguments& a) { return FindWorkspace(api, "", a.which); },
          .relate = RelateWorkspace,
          .which_help = "Its id, or ENVIRONMENT/NAME.",
          .deleting = " with its webhooks and endpoints; its log is kept",
          .details = "Example:\n  runbell workspace create network --environment production"};
}

Kind MakeEndpointKind() {
  return {.name = "endpoint",
          .type = "endpoints",
          .columns = {{"NAME", "name"},
                      {"URL", "url"},
                      {"STATE", "state"},
                      {"ENVIRONMENT", "->environment"},
                      {"WORKSPACE", "->workspace"},
                      {"FAILED", "failures-in-a-row"}},
          .in_environment = true,
          .in_workspace = true,
          .place = EndpointPlace,
          .options = EndpointOptions,
          .required = "--url",
          .find = FindAnyEndpoint,
          .relate = RelateEndpoint,
          .which_help = std::string(kIdOrName),
          .details =
              "Prints the secret key when one was made, and nothing else, on standard output: with it the "
              "receiver verifies signatures.\n\nExamples:\n"
              "  runbell endpoint create chat --environment production --url https://chat.example.com/hook "
              "> chat.key\n"
              "  runbell endpoint create pager --account --url https://pager.example.com/hook \\\n"
              "    --secret-header Authorization=pager.authorization > pager.key",
          .actions = {{"pause", "Hold its deliveries until it is resumed"},
                      {"resume", "Send what was held, oldest first; also ends the wait of a Retry-After"},
                      {"disable", "Fail what waits and fire no more, until it is enabled"},
                      {"enable", "Let a disabled one fire again"},
                      {"rotate-secret", "Give it a new secret key; the old one signs along for a while",
                       "has a new secret key", true},
                      {"end-rotation", "Forget the old secret key now", "has one secret key"}}};
}

Kind MakeWebhookKind() {
  return {.name = "webhook",
          .type = "webhooks",
          .columns = {{"NAME", "name"},
                      {"ENABLED", "enabled"},
                      {"ENDPOINT", "->endpoint"},
                      {"ENVIRONMENT", "->environment"},
                      {"WORKSPACE", "->workspace"},
                      {"LAST TRIGGERED", "last-triggered-at"}},
          .in_environment = true,
          .in_workspace = true,
          .place = WebhookPlace,
          .options = WebhookOptions,
          .required = "--endpoint",
          .find = [](ApiClient& api, const Arguments& a) { return FindWebhook(api, a.which); },
          .relate = RelateWebhook,
          .which_help = std::string(kIdOrName),
          .details = "Example:\n  runbell webhook create everything --environment production --endpoint chat"};
}

}  // namespace

const std::vector<Kind>& AllKinds() {
  static const std::vector<Kind> kAll = {MakeEnvironmentKind(), MakeWorkspaceKind(), MakeEndpointKind(),
                                         MakeWebhookKind()};
  return kAll;
}

Result<json::object> GivenAttributes(ApiClient& api, const Arguments& a, const std::string& id) {
  json::object attributes;
  if (!a.name.empty()) attributes["name"] = a.name;
  if (!a.url.empty()) attributes["url"] = a.url;
  if (!a.payload_form.empty()) attributes["payload-form"] = a.payload_form;
  if (a.max_attempts != kNotGiven) attributes["max-attempts"] = a.max_attempts;
  if (a.max_attempts == kNotGiven && id.empty() && !a.url.empty()) attributes["max-attempts"] = kAttempts;
  if (a.timeout != kNotGiven) attributes["timeout"] = a.timeout;
  if (!a.headers.empty() || !a.secret_headers.empty() || !a.removed_headers.empty()) {
    RB_ASSIGN(attributes["headers"], ChangedHeaders(api, a, id));
  }
  if (!a.secret_file.empty()) {
    RB_ASSIGN(attributes["secret-key"], ReadSecret("--secret-file", a.secret_file));
  }
  RB_ASSIGN(auto auto_apply, OneOfTwo(a.auto_apply, a.no_auto_apply, "--auto-apply, --no-auto-apply"));
  if (auto_apply) attributes["auto-apply"] = *auto_apply;
  RB_ASSIGN(auto enabled, OneOfTwo(a.enabled, a.disabled, "--enabled, --disabled"));
  if (enabled) attributes["enabled"] = *enabled;
  return attributes;
}

std::vector<Option> RotationOptions(Arguments& a) {
  return {{"--overlap", "DURATION", &a.overlap,
           "How long the old key still signs along: 0s to 30d. Default: 24h. Both keys sign `webhook-signature`; "
           "`X-Signature` changes when the overlap ends."},
          {"--secret-file", "FILE", &a.secret_file, "The new secret key; - is standard input. Default: one is made."}};
}

Result<json::object> RotationAttributes(const Arguments& a) {
  json::object attributes;
  if (!a.overlap.empty()) {
    auto overlap = base::ParseDuration(a.overlap);
    if (!overlap || overlap->count() < 0) return base::Invalid("it must be a duration such as 12h or 7d", "--overlap");
    attributes["overlap-seconds"] = std::chrono::ceil<std::chrono::seconds>(*overlap).count();
  }
  if (!a.secret_file.empty()) {
    RB_ASSIGN(attributes["secret-key"], ReadSecret("--secret-file", a.secret_file));
  }
  return attributes;
}

std::vector<std::string> SecretsOnCommandLine(const Arguments& a) {
  std::vector<std::string> names;
  for (const std::string& line : a.headers) {
    auto header = SplitHeader(line);
    if (header && hook::SoundsSecret(header->name)) names.push_back(header->name);
  }
  return names;
}

}  // namespace app
