// kill -9 under load, again and again, on one data directory.
//
// Each round creates runs, reports their ends from several threads as fast as answers come, and kills the server at a
// moment drawn by chance. What the server had acknowledged until then is all that counts: each of those events must
// have its deliveries ever after, under the ids that the receivers have seen, and each delivery must end delivered.
//
// Half of the deliveries go to a receiver that takes requests and never answers, so that a kill always finds work that
// was acknowledged and not delivered; how much it found is counted from outside.
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "base/guarded.h"
#include "e2e/server_program.h"
#include "support/fake_endpoint.h"

namespace testing_support {
namespace {

namespace json = base::json;

constexpr int kRounds = 50;
constexpr int kThreads = 4;
constexpr int kRunsPerRound = 60;

std::string Moving(const std::string& status) {
  return R"({"data":{"type":"status-transitions","attributes":{"status":")" + status + R"("}}})";
}

struct Load {
  std::vector<std::string> runs;
  std::atomic<size_t> next{0};
  std::atomic<int> acknowledged{0};
  base::Guarded<std::set<std::string>> events;
};

// Reports the end of one run after another until the server is gone.
void Report(const ServerProgram& server, Load& load) {
  ApiCaller api = server.Api();
  for (size_t n; (n = load.next++) < load.runs.size();) {
    const auto answer =
        api.Call("POST", "/runs/" + load.runs[n] + "/status-transitions", Moving("planned_and_finished"));
    if (answer.status != 201) return;
    const auto event = base::StringAt(answer.json(), {"data", "relationships", "event", "data", "id"});
    if (!event) continue;
    load.events.Lock()->insert(*event);
    ++load.acknowledged;
  }
}

class Receivers {
 public:
  Receivers() { Hang(); }
  void Hang() { slow.SetDefault(Misbehave(Behaviour::Kind::kHangBeforeAnswer)); }
  void Recover() {
    slow.SetDefault(Respond(204));
    slow.Release();
  }
  // Delivery ids by event, as seen on the wire.
  std::map<std::string, std::set<std::string>> Seen() const {
    std::map<std::string, std::set<std::string>> seen;
    for (const FakeEndpoint* endpoint : {&prompt, &slow}) {
      for (const auto& request : endpoint->Requests()) {
        const auto body = base::ParseJson(request.body);
        if (body) seen[base::StringAt(*body, {"event_id"}).value_or("")].insert(*request.Header("webhook-id"));
      }
    }
    return seen;
  }
  FakeEndpoint prompt, slow{"127.0.0.2"};
};

std::vector<std::string> PrepareRuns(ApiCaller& api, const std::string& workspace) {
  std::vector<std::string> runs;
  for (int n = 0; n < kRunsPerRound; ++n) {
    runs.push_back(api.Create("runs", {{"source", "cli"}, {"is-dry", true}}, {{"workspace", workspace}}));
    api.Expect(201, "POST", "/runs/" + runs.back() + "/status-transitions", Moving("planning"));
  }
  return runs;
}

TEST(Crash, NothingAcknowledgedIsEverLost) {
  TempDirectory directory;
  ServerProgram server(directory / "data");
  Receivers receivers;
  std::string workspace;
  std::mt19937 random(20'201'125);
  std::set<std::string> acknowledged;
  int rounds_with_undelivered_work = 0;

  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(server.Start());
    ApiCaller api = server.Api();
    if (workspace.empty()) {
      const std::string environment = api.Create("environments", {{"name", "production"}});
      workspace = api.Create("workspaces", {{"name", "network"}}, {{"environment", environment}});
      for (const auto& [name, url] : {std::pair("prompt", receivers.prompt.Url()), {"slow", receivers.slow.Url()}}) {
        const std::string endpoint = api.Create("endpoints", {{"name", name}, {"url", url}, {"max-attempts", 1000}},
                                                {{"environment", environment}});
        const std::string body = R"({"data":{"type":"webhooks","attributes":{"name":")" + std::string(name) +
                                 R"("},"relationships":{"endpoint":{"data":{"type":"endpoints","id":")" + endpoint +
                                 R"("}},"environment":{"data":{"type":"environments","id":")" + environment +
                                 R"("}},"events":{"data":[{"type":"event-definitions","id":"run:completed"}]}}}})";
        api.Expect(201, "POST", "/webhooks", body);
      }
    }
    Load load;
    load.runs = PrepareRuns(api, workspace);
    const int kill_after = 1 + static_cast<int>(random() % (kRunsPerRound - kThreads - 1));
    std::vector<std::thread> threads;
    for (int n = 0; n < kThreads; ++n) threads.emplace_back([&] { Report(server, load); });
    while (load.acknowledged < kill_after) std::this_thread::yield();
    server.Kill();
    for (auto& thread : threads) thread.join();

    const auto events = *load.events.Lock();
    acknowledged.insert(events.begin(), events.end());
    const auto seen = receivers.Seen();
    size_t unseen = 0;
    for (const auto& event : events) {
      const auto found = seen.find(event);
      unseen += 2 - (found == seen.end() ? 0 : found->second.size());
    }
    if (unseen > 0) ++rounds_with_undelivered_work;
    receivers.slow.CloseAll();
  }
  EXPECT_GT(rounds_with_undelivered_work, kRounds / 2) << "the kills came too late to prove anything";

  receivers.Recover();
  ASSERT_NO_FATAL_FAILURE(server.Start());
  ApiCaller api = server.Api();
  std::map<std::string, std::set<std::string>> ids;  // of deliveries, by event
  size_t pending = 1;
  for (int look = 0; look < 2000 && pending > 0; ++look) {
    pending = static_cast<size_t>(
        *base::IntAt(api.Expect(200, "GET", "/integrations/webhook-deliveries?filter[status]=pending&page[size]=1"),
                     {"meta", "pagination", "total-count"}));
    if (pending > 0) api.Call("GET", "/changes?wait=1&after=999999999");
  }
  EXPECT_EQ(pending, 0u);
  for (int page = 1;; ++page) {
    const auto list =
        api.Expect(200, "GET", "/integrations/webhook-deliveries?page[size]=100&page[number]=" + std::to_string(page));
    for (const auto& item : list.at("data").as_array()) {
      EXPECT_EQ(base::StringAt(item, {"attributes", "status"}), "completed") << base::FormatJson(item);
      const auto body = base::StringAt(item, {"attributes", "request-body-raw"});
      ASSERT_TRUE(body) << base::FormatJson(item);
      ids[*base::StringAt(*base::ParseJson(*body), {"event_id"})].insert(*base::StringAt(item, {"id"}));
    }
    if (list.at("data").as_array().empty()) break;
  }
  const auto seen = receivers.Seen();
  for (const auto& event : acknowledged) {
    EXPECT_EQ(ids[event].size(), 2u) << event << " has lost a delivery";
    ASSERT_TRUE(seen.count(event)) << event << " never arrived";
    EXPECT_EQ(seen.at(event), ids[event]) << event << " was sent under another id";
  }
  EXPECT_EQ(server.Stop(), 0) << server.program().err();
  std::printf("%zu events acknowledged in %d rounds, %d of which left undelivered work\n", acknowledged.size(), kRounds,
              rounds_with_undelivered_work);
}

}  // namespace
}  // namespace testing_support
