// Environments, workspaces, endpoints and webhooks from the command line: the same commands for each row of the table.
#include <fmt/format.h>

#include <memory>

#include "app/commands.h"
#include "app/delivery_view.h"
#include "app/resource_kinds.h"
#include "net/net.h"

namespace app {
namespace {

namespace json = base::json;
using base::Result;
using runner::ApiClient;
using Arguments = ResourceArguments;

// ---- showing ----

std::string CellOf(const json::value& resource, const Column& column) {
  if (column.attribute.starts_with("->")) return RelatedId(resource, column.attribute.substr(2));
  return TextAt(resource, {"attributes", column.attribute});
}

bool IsSecret(std::string_view attribute) { return attribute == "secret-key" || attribute == "signing-secret"; }

void MaskSecrets(json::value& resource) {
  json::value* attributes = resource.is_object() ? resource.get_object().if_contains("attributes") : nullptr;
  if (attributes == nullptr || !attributes->is_object()) return;
  for (auto& [name, value] : attributes->get_object()) {
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

std::string FormatList(const json::array& resources, const Kind& kind) {
  std::vector<std::string> titles = {"ID"};
  for (const Column& column : kind.columns) titles.push_back(column.title);
  Table table(titles);
  for (const json::value& resource : resources) {
    std::vector<std::string> cells = {TextAt(resource, {"id"})};
    for (const Column& column : kind.columns) cells.push_back(CellOf(resource, column));
    table.Add(std::move(cells));
  }
  return table.Text();
}

std::string PathOf(const Kind& kind, const std::string& id) { return kind.type + "/" + net::EncodePercent(id); }

// ---- changing ----

enum class Secret { kHidden, kMade };  // whether the server has made a key that nobody knows yet

int Tell(Context& context, const Arguments& a, const json::value& document, const std::string& done, Secret secret) {
  json::value resource = base::At(document, {"data"}) == nullptr ? json::object() : *base::At(document, {"data"});
  std::string key = TextAt(resource, {"attributes", "secret-key"});
  bool made = secret == Secret::kMade && a.secret_file.empty() && !key.empty();
  if (a.json) {
    if (!made) MaskSecrets(resource);
    context.out(base::FormatJsonPretty(resource) + "\n");
    return kExitOk;
  }
  std::string text = done.empty() ? "is now " + TextAt(resource, {"attributes", "state"}) : done;
  text = Harmless(fmt::format("{} {}", TextAt(resource, {"id"}), text));
  if (!made) {
    context.out(text + "\n");
    return kExitOk;
  }
  context.err(text + "; the secret key that its receiver verifies signatures with:\n");
  context.out(key + "\n");
  return kExitOk;
}

void WarnOfSecrets(Context& context, const Arguments& a) {
  for (const std::string& name : SecretsOnCommandLine(a)) {
    context.err(Harmless("the value of " + name + " was readable on the command line; --secret-header " + name +
                         "=FILE reads it from a file") +
                "\n");
  }
}

json::object DocumentOf(const Kind& kind, json::object attributes, json::object relationships) {
  return {{"data", json::object{{"type", kind.type},
                                {"attributes", std::move(attributes)},
                                {"relationships", std::move(relationships)}}}};
}

Result<int> Create(Context& context, const Arguments& a, const Kind& kind) {
  RB_ASSIGN(auto api, Connect(context, a.server));
  RB_ASSIGN(json::object relationships, kind.relate(*api, a, ""));
  RB_ASSIGN(json::object attributes, GivenAttributes(*api, a, ""));
  RB_ASSIGN(json::value document,
            api->Post(kind.type, DocumentOf(kind, std::move(attributes), std::move(relationships))));
  WarnOfSecrets(context, a);
  return Tell(context, a, document, "created", Secret::kMade);
}

Result<int> Update(Context& context, const Arguments& a, const Kind& kind) {
  RB_ASSIGN(auto api, Connect(context, a.server));
  RB_ASSIGN(std::string id, kind.find(*api, a));
  RB_ASSIGN(json::object relationships, kind.relate(*api, a, id));
  RB_ASSIGN(json::object attributes, GivenAttributes(*api, a, id));
  if (attributes.empty() && relationships.empty()) {
    return base::Invalid(fmt::format("nothing to change; `runbell {} update --help` shows what can be", kind.name));
  }
  json::object body = DocumentOf(kind, std::move(attributes), std::move(relationships));
  body["data"].get_object()["id"] = id;
  RB_ASSIGN(json::value document, api->Patch(PathOf(kind, id), body));
  WarnOfSecrets(context, a);
  return Tell(context, a, document, "changed", Secret::kHidden);
}

Result<int> Act(Context& context, const Arguments& a, const Kind& kind, const ResourceAction& action) {
  RB_ASSIGN(auto api, Connect(context, a.server));
  RB_ASSIGN(json::object body, action.makes_secret ? RotationAttributes(a) : json::object());
  RB_ASSIGN(std::string id, kind.find(*api, a));
  RB_ASSIGN(json::value document, api->Post(PathOf(kind, id) + "/actions/" + action.name, body));
  return Tell(context, a, document, action.done, action.makes_secret ? Secret::kMade : Secret::kHidden);
}

Result<int> Delete(Context& context, const Arguments& a, const Kind& kind) {
  RB_ASSIGN(auto api, Connect(context, a.server));
  RB_ASSIGN(std::string id, kind.find(*api, a));
  std::string named = id == a.which ? id : fmt::format("{} ({})", a.which, id);
  if (!a.yes) RB_TRY(Confirm(context, fmt::format("Delete the {} {}{}?", kind.name, named, kind.deleting)));
  RB_TRY(api->Delete(PathOf(kind, id)));
  context.out(Harmless(id + " deleted") + "\n");
  return kExitOk;
}

// ---- reading ----

Result<int> List(Context& context, const Arguments& a, const Kind& kind) {
  RB_ASSIGN(auto api, Connect(context, a.server));
  std::string path = kind.type;
  if (!a.workspace.empty()) {
    RB_ASSIGN(std::string workspace, FindWorkspace(*api, a.environment, a.workspace));
    path += "?filter[workspace]=" + workspace;
  } else if (!a.environment.empty()) {
    RB_ASSIGN(std::string environment, FindEnvironment(*api, a.environment));
    path += "?filter[environment]=" + environment;
  }
  RB_ASSIGN(json::array resources, FetchAll(*api, path, 100'000));
  if (a.json) {
    for (json::value& resource : resources) MaskSecrets(resource);
    context.out(base::FormatJsonPretty(resources) + "\n");
  } else if (resources.empty()) {
    context.err(fmt::format("no {}\n", kind.type));
  } else {
    context.out(FormatList(resources, kind));
  }
  return kExitOk;
}

Result<int> Show(Context& context, const Arguments& a, const Kind& kind) {
  RB_ASSIGN(auto api, Connect(context, a.server));
  RB_ASSIGN(std::string id, kind.find(*api, a));
  RB_ASSIGN(json::value document, api->Get(PathOf(kind, id)));
  json::value resource = base::At(document, {"data"}) == nullptr ? json::object() : *base::At(document, {"data"});
  if (!a.show_secret) MaskSecrets(resource);
  context.out(a.json ? base::FormatJsonPretty(resource) + "\n" : FormatResource(resource));
  return kExitOk;
}

// ---- the commands ----

// The commands of one kind, made from its row; they share what their options are read into.
class Maker {
 public:
  Maker(Context& context, const Kind& kind)
      : context_(context), kind_(kind), arguments_(std::make_shared<Arguments>()), a_(*arguments_) {}

  Command Make() {
    std::vector<Command> commands = {
        MakeCreate(), MakeList(), MakeOne("show", "Show " + one_, ShowOptions(), Show), MakeUpdate(),
        MakeOne("delete", "Delete " + one_ + kind_.deleting, {{"--yes", "", &a_.yes, "Do not ask."}}, Delete)};
    std::string verbs = "Create, list, show, change and delete " + kind_.type;
    for (const ResourceAction& action : kind_.actions) commands.push_back(MakeAction(action));
    if (!kind_.actions.empty()) verbs += ", hold them, change their keys";
    return {.name = kind_.name, .summary = verbs, .commands = std::move(commands)};
  }

 private:
  using Run = Result<int> (*)(Context& context, const Arguments& arguments, const Kind& kind);
  std::function<Result<int>()> Bind(Run run) const {
    return [&context = context_, arguments = arguments_, &kind = kind_, run] { return run(context, *arguments, kind); };
  }

  static void Append(std::vector<Option>& to, std::vector<Option> more) {
    for (Option& option : more) to.push_back(std::move(option));
  }

  Command MakeCreate() {
    std::vector<Option> options = {{"NAME", "NAME", &a_.name, "Its name.", true}};
    Append(options, kind_.place(a_));
    Append(options, kind_.options(a_));
    for (Option& option : options) option.required = option.required || option.name == kind_.required;
    if (!kind_.actions.empty()) {
      options.push_back(
          {"--secret-file", "FILE", &a_.secret_file, "Secret key; - is standard input. Default: one is made."});
    }
    options.push_back(json_);
    return {.name = "create",
            .summary = "Create " + one_,
            .details = kind_.details,
            .options = WithServer(a_.server, std::move(options)),
            .run = Bind(Create)};
  }

  Command MakeUpdate() {
    std::vector<Option> options = {{"--name", "NAME", &a_.name, "A new name."}};
    Append(options, kind_.options(a_));
    if (kind_.type == "endpoints") {
      options.push_back({"--remove-header", "NAME", &a_.removed_headers, "Send this header of your own no more."});
    }
    options.push_back(json_);
    return MakeOne("update", "Change " + one_ + "; what is not given stays as it is", std::move(options), Update);
  }

  Command MakeList() {
    std::vector<Option> options = {json_};
    if (kind_.in_environment) {
      options.push_back({"--environment", "E", &a_.environment, "Only of this environment (name or id)."});
    }
    if (kind_.in_workspace) {
      options.push_back({"--workspace", "W", &a_.workspace, "Only of this workspace (id, or ENVIRONMENT/NAME)."});
    }
    return {.name = "list",
            .summary = "List " + kind_.type,
            .options = WithServer(a_.server, std::move(options)),
            .run = Bind(List)};
  }

  std::vector<Option> ShowOptions() {
    std::vector<Option> options = {json_};
    if (!kind_.actions.empty()) {
      options.push_back({"--show-secret", "", &a_.show_secret, "Show the secret key too."});
    }
    return options;
  }

  Command MakeAction(const ResourceAction& action) {
    std::vector<Option> options = {json_};
    if (action.makes_secret) Append(options, RotationOptions(a_));
    Command command = MakeOne(action.name, action.summary, std::move(options), nullptr);
    command.run = [&context = context_, arguments = arguments_, &kind = kind_, &action] {
      return Act(context, *arguments, kind, action);
    };
    return command;
  }

  // A command on one that is there already.
  Command MakeOne(std::string name, std::string summary, std::vector<Option> options, Run run) {
    options.insert(options.begin(), {"ID", "ID", &a_.which, kind_.which_help, true});
    return {.name = std::move(name),
            .summary = std::move(summary),
            .options = WithServer(a_.server, std::move(options)),
            .run = Bind(run)};
  }

  Context& context_;
  const Kind& kind_;
  std::shared_ptr<Arguments> arguments_;
  Arguments& a_;
  Option json_{"--json", "", &a_.json, "For programs: the API's resource."};
  std::string one_ = fmt::format("{} {}", kind_.name[0] == 'e' ? "an" : "a", kind_.name);
};

}  // namespace

std::vector<Command> MakeResourceCommands(Context& context) {
  std::vector<Command> commands;
  for (const Kind& kind : AllKinds()) commands.push_back(Maker(context, kind).Make());
  return commands;
}

}  // namespace app
