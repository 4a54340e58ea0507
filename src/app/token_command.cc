// Tokens: on a server through its API, or without one by opening the data directory.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "app/commands.h"
#include "app/server_access.h"
#include "app/table.h"
#include "base/time_text.h"
#include "net/net.h"

namespace app {
namespace {

namespace json = base::json;
using base::Principal;

const std::vector<std::string_view> kDirectorySettings = {"data.directory", "account.id", "account.name"};

struct TokenArguments {
  SettingsArguments settings;
  ServerArguments server;
  std::string name, description, environment, workspace, expires, id;
  std::vector<std::string> scopes;
  bool json = false;
};

bool IsGiven(const Context& context, const std::string& variable) {
  auto found = context.environment.find(variable);
  return found != context.environment.end() && !found->second.empty();
}

// What is said on the command line wins over the environment, and there a directory over a server.
base::Result<bool> AsksServer(const Context& context, const TokenArguments& a) {
  bool server = !a.server.server.empty() || !a.server.token_file.empty() || !a.server.ca_file.empty();
  bool directory = !a.settings.file.empty();
  for (const auto& [key, values] : a.settings.flags) directory = directory || !values.empty();
  if (server && directory) {
    return base::Invalid("either a server is asked (--server, --token-file) or a data directory is opened (--data)");
  }
  return server || (!directory && !IsGiven(context, "RUNBELL_DATA_DIRECTORY") && IsGiven(context, "RUNBELL_SERVER"));
}

base::Result<std::unique_ptr<store::Store>> OpenStore(Context& context, const TokenArguments& arguments,
                                                      bool create = false) {
  RB_ASSIGN(LoadedSettings loaded, LoadSettings(context, arguments.settings));
  const std::string& directory = loaded.settings.store.directory;
  std::error_code ignored;
  if (!create && !std::filesystem::exists(directory, ignored)) {
    return base::Error(base::Code::kNotFound,
                       "there is no such data directory; --data DIR names another, --server URL asks a server",
                       directory);
  }
  base::SetLogLevel(base::LogLevel::kWarn);
  return store::Store::Open(loaded.settings.store, context.clock, context.random);
}

template <class T>
base::Result<T> FindNamed(store::Store& store, std::string_view kind, const std::string& text,
                          std::vector<store::Query::Filter> filters) {
  if (auto id = base::Parse<typename T::Id>(text)) return store.Get<T>(Principal::System(), *id);
  store::Query query;
  query.filters = std::move(filters);
  query.filters.push_back({"name", {text}, false});
  RB_ASSIGN(auto page, store.List<T>(Principal::System(), query));
  if (page.items.empty()) return base::Error(base::Code::kNotFound, fmt::format("there is no {} \"{}\"", kind, text));
  if (page.items.size() > 1) {
    return base::Invalid(fmt::format("there is more than one {} \"{}\"; say which by its id", kind, text));
  }
  return std::move(page.items[0]);
}

base::Result<base::Place> FindPlace(store::Store& store, const TokenArguments& arguments) {
  base::Place place;
  if (!arguments.environment.empty()) {
    RB_ASSIGN(auto environment, FindNamed<store::Environment>(store, "environment", arguments.environment, {}));
    place.environment = environment.id;
  }
  if (arguments.workspace.empty()) return place;
  bool by_name = !base::Parse<base::WorkspaceId>(arguments.workspace);
  if (by_name && !place.environment) {
    return base::Invalid("a workspace's name needs its environment too; or give its id", "--workspace");
  }
  std::vector<store::Query::Filter> filters;
  if (by_name) filters.push_back({"environment", {base::Format(place.environment)}, false});
  RB_ASSIGN(auto workspace, FindNamed<store::Workspace>(store, "workspace", arguments.workspace, std::move(filters)));
  if (place.environment && place.environment != workspace.environment) {
    return base::Invalid("the workspace is in another environment", "--workspace");
  }
  return base::Place{workspace.environment, workspace.id};
}

struct Wish {
  std::vector<base::Scope> scopes;
  std::optional<base::Micros> expires;
};

base::Result<Wish> ParseWish(const TokenArguments& arguments) {
  Wish wish;
  if (!arguments.expires.empty()) {
    wish.expires = base::ParseDuration(arguments.expires);
    if (!wish.expires || wish.expires->count() <= 0) {
      return base::Invalid("it must be a duration such as 12h or 30d", "--expires");
    }
  }
  for (const std::string& text : arguments.scopes) {
    auto scope = base::ParseScope(text);
    if (!scope) return base::Invalid("\"" + text + "\" is not read, report, approve, write or admin", "--scope");
    wish.scopes.push_back(*scope);
  }
  return wish;
}

base::Result<std::string> CreateInDirectory(Context& context, const TokenArguments& arguments, const Wish& wish) {
  store::Token token;
  token.name = arguments.name;
  token.description = arguments.description;
  if (wish.expires) token.expires_at = context.clock.Now() + *wish.expires;
  RB_ASSIGN(auto store, OpenStore(context, arguments, true));
  RB_ASSIGN(base::Place place, FindPlace(*store, arguments));
  for (base::Scope scope : wish.scopes) token.grants.push_back({scope, place});
  RB_ASSIGN(auto created, store->Create<store::Token>(Principal::System(), std::move(token)));
  return created.text.Reveal();
}

base::Result<std::string> CreateOnServer(Context& context, const TokenArguments& arguments, const Wish& wish) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  json::object place;
  if (!arguments.workspace.empty()) {
    RB_ASSIGN(place["workspace"], FindWorkspace(*api, arguments.environment, arguments.workspace));
  } else if (!arguments.environment.empty()) {
    RB_ASSIGN(place["environment"], FindEnvironment(*api, arguments.environment));
  }
  json::array grants;
  for (base::Scope scope : wish.scopes) {
    json::object grant = place;
    grant["scope"] = base::Name(scope);
    grants.push_back(std::move(grant));
  }
  json::object attributes{{"name", arguments.name}, {"description", arguments.description}, {"grants", grants}};
  // The API counts in minutes; a token never lives longer than was asked for.
  if (wish.expires) attributes["expires-in"] = std::chrono::floor<std::chrono::minutes>(*wish.expires).count();
  RB_ASSIGN(json::value document,
            api->Post("access-tokens", json::object{{"data", json::object{{"type", "access-tokens"},
                                                                          {"attributes", std::move(attributes)}}}}));
  return TextAt(document, {"data", "attributes", "token"});
}

base::Result<int> CreateToken(Context& context, const TokenArguments& arguments) {
  RB_ASSIGN(bool server, AsksServer(context, arguments));
  RB_ASSIGN(Wish wish, ParseWish(arguments));
  RB_ASSIGN(std::string text,
            server ? CreateOnServer(context, arguments, wish) : CreateInDirectory(context, arguments, wish));
  context.out(text + "\n");
  return kExitOk;
}

std::string FormatGrant(std::string_view scope, std::string_view place) {
  return fmt::format("{}{}{}", scope, place.empty() ? "" : ":", place);
}

std::string FormatGrants(const std::vector<base::Grant>& grants) {
  std::string out;
  for (const base::Grant& grant : grants) {
    const auto& [environment, workspace] = grant.place;
    out += (out.empty() ? "" : " ") + FormatGrant(base::Name(grant.scope), workspace     ? base::Format(workspace)
                                                                           : environment ? base::Format(environment)
                                                                                         : "");
  }
  return out;
}

std::string FormatGrants(const json::value* grants) {
  std::string out;
  if (grants == nullptr || !grants->is_array()) return out;
  for (const json::value& grant : grants->get_array()) {
    std::string workspace = TextAt(grant, {"workspace"});
    out += (out.empty() ? "" : " ") +
           FormatGrant(TextAt(grant, {"scope"}), workspace.empty() ? TextAt(grant, {"environment"}) : workspace);
  }
  return out;
}

base::Status ListDirectory(Context& context, const TokenArguments& arguments, Table& table) {
  RB_ASSIGN(auto store, OpenStore(context, arguments));
  auto time = [](const std::optional<base::WallTime>& t) { return t ? base::FormatIso(*t) : std::string("never"); };
  store::Query query;
  query.size = 100;
  for (size_t seen = 0;; query.page++) {
    RB_ASSIGN(auto page, store->List<store::Token>(Principal::System(), query));
    for (const store::Token& token : page.items) {
      table.Add({base::Format(token.id), token.name, FormatGrants(token.grants), base::FormatIso(token.created_at),
                 time(token.expires_at), time(token.last_used_at)});
    }
    seen += page.items.size();
    if (page.items.empty() || seen >= static_cast<size_t>(page.total)) return {};
  }
}

base::Status ListServer(Context& context, const TokenArguments& arguments, Table& table) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  RB_ASSIGN(json::array tokens, FetchAll(*api, "access-tokens", 100'000));
  for (const json::value& token : tokens) {
    auto text = [&](std::string_view name) { return TextAt(token, {"attributes", name}); };
    auto time = [&](std::string_view name) { return text(name).empty() ? std::string("never") : text(name); };
    table.Add({TextAt(token, {"id"}), text("name"), FormatGrants(base::At(token, {"attributes", "grants"})),
               text("created-at"), time("expires-at"), time("last-used-at")});
  }
  return {};
}

base::Result<int> ListTokens(Context& context, const TokenArguments& arguments) {
  RB_ASSIGN(bool server, AsksServer(context, arguments));
  Table table({"ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"});
  RB_TRY(server ? ListServer(context, arguments, table) : ListDirectory(context, arguments, table));
  if (!arguments.json && table.empty()) {
    context.err("no tokens\n");
  } else {
    context.out(arguments.json ? table.Json() : table.Text());
  }
  return kExitOk;
}

base::Result<std::string> RevokeInDirectory(Context& context, const TokenArguments& arguments) {
  RB_ASSIGN(auto store, OpenStore(context, arguments));
  RB_ASSIGN(auto token, FindNamed<store::Token>(*store, "token", arguments.id, {}));
  RB_TRY(store->Delete<store::Token>(Principal::System(), token.id));
  return base::Format(token.id);
}

base::Result<std::string> RevokeOnServer(Context& context, const TokenArguments& arguments) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  RB_ASSIGN(std::string id, FindToken(*api, arguments.id));
  RB_TRY(api->Delete("access-tokens/" + id));
  return id;
}

base::Result<int> RevokeToken(Context& context, const TokenArguments& arguments) {
  RB_ASSIGN(bool server, AsksServer(context, arguments));
  RB_ASSIGN(std::string id, server ? RevokeOnServer(context, arguments) : RevokeInDirectory(context, arguments));
  context.out(Harmless(id + " revoked") + "\n");
  return kExitOk;
}

constexpr std::string_view kCreateDetails =
    R"(Prints the token and nothing else; it is shown this once. With --environment or
--workspace (names or ids) the token reaches no further than that.

Scopes: read sees; report reports runs; approve decides on runs that wait; write changes endpoints and webhooks; admin
may do all of it.

Where: on the server of --server or RUNBELL_SERVER, whose token must have the scope admin and can give no more than it
has. Without either, in the data directory itself, which no server may be using; it is made when there is none. That is
how the first token is made.

Examples:
  runbell token create --name me --scope admin > admin.token
  runbell token create --name ci --scope report --environment production --expires 90d \
    --server https://runbell.example.com --token-file admin.token > ci.token)";

constexpr std::string_view kWhere =
    "Where: on the server of --server or RUNBELL_SERVER; without either, in the data directory, which no server may be "
    "using.";

std::vector<Option> WithPlace(TokenArguments& arguments, std::vector<Option> options) {
  options = WithServer(arguments.server, std::move(options));
  for (Option& option : MakeSettingsOptions(arguments.settings, kDirectorySettings))
    options.push_back(std::move(option));
  return options;
}

}  // namespace

Command MakeTokenCommand(Context& context) {
  auto arguments = std::make_shared<TokenArguments>();
  TokenArguments& a = *arguments;
  Command create{
      .name = "create",
      .summary = "Make a token and print it",
      .details = std::string(kCreateDetails),
      .options = WithPlace(
          a, {{"--name", "NAME", &a.name, "What it is for; shown wherever it acted.", true},
              {"--scope", "SCOPE", &a.scopes, "read, report, approve, write or admin.", true},
              {"--environment", "E", &a.environment, "Only within this environment (name or id)."},
              {"--workspace", "W", &a.workspace, "Only within this workspace (id, or its name with --environment)."},
              {"--expires", "DURATION", &a.expires, "When it ends, from now: 12h, 30d. Default: never."},
              {"--description", "TEXT", &a.description, "A note."}}),
      .run = [&context, arguments] { return CreateToken(context, *arguments); }};
  Command list{.name = "list",
               .summary = "List tokens (never their text)",
               .details = std::string(kWhere),
               .options = WithPlace(a, {{"--json", "", &a.json, "For programs."}}),
               .run = [&context, arguments] { return ListTokens(context, *arguments); }};
  Command revoke{.name = "revoke",
                 .summary = "End a token, at once and for good",
                 .details = std::string(kWhere),
                 .options = WithPlace(a, {{"ID", "ID", &a.id, "The token's id or name.", true}}),
                 .run = [&context, arguments] { return RevokeToken(context, *arguments); }};
  Command remove = revoke;  // as the other kinds call it
  remove.name = "delete";
  remove.hidden = true;
  return {
      .name = "token", .summary = "Make, list and revoke access tokens", .commands = {create, list, revoke, remove}};
}

}  // namespace app
