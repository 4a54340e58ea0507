// Environments, workspaces, endpoints and webhooks from the command line: enough for a first setup.
#include <fmt/format.h>

#include <memory>

#include "app/commands.h"
#include "app/delivery_view.h"
#include "app/server_access.h"
#include "net/net.h"

namespace app {
namespace {

namespace json = base::json;
using base::Result;
using runner::ApiClient;

// What the contract's default of 3 gives up after five minutes; 10 goes on for more than three days.
constexpr int kAttempts = 10;

struct Arguments {
  ServerArguments server;
  std::string name, environment, workspace;
  bool json = false;
  // workspace
  bool auto_apply = false;
  // endpoint
  std::string url, secret_file, form;
  std::vector<std::string> headers;
  int max_attempts = kAttempts, timeout = 15;
  bool show_secret = false;
  // webhook
  std::string endpoint;
  std::vector<std::string> events;
  bool disabled = false;
};

struct Column {
  std::string title, attribute;  // an attribute, or "->relationship"
};

struct Kind {
  std::string name, type;
  std::vector<Column> columns;
  bool in_environment, in_workspace;  // what it can be looked for by
  // The resource that a creation sends.
  Result<json::object> (*make)(ApiClient& api, const Arguments& arguments);
  std::vector<Option> (*options)(Arguments& arguments);
  std::string details;
};

// ---- creating ----

Result<json::object> MakeEnvironment(ApiClient&, const Arguments& arguments) {
  return json::object{{"attributes", json::object{{"name", arguments.name}}}};
}

Result<json::object> MakeWorkspace(ApiClient& api, const Arguments& arguments) {
  if (arguments.environment.empty()) return base::Invalid("a workspace belongs to an environment", "--environment");
  RB_ASSIGN(std::string environment, FindEnvironment(api, arguments.environment));
  return json::object{{"attributes", json::object{{"name", arguments.name}, {"auto-apply", arguments.auto_apply}}},
                      {"relationships", json::object{{"environment", Relation("environments", environment)}}}};
}

// The place of an endpoint or a webhook: a workspace, or an environment with everything in it.
Result<json::object> MakePlace(ApiClient& api, const Arguments& arguments) {
  if (!arguments.workspace.empty()) {
    RB_ASSIGN(std::string workspace, FindWorkspace(api, arguments.environment, arguments.workspace));
    return json::object{{"workspace", Relation("workspaces", workspace)}};
  }
  if (arguments.environment.empty()) {
    return base::Invalid("say where it belongs: --environment E, or --workspace W for that workspace only");
  }
  RB_ASSIGN(std::string environment, FindEnvironment(api, arguments.environment));
  return json::object{{"environment", Relation("environments", environment)}};
}

Result<json::array> MakeHeaders(const std::vector<std::string>& lines) {
  json::array headers;
  for (const std::string& line : lines) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) return base::Invalid("\"" + line + "\" is not `Name: value`", "--header");
    size_t value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
    headers.push_back(
        json::object{{"name", line.substr(0, colon)}, {"value", line.substr(value)}, {"sensitive", false}});
  }
  return headers;
}

Result<json::object> MakeEndpoint(ApiClient& api, const Arguments& arguments) {
  RB_ASSIGN(json::object place, MakePlace(api, arguments));
  json::object attributes{{"name", arguments.name},
                          {"url", arguments.url},
                          {"max-attempts", arguments.max_attempts},
                          {"timeout", arguments.timeout}};
  if (!arguments.form.empty()) attributes["payload-form"] = arguments.form;
  if (!arguments.headers.empty()) {
    RB_ASSIGN(attributes["headers"], MakeHeaders(arguments.headers));
  }
  if (!arguments.secret_file.empty()) {
    RB_ASSIGN(std::string secret, ReadInput(arguments.secret_file));
    if (secret.ends_with('\n')) secret.pop_back();
    attributes["secret-key"] = secret;
  }
  return json::object{{"attributes", std::move(attributes)}, {"relationships", std::move(place)}};
}

Result<json::object> MakeWebhook(ApiClient& api, const Arguments& arguments) {
  RB_ASSIGN(json::object relationships, MakePlace(api, arguments));
  std::string environment = TextAt(relationships, {"environment", "data", "id"});
  RB_ASSIGN(std::string endpoint, FindEndpoint(api, environment, arguments.endpoint));
  relationships["endpoint"] = Relation("endpoints", endpoint);
  std::vector<std::string> names = arguments.events;
  if (names.empty()) names = {"run:completed", "run:errored", "run:needs_attention"};
  json::array events;
  for (const std::string& name : names) events.push_back(json::object{{"type", "event-definitions"}, {"id", name}});
  relationships["events"] = json::object{{"data", std::move(events)}};
  return json::object{{"attributes", json::object{{"name", arguments.name}, {"enabled", !arguments.disabled}}},
                      {"relationships", std::move(relationships)}};
}

// ---- options ----

Option EnvironmentOption(Arguments& a, std::string help) {
  return {"--environment", "E", &a.environment, std::move(help)};
}

std::vector<Option> PlaceOptions(Arguments& a) {
  return {EnvironmentOption(a, "For every workspace of this environment, also later ones (name or id)."),
          {"--workspace", "W", &a.workspace, "For this workspace only (id, or ENVIRONMENT/NAME)."}};
}

std::vector<Option> WorkspaceOptions(Arguments& a) {
  return {EnvironmentOption(a, "The environment it belongs to (name or id)."),
          {"--auto-apply", "", &a.auto_apply, "Plans are applied without a decision."}};
}

std::vector<Option> EndpointOptions(Arguments& a) {
  std::vector<Option> options = {
      {"--url", "URL", &a.url, "Where payloads are sent: http:// or https://.", true},
      {"--max-attempts", "N", &a.max_attempts, "1 to 1000; then a delivery has failed. Default: 10, over three days."},
      {"--timeout", "SECONDS", &a.timeout, "Of one attempt. Default: 15."},
      {"--header", "LINE", &a.headers, "A header of your own, `Name: value`."},
      {"--payload-form", "FORM", &a.form, "underscore or hyphen: how the keys of payloads are spelled."},
      {"--secret-file", "FILE", &a.secret_file, "Signing secret. Default: one is made, and shown once."}};
  for (Option& option : PlaceOptions(a)) options.push_back(std::move(option));
  return options;
}

std::vector<Option> WebhookOptions(Arguments& a) {
  std::vector<Option> options = {
      {"--endpoint", "EP", &a.endpoint, "Where it sends to (id or name).", true},
      {"--event", "EVENT", &a.events, "run:completed, run:errored or run:needs_attention. Default: all."},
      {"--disabled", "", &a.disabled, "It does not fire until it is enabled."}};
  for (Option& option : PlaceOptions(a)) options.push_back(std::move(option));
  return options;
}

const Kind kEnvironment = {"environment",
                           "environments",
                           {{"NAME", "name"}, {"CREATED", "created-at"}},
                           false,
                           false,
                           MakeEnvironment,
                           [](Arguments&) { return std::vector<Option>(); },
                           "Example:\n  runbell environment create production"};
const Kind kWorkspace = {
    "workspace",
    "workspaces",
    {{"NAME", "name"}, {"ENVIRONMENT", "->environment"}, {"AUTO-APPLY", "auto-apply"}, {"LATEST RUN", "->latest-run"}},
    true,
    false,
    MakeWorkspace,
    WorkspaceOptions,
    "Example:\n  runbell workspace create network --environment production"};
const Kind kEndpoint = {"endpoint",
                        "endpoints",
                        {{"NAME", "name"},
                         {"URL", "url"},
                         {"STATE", "state"},
                         {"ENVIRONMENT", "->environment"},
                         {"WORKSPACE", "->workspace"},
                         {"FAILURES IN A ROW", "failures-in-a-row"}},
                        true,
                        true,
                        MakeEndpoint,
                        EndpointOptions,
                        "The secret is what the receiver verifies signatures with; keep it.\n\nExample:\n  runbell "
                        "endpoint create chat --environment production --url https://chat.example.com/hook"};
const Kind kWebhook = {"webhook",
                       "webhooks",
                       {{"NAME", "name"},
                        {"ENABLED", "enabled"},
                        {"ENDPOINT", "->endpoint"},
                        {"ENVIRONMENT", "->environment"},
                        {"WORKSPACE", "->workspace"},
                        {"LAST TRIGGERED", "last-triggered-at"}},
                       true,
                       true,
                       MakeWebhook,
                       WebhookOptions,
                       "Example:\n  runbell webhook create everything --environment production --endpoint chat"};

// ---- showing ----

std::string CellOf(const json::value& resource, const Column& column) {
  if (column.attribute.starts_with("->")) return RelatedId(resource, column.attribute.substr(2));
  return TextAt(resource, {"attributes", column.attribute});
}

bool IsSecret(std::string_view attribute) { return attribute == "secret-key" || attribute == "signing-secret"; }

void MaskSecrets(json::value& resource) {
  json::object* attributes = resource.as_object().if_contains("attributes") == nullptr
                                 ? nullptr
                                 : resource.as_object()["attributes"].if_object();
  if (attributes == nullptr) return;
  for (auto& [name, value] : *attributes) {
    if (IsSecret(name) && value.is_string()) value = "(not shown; --show-secret)";
  }
}

std::string FormatResource(const json::value& resource) {
  Details details;
  details.Add("id", TextAt(resource, {"id"}));
  if (const json::value* attributes = base::At(resource, {"attributes"}); attributes && attributes->is_object()) {
    for (const auto& [name, value] : attributes->get_object()) {
      bool shown = name != "permissions" && !value.is_null();
      if (shown) details.Add(std::string(name), TextAt(resource, {"attributes", name}));
    }
  }
  if (const json::value* related = base::At(resource, {"relationships"}); related && related->is_object()) {
    for (const auto& [name, value] : related->get_object()) {
      if (std::string id = RelatedId(resource, name); !id.empty()) details.Add(std::string(name), id);
      const json::value* many = base::At(value, {"data"});
      if (many == nullptr || !many->is_array() || many->get_array().empty()) continue;
      std::string ids;
      for (const json::value& one : many->get_array()) ids += (ids.empty() ? "" : ", ") + TextAt(one, {"id"});
      details.Add(std::string(name), ids);
    }
  }
  return details.Text();
}

Result<int> Create(Context& context, const Arguments& arguments, const Kind& kind) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  RB_ASSIGN(json::object data, kind.make(*api, arguments));
  data["type"] = kind.type;
  RB_ASSIGN(json::value document, api->Post(kind.type, json::object{{"data", std::move(data)}}));
  const json::value* created = base::At(document, {"data"});
  if (arguments.json && created != nullptr) {
    context.out(base::FormatJsonPretty(*created) + "\n");
    return kExitOk;
  }
  Details details;
  details.Add(kind.name, TextAt(document, {"data", "id"}));
  details.Add("secret", TextAt(document, {"data", "attributes", "secret-key"}));
  details.Add("secret for Standard Webhooks libraries", TextAt(document, {"data", "attributes", "signing-secret"}));
  context.out(details.Text());
  return kExitOk;
}

Result<int> List(Context& context, const Arguments& arguments, const Kind& kind) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  std::string path = kind.type;
  if (!arguments.workspace.empty()) {
    RB_ASSIGN(std::string workspace, FindWorkspace(*api, arguments.environment, arguments.workspace));
    path += "?filter[workspace]=" + workspace;
  } else if (!arguments.environment.empty()) {
    RB_ASSIGN(std::string environment, FindEnvironment(*api, arguments.environment));
    path += "?filter[environment]=" + environment;
  }
  RB_ASSIGN(json::array resources, FetchAll(*api, path, 100'000));
  if (arguments.json) {
    for (json::value& resource : resources) MaskSecrets(resource);
    context.out(base::FormatJsonPretty(resources) + "\n");
    return kExitOk;
  }
  std::vector<std::string> titles = {"ID"};
  for (const Column& column : kind.columns) titles.push_back(column.title);
  Table table(titles);
  for (const json::value& resource : resources) {
    std::vector<std::string> cells = {TextAt(resource, {"id"})};
    for (const Column& column : kind.columns) cells.push_back(CellOf(resource, column));
    table.Add(std::move(cells));
  }
  if (table.empty()) context.err(fmt::format("no {}\n", kind.type));
  if (!table.empty()) context.out(table.Text());
  return kExitOk;
}

// The id of what a show or delete names.
Result<std::string> FindOne(ApiClient& api, const Arguments& arguments, const Kind& kind) {
  if (kind.type == "environments") return FindEnvironment(api, arguments.name);
  if (kind.type == "workspaces") return FindWorkspace(api, arguments.environment, arguments.name);
  if (kind.type == "endpoints") return FindEndpoint(api, "", arguments.name);
  return arguments.name;
}

Result<int> Show(Context& context, const Arguments& arguments, const Kind& kind) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  RB_ASSIGN(std::string id, FindOne(*api, arguments, kind));
  RB_ASSIGN(json::value document, api->Get(kind.type + "/" + net::EncodePercent(id)));
  json::value resource = base::At(document, {"data"}) == nullptr ? json::object() : *base::At(document, {"data"});
  if (!arguments.show_secret && resource.is_object()) MaskSecrets(resource);
  context.out(arguments.json ? base::FormatJsonPretty(resource) + "\n" : FormatResource(resource));
  return kExitOk;
}

Result<int> Delete(Context& context, const Arguments& arguments, const Kind& kind) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  RB_ASSIGN(std::string id, FindOne(*api, arguments, kind));
  RB_TRY(api->Delete(kind.type + "/" + net::EncodePercent(id)));
  context.out(fmt::format("{} deleted\n", id));
  return kExitOk;
}

Command MakeKindCommand(Context& context, const Kind& kind) {
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  auto bind = [&](auto* function) {
    return [&context, arguments, &kind, function] { return function(context, *arguments, kind); };
  };
  Option as_json{"--json", "", &a.json, "For programs: the API's resource."};
  std::vector<Option> create = {{"NAME", "NAME", &a.name, "Its name.", true}, as_json};
  for (Option& option : kind.options(a)) create.push_back(std::move(option));
  std::vector<Option> list = {as_json};
  if (kind.in_environment) list.push_back(EnvironmentOption(a, "Only of this environment (name or id)."));
  if (kind.in_workspace) list.push_back({"--workspace", "W", &a.workspace, "Only of this workspace."});
  std::string which = kind.type == "webhooks" ? "Its id." : "Its id or name; of a workspace also ENVIRONMENT/NAME.";
  std::vector<Option> show = {{"ID", "ID", &a.name, which, true}, as_json};
  if (kind.type == "endpoints") show.push_back({"--show-secret", "", &a.show_secret, "Show the secret too."});
  std::string deleting = kind.type == "environments" ? " and everything in it; its log is kept" : "";
  std::string one = fmt::format("{} {}", kind.name[0] == 'e' ? "an" : "a", kind.name);
  std::vector<Option> remove = {{"ID", "ID", &a.name, which, true}};
  Command create_one{.name = "create",
                     .summary = "Create " + one,
                     .details = kind.details,
                     .options = WithServer(a.server, std::move(create)),
                     .run = bind(&Create)};
  Command list_all{.name = "list",
                   .summary = "List " + kind.type,
                   .options = WithServer(a.server, std::move(list)),
                   .run = bind(&List)};
  Command show_one{
      .name = "show", .summary = "Show " + one, .options = WithServer(a.server, std::move(show)), .run = bind(&Show)};
  Command delete_one{.name = "delete",
                     .summary = "Delete " + one + deleting,
                     .options = WithServer(a.server, std::move(remove)),
                     .run = bind(&Delete)};
  return {.name = kind.name,
          .summary = "Create, list, show and delete " + kind.type,
          .commands = {create_one, list_all, show_one, delete_one}};
}

}  // namespace

std::vector<Command> MakeResourceCommands(Context& context) {
  return {MakeKindCommand(context, kEnvironment), MakeKindCommand(context, kWorkspace),
          MakeKindCommand(context, kEndpoint), MakeKindCommand(context, kWebhook)};
}

}  // namespace app
