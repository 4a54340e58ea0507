// What the tests of the wrapper share: a stand-in for terraform, one for the server, and a clock that they move. In the
// namespace of runner, because it belongs to src/runner/ and stands here only as src/ knows no tests.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "runner/fake_api.h"
#include "runner/runner.h"
#include "support/manual_clock.h"
#include "support/pseudo_terminal.h"

namespace runner {

using run::Action;
using run::Status;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing_support::ManualClock;
using testing_support::PseudoTerminal;
namespace fs = std::filesystem;

inline const std::string kStreams = RB_SOURCE_DIR "/tests/data/terraform-streams/";

inline std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

// A stand-in for terraform: a shell script that replays recorded streams and notes how it was called.
inline constexpr std::string_view kTool = R"sh(#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/calls"
command=$1
for last in "$@"; do case $last in -out=*) plan=${last#-out=};; esac; done
case $command in
  init) echo "Initializing..."; if [ -f "$here/init.fails" ]; then cat "$here/init.fails" >&2; exit 1; fi;;
  plan)
    [ -f "$here/plan.env" ] && env > "$here/plan.env"
    cat "$here/plan.jsonl"
    [ -f "$here/plan.waits" ] && . "$here/plan.waits"
    echo plan > "$plan"
    stat -c %a "$(dirname "$plan")" > "$here/plan.mode"
    exit $(cat "$here/plan.exit");;
  show) cat "$here/show.json";;
  apply)
    [ "$(cat "$last")" = plan ] || exit 9
    [ -f "$here/apply.waits" ] && . "$here/apply.waits"
    cat "$here/apply.jsonl"; exit $(cat "$here/apply.exit");;
esac
)sh";

class WrapperTest : public testing::Test {
 protected:
  WrapperTest() : api_(still_clock_) {
    std::string path = (fs::temp_directory_path() / "wrapper_test.XXXXXX").string();
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    dir_ = path;
    fs::create_directory(dir_ / "tmp");
    Put("terraform", kTool);
    fs::permissions(dir_ / "terraform", fs::perms::owner_all);
    Plan("plan-changes.jsonl", 2);
    Replay("show.json", "plan-changes.show.json");
    Apply("apply-ok.jsonl", 0);
    api_.AddPlaces();
    options_.environment = "prod";
    options_.workspace = "net";
    options_.command = {(dir_ / "terraform").string()};
    options_.temp_directory = dir_ / "tmp";
    options_.last_words = base::Micros(int64_t{1} << 60);
  }
  ~WrapperTest() override {
    if (clock_thread_.joinable()) clock_thread_.join();
    fs::remove_all(dir_);
  }

  void Put(const std::string& name, std::string_view text) { std::ofstream(dir_ / name, std::ios::binary) << text; }
  void Replay(const std::string& name, const std::string& recorded) { Put(name, ReadFile(kStreams + recorded)); }
  void Plan(const std::string& recorded, int exit) {
    Replay("plan.jsonl", recorded);
    Put("plan.exit", std::to_string(exit));
  }
  void Apply(const std::string& recorded, int exit) {
    Replay("apply.jsonl", recorded);
    Put("apply.exit", std::to_string(exit));
  }
  // The apply prints the beginning of a recorded stream, then waits until SIGINT, each one noted, and prints the rest.
  void ApplyUntilInterrupted() {
    std::istringstream all(ReadFile(kStreams + "apply-sigint.jsonl"));
    std::string line, head, tail;
    for (int i = 0; std::getline(all, line); ++i) (i < 8 ? head : tail) += line + "\n";
    Put("head.jsonl", head);
    Put("apply.jsonl", tail);
    Put("apply.exit", "1");
    Put("apply.waits",
        "trap 'echo INT >> \"$here/signals\"; go=1' INT\ncat \"$here/head.jsonl\"\n"
        "while [ -z \"$go\" ]; do sleep 0.02; done\n");
  }
  std::string Calls() { return ReadFile(dir_ / "calls"); }

  std::unique_ptr<ApiClient> Connect(const std::string& token = "secret-token-of-the-test") {
    auto client = ApiClient::Make({.server = api_.url(), .token = base::Secret(token), .ca_file = {}}, still_clock_);
    EXPECT_TRUE(client);
    return std::move(*client);
  }

  int Run() {
    auto client = Connect();
    World world{clock_,
                *random_,
                [this](std::string_view text) { Take(out_, text); },
                [this](std::string_view text) { Take(err_, text); },
                terminal_,
                variables_};
    Wrapper wrapper(options_, *client, std::move(world));
    *wrapper_.Lock() = &wrapper;
    const int code = wrapper.Run();
    *wrapper_.Lock() = nullptr;
    return code;
  }
  void Interrupt() {
    auto wrapper = wrapper_.Lock();
    if (*wrapper) (*wrapper)->Interrupt();
  }
  // Moves the clock whenever somebody waits for it, until the run is over.
  int RunWithMovingClock() {
    std::atomic<bool> over = false;
    std::thread mover([&] {
      while (!over) {
        clock_.Advance(base::Micros(1'000'000));  // not to the next timer: that may be the one for giving up
      }
    });
    const int code = Run();
    over = true;
    mover.join();
    return code;
  }
  void Take(base::Guarded<std::string>& to, std::string_view text) {
    *to.Lock() += text;
    to.NotifyAll();
    if (on_output_) on_output_(text);
  }
  void WaitForErr(const std::string& part) {
    auto text = err_.Lock();
    text.Wait([&] { return text->find(part) != std::string::npos; });
  }
  std::string out() { return *out_.Lock(); }
  std::string err() { return *err_.Lock(); }

  ManualClock clock_;        // the wrapper's
  ManualClock still_clock_;  // the network's: no request runs into its deadline while the other one is moved
  std::unique_ptr<base::Random> random_ = base::MakeSeededRandom(1);
  FakeApi api_;
  fs::path dir_;
  RunOptions options_;
  int terminal_ = -1;
  std::map<std::string, std::string> variables_;
  base::Guarded<std::string> out_, err_;
  base::Guarded<Wrapper*> wrapper_{nullptr};
  std::function<void(std::string_view)> on_output_;
  std::thread clock_thread_;
};

}  // namespace runner
