// Tokens without a running server: these commands open the data directory themselves.
#include <fmt/format.h>

#include <memory>

#include "app/commands.h"
#include "app/table.h"
#include "base/time_text.h"

namespace app {
namespace {

using base::Principal;

const std::vector<std::string_view> kDirectorySettings = {"data.directory", "account.id", "account.name"};

struct TokenArguments {
  SettingsArguments settings;
  std::string name, description, environment, workspace, expires, id;
  std::vector<std::string> scopes;
  bool json = false;
};

base::Result<std::unique_ptr<store::Store>> OpenStore(Context& context, const TokenArguments& arguments) {
  RB_ASSIGN(LoadedSettings loaded, LoadSettings(context, arguments.settings));
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

base::Result<int> CreateToken(Context& context, const TokenArguments& arguments) {
  store::Token token;
  token.name = arguments.name;
  token.description = arguments.description;
  if (!arguments.expires.empty()) {
    auto after = base::ParseDuration(arguments.expires);
    if (!after || after->count() <= 0) return base::Invalid("it must be a duration such as 12h or 30d", "--expires");
    token.expires_at = context.clock.Now() + *after;
  }
  std::vector<base::Scope> scopes;
  for (const std::string& text : arguments.scopes) {
    auto scope = base::ParseScope(text);
    if (!scope) return base::Invalid("\"" + text + "\" is not read, report, approve, write or admin", "--scope");
    scopes.push_back(*scope);
  }
  RB_ASSIGN(auto store, OpenStore(context, arguments));
  RB_ASSIGN(base::Place place, FindPlace(*store, arguments));
  for (base::Scope scope : scopes) token.grants.push_back({scope, place});
  RB_ASSIGN(auto created, store->Create<store::Token>(Principal::System(), std::move(token)));
  context.out(created.text.Reveal() + "\n");
  return kExitOk;
}

std::string FormatGrants(const std::vector<base::Grant>& grants) {
  std::string out;
  for (const base::Grant& grant : grants) {
    out += (out.empty() ? "" : " ") + std::string(base::Name(grant.scope));
    if (grant.place.workspace)
      out += ":" + base::Format(grant.place.workspace);
    else if (grant.place.environment)
      out += ":" + base::Format(grant.place.environment);
  }
  return out;
}

base::Result<int> ListTokens(Context& context, const TokenArguments& arguments) {
  RB_ASSIGN(auto store, OpenStore(context, arguments));
  Table table({"ID", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"});
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
    if (page.items.empty() || seen >= static_cast<size_t>(page.total)) break;
  }
  context.out(arguments.json ? table.Json() : table.Text());
  return kExitOk;
}

base::Result<int> RevokeToken(Context& context, const TokenArguments& arguments) {
  auto id = base::Parse<base::TokenId>(arguments.id);
  if (!id) return base::Invalid("\"" + arguments.id + "\" is not a token's id; `runbell token list` shows them", "ID");
  RB_ASSIGN(auto store, OpenStore(context, arguments));
  RB_TRY(store->Delete<store::Token>(Principal::System(), *id));
  return kExitOk;
}

constexpr std::string_view kCreateDetails =
    R"(Works on the data directory itself, without a running server, and makes the
directory when there is none. Prints the token and nothing else; it is shown this once. With --environment or
--workspace (names or ids) the token reaches no further than that.

Scopes: read sees; report reports runs; approve decides on runs that wait; write changes endpoints and webhooks; admin
may do all of it.

Examples:
  runbell token create --name me --scope admin > admin.token
  runbell token create --name ci --scope report --environment production --expires 90d > ci.token)";

std::vector<Option> WithDirectory(TokenArguments& arguments, std::vector<Option> options) {
  for (Option& option : MakeSettingsOptions(arguments.settings, kDirectorySettings))
    options.push_back(std::move(option));
  return options;
}

}  // namespace

Command MakeTokenCommand(Context& context) {
  auto arguments = std::make_shared<TokenArguments>();
  TokenArguments& a = *arguments;
  Command create{.name = "create",
                 .summary = "Make a token and print it",
                 .details = std::string(kCreateDetails),
                 .options = WithDirectory(
                     a, {{"--name", "NAME", &a.name, "What it is for; shown wherever it acted.", true},
                         {"--scope", "SCOPE", &a.scopes, "read, report, approve, write or admin.", true},
                         {"--environment", "E", &a.environment, "Only within this environment (name or id)."},
                         {"--workspace", "W", &a.workspace, "Only within this workspace (name or id)."},
                         {"--expires", "DURATION", &a.expires, "When it ends, from now: 12h, 30d. Default: never."},
                         {"--description", "TEXT", &a.description, "A note."}}),
                 .run = [&context, arguments] { return CreateToken(context, *arguments); }};
  Command list{.name = "list",
               .summary = "List tokens (never their text)",
               .options = WithDirectory(a, {{"--json", "", &a.json, "For programs."}}),
               .run = [&context, arguments] { return ListTokens(context, *arguments); }};
  Command revoke{.name = "revoke",
                 .summary = "End a token",
                 .options = WithDirectory(a, {{"ID", "ID", &a.id, "The token's id, at-...", true}}),
                 .run = [&context, arguments] { return RevokeToken(context, *arguments); }};
  return {.name = "token", .summary = "Make, list and revoke access tokens", .commands = {create, list, revoke}};
}

}  // namespace app
