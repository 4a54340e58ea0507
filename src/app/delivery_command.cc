#include <fmt/format.h>

#include <memory>

#include "app/commands.h"
#include "app/delivery_view.h"
#include "app/server_access.h"
#include "app/signals.h"
#include "app/verification.h"
#include "base/time_text.h"
#include "net/net.h"

namespace app {
namespace {

namespace json = base::json;
using base::Result;
using runner::ApiClient;

constexpr std::string_view kPath = "integrations/webhook-deliveries";
// What lists show: without these names the server would read every body.
constexpr std::string_view kListFields =
    "fields[webhook-integration-deliveries]=status,attempts,triggered-at,response-code,outcome,decision,next-attempt-"
    "at,"
    "reason,webhook-name,webhook,event,environment,workspace,run,endpoint,resend-of";
constexpr base::Micros kPollWait = std::chrono::seconds(30);
constexpr base::Micros kRetryAfter = std::chrono::seconds(2);

struct DeliveryArguments {
  ServerArguments server;
  std::string id, environment, workspace, run, status, event, webhook;
  int limit = 20;
  bool json = false;
};

Result<std::string> ListPath(ApiClient& api, const DeliveryArguments& arguments) {
  std::string path = fmt::format("{}?{}", kPath, kListFields);
  auto filter = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) path += fmt::format("&filter[{}]={}", name, net::EncodePercent(value));
  };
  if (!arguments.workspace.empty()) {
    RB_ASSIGN(std::string workspace, FindWorkspace(api, arguments.environment, arguments.workspace));
    filter("workspace", workspace);
  } else if (!arguments.environment.empty()) {
    RB_ASSIGN(std::string environment, FindEnvironment(api, arguments.environment));
    filter("environment", environment);
  }
  filter("run", arguments.run);
  filter("status", arguments.status);
  filter("event", arguments.event);
  if (!arguments.webhook.empty()) {
    RB_ASSIGN(std::string webhook, FindWebhook(api, arguments.webhook));
    filter("webhook-integration", webhook);
  }
  return path;
}

Result<int> List(Context& context, const DeliveryArguments& arguments) {
  if (arguments.limit < 1) return base::Invalid("it must be at least 1", "--limit");
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  RB_ASSIGN(std::string path, ListPath(*api, arguments));
  RB_ASSIGN(json::array deliveries, FetchAll(*api, path, arguments.limit));
  if (arguments.json) {
    context.out(base::FormatJsonPretty(deliveries) + "\n");
  } else if (deliveries.empty()) {
    context.err("no deliveries\n");
  } else {
    context.out(FormatDeliveries(deliveries));
  }
  return kExitOk;
}

Result<json::value> GetData(ApiClient& api, const std::string& path) {
  RB_ASSIGN(json::value document, api.Get(path));
  const json::value* data = base::At(document, {"data"});
  if (data == nullptr) {
    return base::Error(base::Code::kUnavailable, api.server() + " does not answer like a Runbell server");
  }
  return *data;
}

Result<int> Show(Context& context, const DeliveryArguments& arguments) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  std::string path = fmt::format("{}/{}", kPath, net::EncodePercent(arguments.id));
  RB_ASSIGN(json::value delivery, GetData(*api, path));
  RB_ASSIGN(json::value attempts, GetData(*api, path + "/attempts"));
  json::array list = attempts.is_array() ? attempts.get_array() : json::array();
  context.out(arguments.json ? base::FormatJsonPretty(json::object{{"delivery", delivery}, {"attempts", list}}) + "\n"
                             : FormatDelivery(delivery, list));
  return kExitOk;
}

Result<int> Resend(Context& context, const DeliveryArguments& arguments) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  std::string path = fmt::format("{}/{}/actions/resend", kPath, net::EncodePercent(arguments.id));
  RB_ASSIGN(json::value document, api->Post(path, json::object()));
  const json::value* data = base::At(document, {"data"});
  if (arguments.json) {
    context.out(base::FormatJsonPretty(data == nullptr ? document : *data) + "\n");
  } else {
    context.out(Harmless(fmt::format("{} is on its way as a new delivery: {}", arguments.id,
                                     TextAt(document, {"data", "id"}))) +
                "\n");
  }
  return kExitOk;
}

// Follows the change feed from where it was when the command was started.
class Tail {
 public:
  Tail(Context& context, const DeliveryArguments& arguments, ApiClient& api)
      : context_(context), arguments_(arguments), api_(api) {}

  Result<int> Run() {
    RB_ASSIGN(json::value newest, api_.Get("changes?after=last&wait=0" + RunFilter()));
    after_ = TextAt(newest, {"meta", "last"});
    context_.err(fmt::format("following the deliveries of {} until Ctrl-C\n", api_.server()));
    while (!stop_.WaitUntil(context_.clock, context_.clock.Mono())) {
      auto page =
          api_.Poll(fmt::format("changes?after={}&wait=30&filter[kind]=delivery{}", after_, RunFilter()), kPollWait);
      if (!page && page.error().code == base::Code::kUnavailable) {
        Wait(page.error());
        continue;
      }
      if (!page) return std::move(page).error();
      complained_ = false;
      const json::value* data = base::At(*page, {"data"});
      if (data != nullptr && data->is_array()) {
        for (const json::value& change : data->get_array()) {
          if (!Print(change)) return kExitOk;
        }
      }
      after_ = TextAt(*page, {"meta", "last"});
    }
    return kExitOk;
  }

  // Any thread.
  void Stop() {
    stop_.Raise();
    api_.Stop();
  }

 private:
  std::string RunFilter() const {
    return arguments_.run.empty() ? "" : "&filter[run]=" + net::EncodePercent(arguments_.run);
  }

  // A server that restarts is waited for: the feed goes on where it was.
  void Wait(const base::Error& error) {
    if (stop_.WaitUntil(context_.clock, context_.clock.Mono())) return;
    if (!complained_) context_.err(Harmless(error.Text()) + "; trying again\n");
    complained_ = true;
    stop_.WaitUntil(context_.clock, context_.clock.Mono() + kRetryAfter);
  }

  bool Print(const json::value& change) {
    if (arguments_.json) return context_.out(base::FormatJson(change) + "\n");
    std::string id = TextAt(change, {"attributes", "target"});
    auto delivery = GetData(api_, fmt::format("{}/{}?{}", kPath, net::EncodePercent(id), kListFields));
    return context_.out(FormatDeliveryChange(change, delivery ? *delivery : json::value()));
  }

  Context& context_;
  const DeliveryArguments& arguments_;
  ApiClient& api_;
  base::Signal stop_;
  std::string after_;
  bool complained_ = false;
};

Result<int> Follow(Context& context, const DeliveryArguments& arguments) {
  RB_ASSIGN(auto api, Connect(context, arguments.server));
  Tail tail(context, arguments, *api);
  Interrupts interrupts([&tail] { tail.Stop(); });
  return tail.Run();
}

struct VerifyArguments {
  std::string body, headers, secret_file, window;
};

Result<int> Verify(Context& context, const VerifyArguments& arguments) {
  VerificationInput input;
  if (!arguments.window.empty()) {
    auto window = base::ParseDuration(arguments.window);
    if (!window || window->count() <= 0) return base::Invalid("it must be a duration such as 5m", "--window");
    input.window = *window;
  }
  RB_ASSIGN(input.body, ReadInput("--body", arguments.body));
  RB_ASSIGN(input.headers, ReadInput("--headers", arguments.headers));
  RB_ASSIGN(std::string secret, ReadInput("--secret-file", arguments.secret_file));
  // Files end with a newline; secrets do not.
  if (secret.ends_with('\n')) secret.pop_back();
  input.secret = base::Secret(std::move(secret));
  input.now = context.clock.Now();
  Verification result = ExplainVerification(input);
  context.out(HarmlessLines(result.text));
  return result.valid ? kExitOk : kExitFailed;
}

constexpr std::string_view kVerifyDetails = R"(Checks both schemes, X-Signature (with Date) and webhook-signature. Where
one does not fit, it tries the usual accidents (a newline added at the end of the body, JSON that was parsed and written
again, a Date that a proxy rewrote, a secret in its whsec_ spelling or with a newline, another digest) and says which of
them explains it.

The headers file holds lines of `Name: value`, the output of `curl -v`, or a JSON object. One final newline of the
secret's file is not part of the secret. Exits with 0 when every signature that is there is valid, with 1 when not.

Example:
  runbell delivery verify --body body.json --headers headers.txt --secret-file secret.txt)";

constexpr std::string_view kListDetails = R"(Examples:
  runbell delivery list --status failed
  runbell delivery list --workspace production/network --event run:errored --limit 100
  runbell delivery list --json | jq -r '.[].id')";

std::vector<Option> ListOptions(DeliveryArguments& a) {
  return {{"--environment", "E", &a.environment, "Only of this environment (name or id)."},
          {"--workspace", "W", &a.workspace, "Only of this workspace (id, or ENVIRONMENT/NAME)."},
          {"--run", "RUN", &a.run, "Only of this run."},
          {"--status", "STATUS", &a.status, "pending, completed or failed."},
          {"--event", "EVENT", &a.event, "run:completed, run:errored or run:needs_attention."},
          {"--webhook", "WEBHOOK", &a.webhook, "Only of this webhook (name or id)."},
          {"--limit", "N", &a.limit, "At most so many, newest first. Default: 20."},
          {"--json", "", &a.json, "For programs: the API's resources."}};
}

}  // namespace

Command MakeDeliveryCommand(Context& context) {
  auto arguments = std::make_shared<DeliveryArguments>();
  auto verify = std::make_shared<VerifyArguments>();
  DeliveryArguments& a = *arguments;
  Option id{"ID", "ID", &a.id, "The delivery, wd-...", true};
  Option as_json{"--json", "", &a.json, "For programs: the API's resources."};
  Command list{.name = "list",
               .summary = "List deliveries, newest first",
               .details = std::string(kListDetails),
               .options = WithServer(a.server, ListOptions(a)),
               .run = [&context, arguments] { return List(context, *arguments); }};
  Command show{.name = "show",
               .summary = "Show a delivery: what was sent, each attempt with its timings, and why it is where it is",
               .options = WithServer(a.server, {id, as_json}),
               .run = [&context, arguments] { return Show(context, *arguments); }};
  Command tail{
      .name = "tail",
      .summary = "Follow deliveries as they happen, until interrupted",
      .options = WithServer(a.server, {{"--run", "RUN", &a.run, "Only of this run."},
                                       {"--json", "", &a.json, "For programs: one change of the feed per line."}}),
      .run = [&context, arguments] { return Follow(context, *arguments); }};
  Command resend{
      .name = "resend",
      .summary = "Send the body of a delivery again, as a new delivery, to where the webhook's endpoint is now",
      .options = WithServer(a.server, {id, as_json}),
      .run = [&context, arguments] { return Resend(context, *arguments); }};
  Command verify_one{
      .name = "verify",
      .summary = "Verify a saved request and say which part of it does not fit",
      .details = std::string(kVerifyDetails),
      .options = {{"--body", "FILE", &verify->body, "The request's body, byte for byte; - is standard input.", true},
                  {"--headers", "FILE", &verify->headers, "The request's headers.", true},
                  {"--secret-file", "FILE", &verify->secret_file, "The endpoint's secret.", true},
                  {"--window", "DURATION", &verify->window,
                   "Also refuse what was signed longer ago. Default: any age."}},
      .run = [&context, verify] { return Verify(context, *verify); }};
  return {.name = "delivery",
          .summary = "See deliveries, send them again, verify signatures",
          .commands = {list, show, tail, resend, verify_one}};
}

}  // namespace app
