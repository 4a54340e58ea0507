#include "bench/stage.h"

#include <fmt/format.h>

#include <filesystem>

namespace bench {
namespace {

constexpr int kPreparingConnections = 64;

base::json::object Link(std::string_view type, std::string_view id) {
  return {{"data", base::json::object{{"type", type}, {"id", id}}}};
}

base::json::object Links(std::string_view type, std::string_view id) {
  return {{"data", base::json::array{base::json::object{{"type", type}, {"id", id}}}}};
}

base::Status AllOk(const LoadResult& result, size_t expected, std::string_view what) {
  if (result.ok == expected) return {};
  return base::Error(base::Code::kInternal, fmt::format("{}: {} of {} succeeded; first failure: {}", what, result.ok,
                                                        expected, result.first_failure));
}

}  // namespace

base::Result<std::unique_ptr<Stage>> Stage::Set(StagePlan plan) {
  std::unique_ptr<Stage> stage(new Stage(std::move(plan)));
  if (auto built = stage->Build(); !built) return std::move(built).error().In("setting the stage");
  return stage;
}

Stage::~Stage() {
  server_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(plan_.directory, ignored);
}

base::Status Stage::Build() {
  std::filesystem::create_directories(plan_.directory);
  std::filesystem::permissions(plan_.directory, std::filesystem::perms::owner_all);
  RB_ASSIGN(sinks_, Sinks::Start(plan_.sinks, &arrivals_));
  RB_ASSIGN(token_, RunCommand({plan_.binary, "token", "create", "--data", plan_.directory, "--name", "bench",
                                "--scope", "admin"}));
  // Creating a run holds a worker until it is on disk: with many of them the group commit works for the preparation.
  RB_TRY(Start({"--server-workers", "64"}));
  Api client = api();
  for (size_t group = 0; group < groups(); group++) RB_TRY(BuildGroup(client, group));
  RB_TRY(CreateRuns());
  RB_TRY(StartRuns());
  return StopServer();
}

base::Status Stage::Start(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--egress-allow", "127.0.0.0/8", "--log-level", "warn"});
  RB_ASSIGN(server_, Server::Start(plan_.binary, plan_.directory, arguments));
  return {};
}

base::Status Stage::StartServer() { return Start({}); }

base::Status Stage::StopServer() {
  RB_TRY(server_->Stop());
  server_.reset();
  return {};
}

base::Status Stage::BuildGroup(Api& api, size_t group) {
  RB_ASSIGN(std::string environment, api.Create("environments", {{"name", fmt::format("environment-{}", group)}}, {}));
  workspaces_.emplace_back();
  for (size_t i = 0; i < std::max<size_t>(1, kWorkspaces / groups()); i++) {
    RB_ASSIGN(std::string workspace, api.Create("workspaces", {{"name", fmt::format("workspace-{}", i)}},
                                                {{"environment", Link("environments", environment)}}));
    workspaces_.back().push_back(std::move(workspace));
  }
  auto fan_out = static_cast<size_t>(plan_.fan_out);
  for (size_t i = 0; i < fan_out; i++) {
    RB_ASSIGN(std::string endpoint, api.Create("endpoints",
                                               {{"name", fmt::format("endpoint-{}-{}", group, i)},
                                                {"url", sinks_->Url(group * fan_out + i)},
                                                {"max-attempts", 10},
                                                {"timeout", plan_.timeout_s}},
                                               {{"environment", Link("environments", environment)}}));
    RB_TRY(api.Create("webhooks", {{"name", fmt::format("webhook-{}-{}", group, i)}},
                      {{"endpoint", Link("endpoints", endpoint)},
                       {"events", Links("event-definitions", "run:completed")},
                       {"environment", Link("environments", environment)}}));
  }
  return {};
}

LoadTarget Stage::target() const { return {0x7f000001, server_->port()}; }

base::Status Stage::CreateRuns() {
  runs_.resize(plan_.runs);
  Load load;
  load.targets = {target()};
  load.connections = kPreparingConnections;
  load.count = plan_.runs;
  load.seconds = 600;
  load.write = [&](size_t number, std::string& request) {
    const auto& workspaces = workspaces_[number % groups()];
    request += FormatRequest("POST", "/api/iacp/v3/runs", token_,
                             fmt::format(R"({{"data":{{"type":"runs","attributes":{{"is-dry":true,"source":"cli",)"
                                         R"("message":"bench-{:09}: Updated instance\n"}},"relationships":)"
                                         R"({{"workspace":{{"data":{{"type":"workspaces","id":"{}"}}}}}}}}}})",
                                         number, workspaces[number / groups() % workspaces.size()]));
  };
  load.answered = [&](size_t number, int, std::string_view body, int64_t) {
    constexpr std::string_view kMark = R"("id":"run-)";
    size_t at = body.find(kMark);
    if (at == std::string_view::npos) return;
    at += kMark.size() - 4;
    runs_[number] = std::string(body.substr(at, body.find('"', at) - at));
  };
  RB_ASSIGN(LoadResult result, RunLoad(load));
  return AllOk(result, plan_.runs, "creating runs");
}

std::string Stage::FormatTransition(std::string_view run, std::string_view status, size_t number) const {
  std::string body =
      fmt::format(R"({{"data":{{"type":"status-transitions","attributes":{{"status":"{}","key":"{}-{:09}"}}}}}})",
                  status, status.substr(0, 8), number);
  return FormatRequest("POST", fmt::format("/api/iacp/v3/runs/{}/status-transitions", run), token_, body);
}

base::Status Stage::StartRuns() {
  Load load;
  load.targets = {target()};
  load.connections = kPreparingConnections;
  load.count = plan_.runs;
  load.seconds = 600;
  load.write = [&](size_t number, std::string& request) {
    request += FormatTransition(runs_[number], "planning", number);
  };
  load.answered = [](size_t, int, std::string_view, int64_t) {};
  RB_ASSIGN(LoadResult result, RunLoad(load));
  return AllOk(result, plan_.runs, "starting runs");
}

void Stage::WriteFinish(size_t number, std::string& request) const {
  request += FormatTransition(runs_[number], "planned_and_finished", number);
}

}  // namespace bench
