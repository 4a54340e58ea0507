// Commands for people, as they are typed: the real binary against a real server.
#include <gmock/gmock.h>

#include <fstream>

#include "e2e/server_program.h"
#include "support/fake_endpoint.h"

namespace testing_support {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class CommandsOnServer : public testing::Test {
 protected:
  CommandsOnServer() : server_(directory_ / "data") {
    server_.Start();
    Write("admin.token", server_.token() + "\n");
    Ok({"environment", "create", "production"});
    Ok({"workspace", "create", "network", "--environment", "production"});
  }

  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }
  Ended Try(std::vector<std::string> argv, const std::string& input = {}) {
    argv.insert(argv.begin(), RB_BINARY);
    argv.insert(argv.end(), {"--server", server_.url(), "--token-file", directory_ / "admin.token"});
    return RunProgram(argv, {}, {}, input);
  }
  // Standard output, without its last newline.
  std::string Ok(std::vector<std::string> argv, const std::string& input = {}) {
    const Ended ended = Try(argv, input);
    EXPECT_EQ(ended.code, 0) << argv[0] << " " << argv[1] << ": " << ended.err;
    return ended.out.ends_with('\n') ? ended.out.substr(0, ended.out.size() - 1) : ended.out;
  }
  base::json::value Read(const std::string& kind, const std::string& name) {
    auto parsed = base::ParseJson(Ok({kind, "show", name, "--json"}));
    EXPECT_TRUE(parsed.has_value());
    return parsed ? *parsed : base::json::value();
  }
  std::string Text(const base::json::value& resource, std::string_view attribute) {
    const auto* found = base::At(resource, {"attributes", attribute});
    if (found == nullptr || found->is_null()) return "";
    return found->is_string() ? std::string(found->get_string()) : base::FormatJson(*found);
  }
  // Of the first resource of a list.
  static std::string TextOf(const base::json::value& list, std::string_view name) {
    if (!list.is_array() || list.get_array().empty()) return "";
    return base::StringAt(list.get_array()[0], {name}).value_or("");
  }
  std::string NewEndpoint(const std::string& name, std::vector<std::string> more) {
    more.insert(more.begin(), {"endpoint", "create", name, "--url", "http://127.0.0.1:1/hook"});
    return Ok(more);
  }

  // A run that fails: one event.
  void Ring(const std::string& workspace, base::json::object attributes = {}) {
    ApiCaller api = server_.Api();
    attributes["source"] = "cli";
    const std::string run = api.Create("runs", std::move(attributes), {{"workspace", workspace}});
    api.Expect(201, "POST", "/runs/" + run + "/status-transitions",
               R"({"data":{"type":"status-transitions","attributes":{"status":"errored"}}})");
  }

  TempDirectory directory_;
  ServerProgram server_;
};

TEST_F(CommandsOnServer, AnEndpointsSecretStandsAloneOnStandardOutput) {
  const std::string made = NewEndpoint("chat", {"--environment", "production"});
  EXPECT_THAT(made, MatchesRegex("[A-Za-z0-9+/=_-]+"));
  EXPECT_THAT(Ok({"endpoint", "show", "chat", "--show-secret"}), HasSubstr(made));
  const std::string next = Ok({"endpoint", "rotate-secret", "chat"});
  EXPECT_THAT(next, MatchesRegex("[A-Za-z0-9+/=_-]+"));
  EXPECT_NE(next, made);
  EXPECT_NE(Text(Read("endpoint", "chat"), "previous-secret-until"), "");
  const Ended again = Try({"endpoint", "rotate-secret", "chat"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("a rotation is under way"));
  Ok({"endpoint", "end-rotation", "chat"});
  EXPECT_EQ(Text(Read("endpoint", "chat"), "previous-secret-until"), "");
  // A secret that the caller has is not printed.
  const std::string file = Write("secret", "my own secret\n");
  EXPECT_THAT(Ok({"endpoint", "rotate-secret", "chat", "--secret-file", file, "--overlap", "0s"}),
              Not(HasSubstr("my own")));
  EXPECT_THAT(Ok({"endpoint", "show", "chat", "--show-secret"}), HasSubstr("my own secret"));
}

TEST_F(CommandsOnServer, AnEndpointIsPausedDisabledAndPutBack) {
  NewEndpoint("chat", {"--environment", "production"});
  const struct {
    const char *action, *state;
  } rows[] = {{"pause", "paused"}, {"resume", "active"}, {"disable", "disabled"}, {"enable", "active"}};
  for (const auto& row : rows) {
    EXPECT_THAT(Ok({"endpoint", row.action, "chat"}), HasSubstr(row.state));
    EXPECT_EQ(Text(Read("endpoint", "chat"), "state"), row.state);
  }
}

TEST_F(CommandsOnServer, AnUpdateChangesWhatItNamesAndNothingElse) {
  NewEndpoint("chat", {"--environment", "production", "--header", "X-Team: red", "--header", "X-Api-Token: hide-me"});
  const Ended nothing = Try({"endpoint", "update", "chat"});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("nothing to change"));
  Ok({"endpoint", "update", "chat", "--name", "talk", "--max-attempts", "4", "--header", "X-Team: blue", "--header",
      "X-New: 1", "--timeout", "0"});
  auto talk = Read("endpoint", "talk");
  EXPECT_EQ(Text(talk, "url"), "http://127.0.0.1:1/hook");
  EXPECT_EQ(Text(talk, "max-attempts"), "4");
  EXPECT_EQ(Text(talk, "timeout"), "0");
  EXPECT_THAT(Text(talk, "headers"), AllOf(HasSubstr("blue"), HasSubstr("X-New"), HasSubstr("X-Api-Token"),
                                           Not(HasSubstr("red")), Not(HasSubstr("hide-me"))));
  Ok({"endpoint", "update", "talk", "--remove-header", "x-new", "--url", "http://127.0.0.1:2/"});
  talk = Read("endpoint", "talk");
  EXPECT_THAT(Text(talk, "headers"), AllOf(HasSubstr("blue"), Not(HasSubstr("X-New"))));
  EXPECT_EQ(Text(talk, "url"), "http://127.0.0.1:2/");

  NewEndpoint("other", {"--environment", "production"});
  Ok({"webhook", "create", "all", "--environment", "production", "--endpoint", "talk"});
  Ok({"webhook", "update", "all", "--disabled", "--event", "run:errored", "--endpoint", "other"});
  auto all = Read("webhook", "all");
  EXPECT_EQ(Text(all, "enabled"), "false");
  EXPECT_EQ(base::At(all, {"relationships", "events", "data"})->get_array().size(), 1u);
  EXPECT_EQ(base::StringAt(all, {"relationships", "endpoint", "data", "id"}),
            base::StringAt(Read("endpoint", "other"), {"id"}));
  Ok({"webhook", "update", "all", "--enabled"});
  EXPECT_EQ(Text(Read("webhook", "all"), "enabled"), "true");
  EXPECT_EQ(Try({"webhook", "update", "all", "--enabled", "--disabled"}).code, 2);

  Ok({"workspace", "update", "production/network", "--auto-apply"});
  EXPECT_EQ(Text(Read("workspace", "production/network"), "auto-apply"), "true");
  Ok({"environment", "update", "production", "--name", "live"});
  EXPECT_EQ(Text(Read("environment", "live"), "name"), "live");
}

TEST_F(CommandsOnServer, DeletingWithNobodyToAskNeedsYes) {
  NewEndpoint("chat", {"--environment", "production"});
  Ok({"webhook", "create", "all", "--environment", "production", "--endpoint", "chat"});
  const Ended asked = Try({"webhook", "delete", "all"});
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.err, HasSubstr("--yes"));
  EXPECT_EQ(Text(Read("webhook", "all"), "name"), "all");
  Ok({"webhook", "delete", "all", "--yes"});
  Ok({"endpoint", "delete", "chat", "--yes"});
  Ok({"environment", "delete", "production", "--yes"});
  EXPECT_EQ(Ok({"environment", "list"}), "");
}

TEST_F(CommandsOnServer, HeadersThatLookLikeSecretsAreHidden) {
  const std::string file = Write("value", "Bearer from-a-file\n");
  NewEndpoint("chat", {"--environment", "production", "--header", "X-Team: red", "--header", "X-Auth-Token: typed-here",
                       "--header", "Cookie: typed-too", "--secret-header", "X-Plain=" + file});
  const std::string shown = Text(Read("endpoint", "chat"), "headers");
  EXPECT_THAT(shown, AllOf(HasSubstr("red"), Not(HasSubstr("typed")), Not(HasSubstr("from-a-file"))));
  EXPECT_EQ(Try({"endpoint", "update", "chat", "--secret-header", "X-Plain"}).code, 2);
  const Ended missing = Try({"endpoint", "update", "chat", "--secret-header", "X-Plain=/nowhere/file"});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("/nowhere/file"));
  Ok({"endpoint", "update", "chat", "--secret-header", "X-Other=-"}, "from standard input\n");
  EXPECT_THAT(Text(Read("endpoint", "chat"), "headers"), AllOf(HasSubstr("X-Other"), Not(HasSubstr("standard"))));
  const Ended warned = Try({"endpoint", "update", "chat", "--header", "Authorization: typed"});
  EXPECT_EQ(warned.code, 0);
  EXPECT_THAT(warned.err, AllOf(HasSubstr("Authorization"), HasSubstr("--secret-header"), Not(HasSubstr("typed"))));
}

// What may be used is what belongs to the account, the environment or the workspace of the webhook.
TEST_F(CommandsOnServer, AWebhooksEndpointIsFoundWhereItMayBeUsed) {
  ApiCaller api = server_.Api();
  api.Create("endpoints", {{"name", "wide"}, {"url", "http://127.0.0.1:1/"}});
  Ok({"webhook", "create", "a", "--environment", "production", "--endpoint", "wide"});
  // An endpoint of the same name that belongs to a workspace is of no use to the environment, nor to its neighbour.
  NewEndpoint("chat", {"--environment", "production"});
  Ok({"workspace", "create", "website", "--environment", "production"});
  NewEndpoint("chat", {"--workspace", "production/website"});
  Ok({"webhook", "create", "b", "--environment", "production", "--endpoint", "chat"});
  Ok({"webhook", "create", "c", "--workspace", "production/network", "--endpoint", "chat"});
  Ok({"webhook", "create", "d", "--workspace", "production/network", "--endpoint", "wide"});
  NewEndpoint("own", {"--workspace", "production/website"});
  EXPECT_THAT(Try({"webhook", "create", "e", "--environment", "production", "--endpoint", "own"}).err,
              HasSubstr("there is no endpoint \"own\""));
  // Two that may be used: the answer names both.
  const Ended two = Try({"webhook", "create", "f", "--workspace", "production/website", "--endpoint", "chat"});
  EXPECT_EQ(two.code, 2);
  EXPECT_THAT(two.err, testing::ContainsRegex("ep-v0[0-9a-v]+.*ep-v0[0-9a-v]+"));
}

TEST_F(CommandsOnServer, TokensAreMadeListedAndRevokedOnTheServer) {
  const std::string token = Ok({"token", "create", "--name", "ci", "--scope", "report", "--environment", "production",
                                "--expires", "30d", "--description", "for the pipeline"});
  EXPECT_THAT(token, MatchesRegex("rbt_[A-Za-z0-9_-]+"));
  EXPECT_EQ(ApiCaller(server_.port(), token).Call("GET", "/environments").status, 200);
  const std::string list = Ok({"token", "list"});
  EXPECT_THAT(list, AllOf(HasSubstr("ci"), HasSubstr("report:env-v0"), Not(HasSubstr(token))));
  auto rows = base::ParseJson(Ok({"token", "list", "--json"}));
  ASSERT_TRUE(rows && rows->is_array());
  EXPECT_EQ(rows->get_array().size(), 2u);
  Ok({"token", "revoke", "ci"});
  EXPECT_EQ(ApiCaller(server_.port(), token).Call("GET", "/environments").status, 401);
  EXPECT_THAT(Ok({"token", "list"}), Not(HasSubstr("report")));
  EXPECT_EQ(Try({"token", "list", "--data", server_.data()}).code, 2) << "either a server or a directory";
}

TEST_F(CommandsOnServer, TailFollowsUntilInterrupted) {
  Program tail({RB_BINARY, "delivery", "tail", "--server", server_.url(), "--token-file", directory_ / "admin.token"});
  EXPECT_FALSE(tail.WaitForErrorLine("following").empty());
  FakeEndpoint receiver;
  Ok({"endpoint", "create", "chat", "--environment", "production", "--url", receiver.Url()});
  Ok({"webhook", "create", "all", "--environment", "production", "--endpoint", "chat"});
  Ring(base::StringAt(Read("workspace", "production/network"), {"id"}).value_or(""));
  EXPECT_THAT(tail.WaitForLine("run:errored"), HasSubstr("all"));
  tail.Send(SIGINT);
  EXPECT_EQ(tail.Wait(), 0) << tail.err();
  EXPECT_THAT(Ok({"delivery", "list", "--webhook", "all"}), HasSubstr("run:errored"));
  EXPECT_THAT(Try({"delivery", "list", "--webhook", "none"}).err, HasSubstr("there is no webhook \"none\""));
}

TEST_F(CommandsOnServer, TailWaitsForAServerThatRestartsAndCanBeInterruptedThen) {
  Program tail({RB_BINARY, "delivery", "tail", "--server", server_.url(), "--token-file", directory_ / "admin.token"});
  EXPECT_FALSE(tail.WaitForErrorLine("following").empty());
  server_.Kill();
  EXPECT_FALSE(tail.WaitForErrorLine("trying again").empty());
  tail.Send(SIGINT);
  EXPECT_EQ(tail.Wait(), 0) << tail.err();
}

// Escape, newline, the one-character escape of C1, a carriage return and an override of the writing direction.
constexpr const char* kHostile = "x\x1b[31m\ny\u009b0m\rz\u202e";

constexpr const char* kHostileName = "x\u202ey\u2067z";  // names may not have control characters

bool IsHarmless(std::string_view text) {
  for (const char* bad : {"\x1b", "\r", "\x7f", "\a", "\b", "\u009b", "\u202e", "\u2067"}) {
    if (text.find(bad) != std::string_view::npos) return false;
  }
  return true;
}

TEST_F(CommandsOnServer, WhatStrangersWroteIsShownHarmless) {
  ApiCaller api = server_.Api();
  FakeEndpoint receiver;
  receiver.SetDefault(Respond(400, "", kHostile));
  const std::string hostile = kHostile, name = kHostileName;
  const std::string environment = api.Create("environments", {{"name", name}});
  const std::string workspace = api.Create("workspaces", {{"name", "w"}}, {{"environment", environment}});
  const std::string endpoint =
      api.Create("endpoints", {{"name", name}, {"url", receiver.Url()}}, {{"environment", environment}});
  ASSERT_EQ(Try({"webhook", "create", name, "--environment", name, "--endpoint", name}).code, 0);
  ASSERT_EQ(Try({"token", "create", "--name", name, "--scope", "read"}).code, 0);
  Program tail({RB_BINARY, "delivery", "tail", "--server", server_.url(), "--token-file", directory_ / "admin.token"});
  EXPECT_FALSE(tail.WaitForErrorLine("following").empty());
  Ring(workspace, {{"message", hostile}});
  EXPECT_FALSE(tail.WaitForLine("400").empty());
  tail.Send(SIGINT);
  tail.Wait();
  const std::string delivery = [&] {
    auto list = base::ParseJson(Ok({"delivery", "list", "--json"}));
    return TextOf(*list, "id");
  }();
  const std::string run = TextOf(*base::ParseJson(Ok({"runs", "list", "--json"})), "id");
  std::string seen = tail.out() + tail.err();
  const std::vector<std::vector<std::string>> commands = {
      {"environment", "list"},
      {"environment", "show", name},
      {"workspace", "list"},
      {"endpoint", "list"},
      {"endpoint", "show", name},
      {"endpoint", "pause", name},
      {"webhook", "list"},
      {"webhook", "show", name},
      {"token", "list"},
      {"runs", "list"},
      {"runs", "show", run},
      {"delivery", "list"},
      {"delivery", "show", delivery},
      // refused, with what was given in the message
      {"approve", hostile},
      {"runs", "show", hostile},
      {"runs", "list", "--status", hostile},
      {"delivery", "resend", hostile},
      {"endpoint", "show", "no" + hostile},
      {"token", "revoke", "no" + hostile},
      {"endpoint", "create", "n", "--url", hostile, "--account"},
  };
  for (const auto& command : commands) {
    const Ended ended = Try(command);
    seen += ended.out + ended.err;
    EXPECT_TRUE(IsHarmless(ended.out + ended.err)) << command[0] << " " << command[1] << ":\n"
                                                   << testing::PrintToString(ended.out + ended.err);
    if (command[1] == "list" && command.size() == 2) {
      EXPECT_THAT(ended.out, Not(HasSubstr("\ny"))) << "a cell stays on its line";
    }
  }
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"config", "show", "--data", hostile},
                                                {"config", "show", "--listen", hostile},
                                                {"config", hostile},
                                                {"config", "show", "--" + hostile}}) {
    std::vector<std::string> argv = wrong;
    argv.insert(argv.begin(), RB_BINARY);
    const Ended ended = RunProgram(argv);
    seen += ended.out + ended.err;
  }
  EXPECT_TRUE(IsHarmless(seen)) << testing::PrintToString(seen);
  EXPECT_THAT(seen, HasSubstr("\\u{1b}"));
}

TEST(TokensInADirectory, LookAlikeThoseOfAServerAndNeedTheDirectory) {
  TempDirectory directory;
  const std::string data = directory / "data";
  const Ended none = RunProgram({RB_BINARY, "token", "list", "--data", data});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr(data));
  EXPECT_FALSE(std::filesystem::exists(data)) << "looking makes nothing";
  EXPECT_EQ(RunProgram({RB_BINARY, "token", "create", "--data", data, "--name", "ci", "--scope", "read"}).code, 0);
  EXPECT_THAT(RunProgram({RB_BINARY, "token", "list", "--data", data}).out, HasSubstr("ci"));
  EXPECT_EQ(RunProgram({RB_BINARY, "token", "revoke", "ci", "--data", data}).code, 0);
  EXPECT_THAT(RunProgram({RB_BINARY, "token", "list", "--data", data}).out, Not(HasSubstr("ci")));
}

// Without a terraform or tofu on the PATH, so that every machine runs the same.
class DemoProgram : public testing::Test {
 protected:
  std::vector<std::string> Left() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(temporary_.path())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  std::unique_ptr<Program> Start(std::vector<std::string> more = {}) {
    std::vector<std::string> argv = {RB_BINARY, "demo"};
    argv.insert(argv.end(), more.begin(), more.end());
    return std::make_unique<Program>(
        argv, std::vector<std::string>{"TMPDIR=" + temporary_.path(), "PATH=" + temporary_ / "nowhere"});
  }

  TempDirectory temporary_;
};

TEST_F(DemoProgram, LeavesNothingBehindWhenInterruptedAtTheEnd) {
  for (int signal : {SIGINT, SIGTERM}) {
    auto demo = Start();
    EXPECT_FALSE(demo->WaitForLine("Ctrl-C ends it").empty()) << demo->err();
    EXPECT_EQ(Left().size(), 1u);
    demo->Send(signal);
    EXPECT_EQ(demo->Wait(), 0);
    EXPECT_THAT(Left(), testing::IsEmpty());
  }
}

TEST_F(DemoProgram, LeavesNothingBehindWhenInterruptedInARun) {
  for (int signal : {SIGINT, SIGTERM}) {
    auto demo = Start();
    EXPECT_FALSE(demo->WaitForLine("$ runbell run").empty()) << demo->err();
    demo->Send(signal);
    EXPECT_GE(demo->Wait(), 0) << "it ends by itself";
    EXPECT_THAT(Left(), testing::IsEmpty());
  }
}

TEST_F(DemoProgram, KeepsWhatItIsToldToKeep) {
  auto demo = Start({"--keep", "--once"});
  EXPECT_EQ(demo->Wait(), 0) << demo->err();
  EXPECT_EQ(Left().size(), 1u);
  auto other = Start({"--once", "--data", temporary_ / "mine"});
  EXPECT_EQ(other->Wait(), 0) << other->err();
  EXPECT_TRUE(std::filesystem::exists(temporary_ / "mine/demo/admin.token"));
}

}  // namespace
}  // namespace testing_support
