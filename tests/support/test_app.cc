#include "support/test_app.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/guarded.h"
#include "support/http.h"

namespace testing_support {

namespace json = base::json;
using base::Principal;

namespace {

constexpr std::string_view kApi = "/api/iacp/v3";
constexpr std::chrono::seconds kPatience(60);

json::object Related(std::string_view type, std::string_view id) {
  return {{"data", json::object{{"type", type}, {"id", id}}}};
}

void Override(json::object& attributes, const json::object& with) {
  for (const auto& [key, value] : with) attributes[key] = value;
}

template <class T>
T MustParse(const std::string& id) {
  auto parsed = base::Parse<T>(id);
  EXPECT_TRUE(parsed.has_value()) << "not an id: " << id;
  return parsed.value_or(T{});
}

}  // namespace

std::string Reply::At(std::initializer_list<std::string_view> path) const {
  return base::StringAt(body, path).value_or("");
}

struct TestApp::Commits {
  struct State {
    uint64_t count = 0;
    bool out_of_patience = false;
  };
  base::Guarded<State> state;

  void Count() {
    state.Lock()->count++;
    state.NotifyAll();
  }
  void LosePatience() {
    state.Lock()->out_of_patience = true;
    state.NotifyAll();
  }
};

TestApp::TestApp(TestAppOptions options)
    : options_(std::move(options)),
      random_(base::MakeSeededRandom(options_.seed)),
      directory_(options_.directory),
      commits_(std::make_shared<Commits>()) {
  if (directory_.empty()) {
    std::string pattern = testing::TempDir() + "runbell-XXXXXX";
    const char* made = mkdtemp(pattern.data());
    EXPECT_NE(made, nullptr) << pattern;
    directory_ = pattern;
    own_directory_ = true;
  }
  auto started = Start();
  EXPECT_TRUE(started.has_value()) << started.error().Text();
  if (started) admin_token_ = CreateToken({{base::Scope::kAdmin, {}}}, "admin");
}

TestApp::~TestApp() {
  app_.reset();
  if (own_directory_) std::filesystem::remove_all(directory_);
}

base::Status TestApp::Start() {
  app::Settings settings = app::DefaultSettings();
  settings.listen = "127.0.0.1:0";
  settings.store.directory = directory_;
  settings.egress_allow = options_.egress_allow;
  if (options_.adjust) options_.adjust(settings);
  app::Deps deps;
  deps.resolver = options_.resolver;
  deps.vfs = options_.vfs;
  deps.on_commit = [commits = commits_](const store::Committed&) { commits->Count(); };
  RB_ASSIGN(app_, app::App::Open(std::move(settings), clock_, *random_, std::move(deps)));
  return {};
}

void TestApp::Stop(base::Micros limit) {
  if (limit > base::Micros(0)) app_->Stop(limit);
  app_.reset();
}

void TestApp::Restart() {
  Stop();
  auto started = Start();
  ASSERT_TRUE(started.has_value()) << started.error().Text();
}

Reply TestApp::HttpText(std::string_view method, std::string_view path, std::string_view body,
                        const std::string& token) {
  std::string headers;
  if (!body.empty()) headers += "Content-Type: application/vnd.api+json\r\n";
  if (token != "none") headers += "Authorization: Bearer " + (token.empty() ? admin_token_ : token) + "\r\n";
  bool from_root = path == "/healthz" || path == "/readyz" || path == "/metrics";
  std::string target = from_root ? std::string(path) : std::string(kApi) + std::string(path);
  HttpResponse response = HttpConnection(port()).Send(method, target, headers, body);
  return {response.status, response.head, response.body, response.json()};
}

Reply TestApp::Http(std::string_view method, std::string_view path, const json::value& body, const std::string& token) {
  return HttpText(method, path, body.is_null() ? "" : base::FormatJson(body), token);
}

std::string TestApp::Create(std::string_view type, json::object attributes, json::object relationships) {
  json::object data{{"type", type}, {"attributes", std::move(attributes)}, {"relationships", std::move(relationships)}};
  Reply reply = Http("POST", "/" + std::string(type), json::object{{"data", std::move(data)}});
  EXPECT_EQ(reply.status, 201) << "creating " << type << ": " << reply.text;
  return reply.At({"data", "id"});
}

std::string TestApp::CreateEnvironment(const std::string& name) {
  return Create("environments", {{"name", name}}, {{"account", Related("accounts", store().account().id)}});
}

std::string TestApp::CreateWorkspace(const std::string& environment, const std::string& name, json::object attributes) {
  json::object all{{"name", name}};
  Override(all, attributes);
  return Create("workspaces", std::move(all), {{"environment", Related("environments", environment)}});
}

std::string TestApp::CreateEndpoint(const std::string& environment, const std::string& url, json::object attributes) {
  json::object all{{"name", "endpoint-" + std::to_string(random_->Next() % 1'000'000'000)}, {"url", url}};
  Override(all, attributes);
  return Create("endpoints", std::move(all), {{"environment", Related("environments", environment)}});
}

std::string TestApp::CreateWebhook(const std::string& scope, const std::string& endpoint,
                                   const std::vector<std::string>& events, json::object attributes) {
  json::object all{{"name", "webhook-" + std::to_string(random_->Next() % 1'000'000'000)}};
  Override(all, attributes);
  json::array definitions;
  for (const std::string& event : events)
    definitions.push_back(json::object{{"type", "event-definitions"}, {"id", event}});
  if (events.empty()) {
    for (run::EventKind kind : run::kAllEvents) {
      definitions.push_back(json::object{{"type", "event-definitions"}, {"id", run::Name(kind)}});
    }
  }
  bool in_workspace = scope.starts_with("ws-");
  json::object relationships{{"endpoint", Related("endpoints", endpoint)},
                             {"events", json::object{{"data", std::move(definitions)}}}};
  if (in_workspace) {
    relationships["workspace"] = Related("workspaces", scope);
  } else {
    relationships["environment"] = Related("environments", scope);
  }
  return Create("webhooks", std::move(all), std::move(relationships));
}

std::string TestApp::CreateRun(const std::string& workspace, json::object attributes) {
  json::object all{{"source", "cli"}};
  Override(all, attributes);
  return Create("runs", std::move(all), {{"workspace", Related("workspaces", workspace)}});
}

std::string TestApp::CreateToken(const std::vector<base::Grant>& grants, const std::string& name) {
  store::Token token;
  token.name = name;
  token.grants = grants;
  auto created = store().Create<store::Token>(Principal::System(), std::move(token));
  EXPECT_TRUE(created.has_value()) << created.error().Text();
  return created ? created->text.Reveal() : "";
}

Reply TestApp::TryTransition(const std::string& run, const std::string& status, json::object attributes,
                             const std::string& token) {
  json::object all{{"status", status}};
  Override(all, attributes);
  json::object data{{"type", "status-transitions"}, {"attributes", std::move(all)}};
  return Http("POST", "/runs/" + run + "/status-transitions", json::object{{"data", std::move(data)}}, token);
}

Reply TestApp::Transition(const std::string& run, const std::string& status, json::object attributes) {
  Reply reply = TryTransition(run, status, std::move(attributes));
  EXPECT_TRUE(reply.status >= 200 && reply.status < 300) << run << " to " << status << ": " << reply.text;
  return reply;
}

void TestApp::Apply(const std::string& run) {
  Transition(run, "planning");
  Transition(run, "planned", {{"has-changes", true}});
  Reply reply = Http("GET", "/runs/" + run);
  const json::value* automatic = base::At(reply.body, {"data", "attributes", "auto-apply"});
  if (automatic == nullptr || *automatic != json::value(true)) {
    reply = Http("POST", "/runs/" + run + "/actions/apply");
    EXPECT_EQ(reply.status, 202) << reply.text;
  }
  Transition(run, "applying");
  Transition(run, "applied");
}

std::vector<store::Delivery> TestApp::Deliveries(const std::string& run) {
  store::Query query;
  query.size = 100;
  if (!run.empty()) query.filters.push_back({"run", {run}, false});
  auto page = store().List<store::Delivery>(Principal::System(), query);
  EXPECT_TRUE(page.has_value()) << page.error().Text();
  return page ? std::move(page->items) : std::vector<store::Delivery>();
}

store::Delivery TestApp::Delivery(const std::string& id) {
  auto delivery = store().Get<store::Delivery>(Principal::System(), MustParse<base::DeliveryId>(id));
  EXPECT_TRUE(delivery.has_value()) << delivery.error().Text();
  return delivery ? std::move(*delivery) : store::Delivery();
}

std::vector<store::Attempt> TestApp::Attempts(const std::string& id) {
  auto attempts = store().Attempts(Principal::System(), MustParse<base::DeliveryId>(id));
  EXPECT_TRUE(attempts.has_value()) << attempts.error().Text();
  return attempts ? std::move(*attempts) : std::vector<store::Attempt>();
}

store::Delivery TestApp::WaitForDelivery(const std::string& id, store::DeliveryStatus status) {
  store::Delivery delivery;
  bool reached = WaitUntil([&] { return (delivery = Delivery(id)).status == status; });
  EXPECT_TRUE(reached) << id << " is still " << store::Name(delivery.status);
  return delivery;
}

store::Delivery TestApp::WaitForAttempts(const std::string& id, int attempts) {
  store::Delivery delivery;
  bool reached = WaitUntil([&] { return (delivery = Delivery(id)).attempts >= attempts; });
  EXPECT_TRUE(reached) << id << " has made " << delivery.attempts << " attempts";
  return delivery;
}

bool TestApp::WaitForAllDelivered() {
  return WaitUntil([&] {
    auto totals = store().CountAll();
    return totals && totals->waiting == 0;
  });
}

bool TestApp::WaitUntil(const std::function<bool()>& holds) {
  auto real_clock = base::MakeRealClock();
  auto patience = real_clock->CallAt(real_clock->Mono() + kPatience, [commits = commits_] { commits->LosePatience(); });
  bool held = false;
  while (true) {
    uint64_t seen = commits_->state.Lock()->count;
    if ((held = holds())) break;
    auto state = commits_->state.Lock();
    state.Wait([&] { return state->count != seen || state->out_of_patience; });
    if (state->out_of_patience) break;
  }
  real_clock->Cancel(patience);
  return held;
}

}  // namespace testing_support
