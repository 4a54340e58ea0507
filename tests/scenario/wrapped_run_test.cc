// `runbell run` against the real server: what the two of them make of a run together.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/guarded.h"
#include "runner/runner.h"
#include "scenario/world.h"

namespace testing_support {
namespace {

namespace fs = std::filesystem;

// A stand-in for terraform whose plan has a change and whose apply makes it.
constexpr std::string_view kTool = R"sh(#!/bin/sh
case $1 in
  plan) for last; do :; done; echo plan > "${last#-out=}"; exit 2;;
  show) echo '{"format_version":"1.2","applyable":true}';;
esac
)sh";

class WrappedRun {
 public:
  WrappedRun(TestApp& app, runner::RunOptions options) {
    std::string pattern = testing::TempDir() + "wrapped-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    std::ofstream(directory_ / "tool") << kTool;
    fs::permissions(directory_ / "tool", fs::perms::owner_all);
    options.command = {directory_ / "tool"};
    options.temp_directory = directory_;
    auto api = runner::ApiClient::Make({.server = "http://127.0.0.1:" + std::to_string(app.port()),
                                        .token = base::Secret(app.admin_token()),
                                        .ca_file = {}},
                                       network_clock_);
    EXPECT_TRUE(api);
    api_ = std::move(*api);
    auto say = [this](std::string_view text) {
      *said_.Lock() += text;
      said_.NotifyAll();
    };
    wrapper_ = std::make_unique<runner::Wrapper>(std::move(options), *api_, runner::World{clock_, *random_, say, say});
    thread_ = std::thread([this] {
      exit_code_ = wrapper_->Run();
      over_ = true;
    });
  }
  ~WrappedRun() {
    wrapper_->Interrupt();
    Wait();
    wrapper_.reset();
    fs::remove_all(directory_);
  }
  // Until the run is over; whoever pauses does not hold it up.
  int Wait() {
    while (!over_) clock_.Advance(base::Micros(1'000'000));
    if (thread_.joinable()) thread_.join();
    return exit_code_;
  }
  void WaitFor(const std::string& said) {
    auto text = said_.Lock();
    text.Wait([&] { return text->find(said) != std::string::npos; });
  }
  std::string said() { return *said_.Lock(); }
  ManualClock& clock() { return clock_; }

 private:
  ManualClock clock_;
  ManualClock network_clock_;  // no request runs into its deadline while the other one is moved
  std::unique_ptr<base::Random> random_ = base::MakeSeededRandom(7);
  fs::path directory_;
  std::unique_ptr<runner::ApiClient> api_;
  base::Guarded<std::string> said_;
  std::unique_ptr<runner::Wrapper> wrapper_;
  std::thread thread_;
  std::atomic<bool> over_ = false;
  int exit_code_ = -1;
};

// Reports that the server has taken, signs of life among them.
int ReportsTaken(TestApp& app) {
  std::istringstream metrics(app.Http("GET", "/metrics").text);
  int taken = 0;
  for (std::string line; std::getline(metrics, line);) {
    const bool counts = line.find("/status-transitions\",status=\"20") != std::string::npos;
    if (counts) taken += std::stoi(line.substr(line.rfind(' ')));
  }
  return taken;
}

TEST(WrappedRun, InTheQueueBehindALongWaitIsNotLostAndThenGoesOn) {
  World world;
  const std::string first = world.app.CreateRun(world.workspace);
  world.app.Transition(first, "planning");
  world.app.Transition(first, "planned", {{"has-changes", true}});

  runner::RunOptions options;
  options.environment = world.environment;
  options.workspace = world.workspace;
  options.auto_apply = true;
  WrappedRun wrapped(world.app, options);
  wrapped.WaitFor("waits for its turn");
  const std::string second =
      world.app.Http("GET", "/runs?filter[status]=pending").body.at("data").at(0).at("id").as_string().c_str();

  for (int minute = 1; minute <= 40; ++minute) {
    world.app.clock().Advance(std::chrono::minutes(1));
    world.app.Transition(first, "planned");  // the sign of life of the run that waits
    const int taken = ReportsTaken(world.app);
    while (ReportsTaken(world.app) == taken) wrapped.clock().Advance(options.heartbeat / 4);
  }
  EXPECT_EQ(world.app.Http("GET", "/runs/" + second).At({"data", "attributes", "status"}), "pending");

  EXPECT_EQ(world.app.Http("POST", "/runs/" + first + "/actions/discard").status, 202);
  EXPECT_EQ(wrapped.Wait(), runner::kExitOk) << wrapped.said();
  EXPECT_EQ(world.app.Http("GET", "/runs/" + second).At({"data", "attributes", "status"}), "applied");
  EXPECT_EQ(world.app.Deliveries(second).size(), 1u) << "run:completed, and nothing about a loss";
}

}  // namespace
}  // namespace testing_support
