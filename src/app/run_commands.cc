// Runs: wrapping one, seeing them, deciding on them.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "app/commands.h"
#include "app/delivery_view.h"
#include "app/server_access.h"
#include "app/signals.h"
#include "base/time_text.h"
#include "net/net.h"

namespace app {
namespace {

namespace json = base::json;
using base::Result;
using runner::ApiClient;

// ---- run: the wrapper ----

struct WrapArguments {
  ServerArguments server;
  runner::RunOptions run;
  bool no_init = false;
  std::string report_timeout;
};

Result<int> Wrap(Context& context, WrapArguments& arguments) {
  if (arguments.run.command.empty()) {
    return base::Invalid("say what to run behind `--`, as in: runbell run ... -- terraform");
  }
  arguments.run.init = !arguments.no_init;
  if (!arguments.report_timeout.empty()) {
    const auto limit = base::ParseDuration(arguments.report_timeout);
    if (!limit) return base::Invalid("write a duration as 30s, 10m or 1h", "--report-timeout");
    arguments.run.last_words = *limit;
  }
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  if (auto found = context.environment.find("TMPDIR"); found != context.environment.end() && !found->second.empty()) {
    arguments.run.temp_directory = found->second;
  }
  runner::World world{context.clock,
                      context.random,
                      [&context](std::string_view text) { context.out(text); },
                      [&context](std::string_view text) { context.err(text); },
                      isatty(STDIN_FILENO) != 0 ? STDIN_FILENO : -1,
                      context.environment};
  runner::Wrapper wrapper(arguments.run, *api, std::move(world));
  Interrupts interrupts([&wrapper] { wrapper.Interrupt(); });
  return wrapper.Run();
}

constexpr std::string_view kRunDetails =
    R"(Runs init, plan and apply of the tool behind `--`, reports the run's life to a
server, shows progress, and waits for a decision where one is needed: made with `runbell approve`, through the API, or
typed here as `yes` when a person sits at the terminal and the token may approve. --auto-apply approves beforehand: it
needs a token that may approve, or a workspace whose own auto-apply is on. Options behind the tool go to its
plan.

If the server cannot be reached, the run goes on where no approval is needed, and reports are kept and sent later; with
--require-server it fails before planning instead. An unreachable server never means approved. Ctrl-C, SIGTERM and a
closed terminal go to the tool as an interrupt, once each, and the run ends as canceled.

An error's text is sent with the values masked that the plan marks as sensitive; before there is a plan, with every
value given by TF_VAR_..., -var or a .tfvars file masked. Variables of the environment that sound secret always are.

The tool does not get this program's own variables (RUNBELL_...), such as the token.

Examples:
  runbell run --environment production --workspace network -- terraform
  runbell run --environment staging --workspace web --create --auto-apply -- tofu -var-file=staging.tfvars

Exit codes: 0 applied, nothing to change, or planned with --plan-only; 1 the tool failed; 2 wrong use, or the server
refused the run; 3 canceled; 4 discarded; 5 --require-server and no server; 6 the server stopped accepting the run while
it waited.)";

}  // namespace

Command MakeRunCommand(Context& context) {
  auto arguments = std::make_shared<WrapArguments>();
  runner::RunOptions& run = arguments->run;
  return {.name = "run",
          .summary = "Wrap a terraform or tofu run and report it",
          .details = std::string(kRunDetails),
          .options = WithServer(
              arguments->server,
              {{"--environment", "E", &run.environment, "The environment (name or id).", true},
               {"--workspace", "W", &run.workspace, "The workspace (name or id).", true},
               {"--create", "", &run.create, "Make environment and workspace when they are missing."},
               {"--message", "TEXT", &run.message, "What the run is for; it is part of payloads."},
               {"--auto-apply", "", &run.auto_apply, "Apply without a decision, where the token may approve."},
               {"--destroy", "", &run.destroy, "Plan to destroy everything."},
               {"--plan-only", "", &run.plan_only, "Stop after the plan."},
               {"--no-init", "", &arguments->no_init, "Do not run init."},
               {"--chdir", "DIR", &run.directory, "Where the configuration lies. Default: here."},
               {"--require-server", "", &run.require_server, "Fail before planning when the server is unreachable."},
               {"--report-timeout", "DURATION", &arguments->report_timeout,
                "How long to go on trying, after the end, to deliver reports the server has not taken. Default: 30s."},
               {"--json", "", &run.json, "For programs: one JSON object per line."}}),
          .rest = &run.command,
          .rest_name = "terraform|tofu [plan options]",
          .run = [&context, arguments] { return Wrap(context, *arguments); }};
}

// ---- approve, discard, cancel, override ----

namespace {

struct DecideArguments {
  ServerArguments server;
  std::string id, comment;
};

struct Decision {
  std::string name, action, summary, done;
};

Result<int> Decide(Context& context, const DecideArguments& arguments, const Decision& decision) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  json::object body;
  if (!arguments.comment.empty()) body["comment"] = arguments.comment;
  RB_ASSIGN(json::value document,
            api->Post(fmt::format("runs/{}/actions/{}", net::EncodePercent(arguments.id), decision.action), body));
  std::string status = TextAt(document, {"data", "attributes", "status"});
  context.out(Harmless(fmt::format("{}: {}{}", arguments.id, decision.done, status.empty() ? "" : ", now " + status)) +
              "\n");
  return kExitOk;
}

}  // namespace

std::vector<Command> MakeDecideCommands(Context& context) {
  std::vector<Command> commands;
  for (const Decision& decision :
       {Decision{"approve", "apply", "Approve a run that waits: its plan is applied", "approved"},
        Decision{"discard", "discard", "Decline a run that waits: nothing is applied", "discarded"},
        Decision{"cancel", "cancel", "Cancel a run: its tool is interrupted", "cancel requested"},
        Decision{"override", "override", "Override a failed policy of a run that waits for it", "policy overridden"}}) {
    auto arguments = std::make_shared<DecideArguments>();
    commands.push_back(
        {.name = decision.name,
         .summary = decision.summary,
         .options =
             WithServer(arguments->server, {{"ID", "ID", &arguments->id, "The run, run-...", true},
                                            {"--comment", "TEXT", &arguments->comment, "Why; kept in the audit log."}}),
         .run = [&context, arguments, decision] { return Decide(context, *arguments, decision); }});
  }
  return commands;
}

// ---- runs: seeing them ----

namespace {

struct RunsArguments {
  ServerArguments server;
  std::string id, environment, workspace, status;
  int limit = 20;
  bool json = false;
};

Result<int> ListRuns(Context& context, const RunsArguments& arguments) {
  if (arguments.limit < 1) return base::Invalid("it must be at least 1", "--limit");
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  std::string path = "runs?";
  if (!arguments.workspace.empty()) {
    RB_ASSIGN(std::string workspace, FindWorkspace(*api, arguments.environment, arguments.workspace));
    path += "filter[workspace]=" + workspace + "&";
  } else if (!arguments.environment.empty()) {
    RB_ASSIGN(std::string environment, FindEnvironment(*api, arguments.environment));
    path += "filter[environment]=" + environment + "&";
  }
  if (!arguments.status.empty()) path += "filter[status]=" + net::EncodePercent(arguments.status) + "&";
  path.pop_back();
  RB_ASSIGN(json::array runs, FetchAll(*api, path, arguments.limit));
  if (arguments.json) {
    context.out(base::FormatJsonPretty(runs) + "\n");
    return kExitOk;
  }
  if (runs.empty()) context.err("no runs\n");
  Table table({"ID", "STATUS", "REASON", "WAITS", "WORKSPACE", "MESSAGE", "CREATED"});
  for (const json::value& run : runs) {
    bool waits = base::BoolAt(run, {"attributes", "needs-decision"}).value_or(false);
    table.Add({TextAt(run, {"id"}), TextAt(run, {"attributes", "status"}), TextAt(run, {"attributes", "reason"}),
               waits ? "for a decision" : "", RelatedId(run, "workspace"), TextAt(run, {"attributes", "message"}),
               TextAt(run, {"attributes", "created-at"})});
  }
  if (!table.empty()) context.out(table.Text());
  return kExitOk;
}

std::string FormatCounts(const json::value& run) {
  const json::value* plan = base::At(run, {"attributes", "plan-counts"});
  if (plan == nullptr || !plan->is_object()) return "";
  return fmt::format("{} to add, {} to change, {} to destroy", TextAt(*plan, {"add"}), TextAt(*plan, {"change"}),
                     TextAt(*plan, {"destroy"}));
}

std::string FormatEvents(const json::array& events) {
  std::string out;
  for (const json::value& event : events) {
    auto text = [&](std::string_view name) { return Harmless(TextAt(event, {"attributes", name})); };
    out += fmt::format("\nEvent {} {} ({}), {}\n", text("sequence"), text("name"), text("reason"), text("accepted-at"));
    const json::value* considered = base::At(event, {"attributes", "considered"});
    if (considered == nullptr || !considered->is_array() || considered->get_array().empty()) {
      out += "  no webhook reaches this workspace\n";
      continue;
    }
    for (const json::value& webhook : considered->get_array()) {
      auto part = [&](std::string_view name) { return Harmless(TextAt(webhook, {name})); };
      std::string delivery = part("delivery");
      out += fmt::format("  {} ({}): {}\n", part("webhook-name"), part("webhook"),
                         delivery.empty() ? "not fired, " + part("not-fired-reason") : "fired, " + delivery);
    }
  }
  return out;
}

Result<int> ShowRun(Context& context, const RunsArguments& arguments) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  std::string path = "runs/" + net::EncodePercent(arguments.id);
  RB_ASSIGN(json::value document, api->Get(path));
  RB_ASSIGN(json::value events, api->Get(path + "/events"));
  json::value run = base::At(document, {"data"}) == nullptr ? json::value() : *base::At(document, {"data"});
  const json::value* list = base::At(events, {"data"});
  json::array all = list != nullptr && list->is_array() ? list->get_array() : json::array();
  if (arguments.json) {
    context.out(base::FormatJsonPretty(json::object{{"run", run}, {"events", all}}) + "\n");
    return kExitOk;
  }
  Details details;
  details.Add("Run", TextAt(run, {"id"}));
  std::string reason = TextAt(run, {"attributes", "reason"});
  details.Add("Status", TextAt(run, {"attributes", "status"}) + (reason.empty() ? "" : " (" + reason + ")"));
  if (base::BoolAt(run, {"attributes", "needs-decision"}).value_or(false)) {
    details.Add("Waits", "for `runbell approve " + arguments.id + "` or `runbell discard " + arguments.id + "`");
  }
  details.Add("Message", TextAt(run, {"attributes", "message"}));
  details.Add("Plan", FormatCounts(run));
  details.Add("Error", TextAt(run, {"attributes", "error-message"}));
  details.Add("Workspace", RelatedId(run, "workspace"));
  details.Add("Environment", RelatedId(run, "environment"));
  details.Add("Source", TextAt(run, {"attributes", "source"}));
  details.Add("Created", TextAt(run, {"attributes", "created-at"}));
  details.Add("Link", TextAt(run, {"attributes", "url"}));
  context.out(details.Text() + FormatEvents(all));
  return kExitOk;
}

}  // namespace

Command MakeRunsCommand(Context& context) {
  auto arguments = std::make_shared<RunsArguments>();
  RunsArguments& a = *arguments;
  Command list{.name = "list",
               .summary = "List runs, newest first",
               .options = WithServer(
                   a.server, {{"--environment", "E", &a.environment, "Only of this environment (name or id)."},
                              {"--workspace", "W", &a.workspace, "Only of this workspace (id, or ENVIRONMENT/NAME)."},
                              {"--status", "STATUS", &a.status, "Only in this state: planned, applied, errored, ..."},
                              {"--limit", "N", &a.limit, "At most so many. Default: 20."},
                              {"--json", "", &a.json, "For programs: the API's resources."}}),
               .run = [&context, arguments] { return ListRuns(context, *arguments); }};
  Command show{.name = "show",
               .summary = "Show a run, its events, and why each webhook fired or not",
               .options = WithServer(a.server, {{"ID", "ID", &a.id, "The run, run-...", true},
                                                {"--json", "", &a.json, "For programs: the API's resources."}}),
               .run = [&context, arguments] { return ShowRun(context, *arguments); }};
  return {.name = "runs", .summary = "See runs", .commands = {list, show}};
}

}  // namespace app
