// The change feed and its long polls.
#include <future>

#include "support/api_fixture.h"

namespace serve {
namespace {

using testing_support::HttpConnection;
using testing_support::HttpResponse;

class ChangesTest : public testing_support::ApiFixture {
 public:
  ChangesTest() {
    MakePlaces();
    CreateRun("run");
  }

  std::string Last() {
    auto response = Send("GET", "/changes?after=last");
    return std::to_string(base::IntAt(response.json(), {"meta", "last"}).value_or(-1));
  }
  // A poll on a connection of its own, parked when this returns.
  std::future<HttpResponse> Poll(const std::string& query, const std::string& token = "admin") {
    ++polls;
    auto answer = std::async(std::launch::async, [this, query, token] {
      HttpConnection own(server->port());
      return SendOn(own, "GET", "/changes?" + query, "", token);
    });
    AwaitParked(polls);
    return answer;
  }
  void AwaitParked(int count) {
    std::string parked = "runbell_polls_waiting " + std::to_string(count) + "\n";
    bool found = false;
    for (int i = 0; i < 100'000 && !found; ++i) found = Send("GET", "//metrics").body.find(parked) != std::string::npos;
    EXPECT_TRUE(found);
  }
  int polls = 0;
};

TEST_F(ChangesTest, TellsWhatHappenedInOrder) {
  Report("run", R"({"status":"planning"})");
  Check({
      {"all",
       "GET",
       "/changes",
       "",
       200,
       {R"("type":"changes")", R"("action":"environment.created","target":"{env}")",
        R"("action":"run.planning","target":"{run}")", R"("actor":"admin")",
        R"("run":{"data":{"type":"runs","id":"{run}"}})"},
       {"auphee1ieshaeQu8"}},
      {"of a run", "GET", "/changes?filter[run]={run}", "", 200, {"run.planning"}, {"environment.created"}},
      {"of a kind",
       "GET",
       "/changes?filter[kind]=webhook",
       "",
       200,
       {"webhook.created"},
       {"run.planning", "environment.created"}},
      {"few", "GET", "/changes?page[size]=1", "", 200, {R"("meta":{"last":1})"}},
      {"nothing new", "GET", "/changes?after=999999", "", 200, {R"("data":[])"}},
      {"malformed after", "GET", "/changes?after=-1", "", 422, {R"("parameter":"after")"}},
      {"malformed wait", "GET", "/changes?wait=soon", "", 422, {R"("parameter":"wait")"}},
      {"malformed run", "GET", "/changes?filter[run]=x", "", 422, {"filter[run]"}},
      {"unknown filter", "GET", "/changes?filter[mood]=good", "", 422, {"filter[mood]"}},
      {"unknown parameter", "GET", "/changes?sort=at", "", 422, {R"("parameter":"sort")"}},
  });
}

TEST_F(ChangesTest, ACommitEndsTheWait) {
  auto answer = Poll("wait=25&after=" + Last());
  Report("run", R"({"status":"planning"})");
  auto response = answer.get();
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("run.planning"), std::string::npos) << response.body;
}

TEST_F(ChangesTest, OnlyWhatWasAskedForEndsTheWait) {
  CreateRun("other", "{ws2}");
  auto answer = Poll("wait=25&filter[run]={run}&after=" + Last());
  Report("other", R"({"status":"planning"})");
  Report("run", R"({"status":"planning"})");
  auto response = answer.get();
  EXPECT_NE(response.body.find(Fill("{run}")), std::string::npos) << response.body;
  EXPECT_EQ(response.body.find(Fill("{other}")), std::string::npos) << response.body;
}

TEST_F(ChangesTest, TheClockEndsTheWait) {
  auto answer = Poll("wait=25&after=" + Last());
  clock.Advance(std::chrono::seconds(25));
  auto response = answer.get();
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find(R"("data":[])"), std::string::npos) << response.body;
}

TEST_F(ChangesTest, WaitsAreBounded) {
  auto answer = Poll("wait=3600&after=" + Last());
  clock.Advance(std::chrono::seconds(30));
  EXPECT_EQ(answer.get().status, 200);
}

TEST_F(ChangesTest, WaitingHoldsNoWorker) {
  std::string query = "wait=25&after=" + Last();
  std::vector<std::future<HttpResponse>> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(Poll(query));
  EXPECT_EQ(Send("GET", "/environments/{env}").status, 200);
  Report("run", R"({"status":"planning"})");
  for (auto& answer : answers) EXPECT_NE(answer.get().body.find("run.planning"), std::string::npos);
}

TEST_F(ChangesTest, ShutdownEndsTheWait) {
  auto answer = Poll("wait=25&after=" + Last());
  api->BeginShutdown();
  auto response = answer.get();
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find(R"("data":[])"), std::string::npos);
  EXPECT_EQ(Send("GET", "/changes?wait=25&after=" + Last()).status, 200);  // without waiting
}

TEST_F(ChangesTest, AClientThatHasGoneIsNoticed) {
  auto io_client = std::make_unique<net::IoThread>("client", clock);
  auto resolver = net::MakeResolver(clock);
  auto client = std::make_unique<net::Client>(*io_client, clock, *resolver, nullptr);
  net::SendRequest request;
  request.url = *net::ParseUrl("http://127.0.0.1:" + std::to_string(server->port()) +
                               "/api/iacp/v3/changes?wait=25&after=" + Last());
  request.method = "GET";
  request.header_lines = "Host: x\r\nAuthorization: Bearer " + tokens["admin"] + "\r\n";
  base::Signal ended;
  io_client->Post([&] { client->Send(request, [&](net::SendResult) { ended.Raise(); }); });
  AwaitParked(1);
  io_client->Post([&] { client.reset(); });
  ended.Wait();
  // Each commit looks after those that wait; how soon the server sees the connection close is the kernel's affair.
  std::string parked = "runbell_polls_waiting 1\n";
  bool left = false;
  for (int i = 0; i < 1000 && !left; ++i) {
    CreateRun("more", "{ws2}");
    left = Send("GET", "//metrics").body.find(parked) == std::string::npos;
  }
  EXPECT_TRUE(left);
}

TEST_F(ChangesTest, WhatMayNotBeSeenEndsNoWait) {
  AddToken("elsewhere", {{base::Scope::kAdmin, {*base::Parse<base::EnvironmentId>(ids["env2"]), {}}}});
  auto answer = Poll("wait=25&after=" + Last(), "elsewhere");
  Report("run", R"({"status":"planning"})");
  CreateRun("there", "{ws3}");
  auto response = answer.get();
  EXPECT_NE(response.body.find(Fill("{there}")), std::string::npos) << response.body;
  EXPECT_EQ(response.body.find(Fill("{run}")), std::string::npos) << response.body;
}

}  // namespace
}  // namespace serve
