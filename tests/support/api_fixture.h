// The API over a real store in a directory of its own and a real server on port 0, without a dispatcher, at a time that
// stands still. Requests are rows.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "serve/serve.h"
#include "support/http.h"
#include "support/manual_clock.h"

namespace testing_support {

struct ApiRow {
  std::string what;  // names the row in failures
  std::string method;
  std::string path;  // below /api/iacp/v3, or from the root with a leading '//'
  std::string body = {};
  int status = 0;
  std::vector<std::string> has = {}, lacks = {};
  std::string token = "admin";  // by name; "none": no Authorization
};

class ApiFixture : public testing::Test {
 public:
  ApiFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "runbell-serve-XXXXXX").string();
    directory = mkdtemp(pattern.data());
    store::Options options;
    options.directory = directory + "/data";
    options.account_id = "acc-v0aaaaaaaaaaa01";
    options.account_name = "main";
    auto opened = store::Store::Open(options, clock, *random);
    EXPECT_TRUE(opened) << opened.error().Text();
    store = std::move(*opened);
    store->SetExternalUrl("https://bell.example");
    store->Listen([this](const store::Committed& committed) {
      auto access = told.Lock();
      if (*access) (*access)->Notice(committed);
    });
    serve::Options api_options;
    api_options.version = "1.2.3";
    api_options.external_url = "https://bell.example";
    api = std::make_unique<serve::Api>(*store, nullptr, clock, api_options);
    *told.Lock() = api.get();
    io = std::make_unique<net::IoThread>("test", clock);
    net::ServerOptions server_options;
    serve::Configure(server_options);
    server_options.admit = [this](const net::Request& head) { return api->Admit(head); };
    auto listening =
        net::Server::Listen(*io, clock, server_options, [this](net::Request request, net::Responder responder) {
          api->Handle(std::move(request), std::move(responder));
        });
    EXPECT_TRUE(listening);
    server = std::move(*listening);
    AddToken("admin", {{base::Scope::kAdmin, {}}});
  }

  ~ApiFixture() override {
    connection.reset();
    server.reset();
    *told.Lock() = nullptr;
    api.reset();
    io.reset();
    store.reset();
    std::filesystem::remove_all(directory);
  }

  void AddToken(const std::string& name, std::vector<base::Grant> grants) {
    store::Token token;
    token.name = name;
    token.grants = std::move(grants);
    auto made = store->Create<store::Token>(base::Principal::System(), std::move(token));
    ASSERT_TRUE(made) << made.error().Text();
    tokens[name] = made->text.Reveal();
  }

  // {name} stands for the id of that name.
  std::string Fill(std::string text) const {
    for (const auto& [name, id] : ids) {
      std::string hole = "{" + name + "}";
      for (size_t at = text.find(hole); at != std::string::npos; at = text.find(hole))
        text.replace(at, hole.size(), id);
    }
    return text;
  }

  HttpResponse Send(const std::string& method, const std::string& path, const std::string& body = "",
                    const std::string& token = "admin") {
    if (!connection) connection = std::make_unique<HttpConnection>(server->port());
    return SendOn(*connection, method, path, body, token);
  }
  HttpResponse SendOn(HttpConnection& on, const std::string& method, const std::string& path,
                      const std::string& body = "", const std::string& token = "admin") {
    std::string headers;
    if (token != "none") headers = "Authorization: Bearer " + (tokens.count(token) ? tokens[token] : token) + "\r\n";
    if (!body.empty()) headers += "Content-Type: application/vnd.api+json\r\n";
    std::string target = path.starts_with("//") ? path.substr(1) : "/api/iacp/v3" + path;
    return on.Send(method, Fill(target), headers, Fill(body));
  }

  void Check(const std::vector<ApiRow>& rows) {
    for (const auto& row : rows) {
      SCOPED_TRACE(row.what.empty() ? row.method + " " + row.path : row.what);
      auto response = Send(row.method, row.path, row.body, row.token);
      EXPECT_EQ(response.status, row.status) << response.body;
      for (const auto& text : row.has)
        EXPECT_NE(response.body.find(Fill(text)), std::string::npos) << text << "\n" << response.body;
      for (const auto& text : row.lacks)
        EXPECT_EQ(response.body.find(Fill(text)), std::string::npos) << text << "\n" << response.body;
    }
  }

  // A document of a resource; `relationships` are "name:type:id", or "name:type" for none.
  static std::string Doc(const std::string& type, const std::string& attributes,
                         const std::vector<std::string>& relationships = {}, const std::string& id = "") {
    std::string links;
    for (const auto& one : relationships) {
      size_t a = one.find(':');
      size_t b = one.find(':', a + 1);
      std::string kind = one.substr(a + 1, b == std::string::npos ? b : b - a - 1);
      std::string data =
          b == std::string::npos ? "null" : R"({"type":")" + kind + R"(","id":")" + one.substr(b + 1) + R"("})";
      links += (links.empty() ? "\"" : ",\"") + one.substr(0, a) + R"(":{"data":)" + data + "}";
    }
    return R"({"data":{"type":")" + type + "\"" + (id.empty() ? "" : R"(,"id":")" + id + "\"") + R"(,"attributes":)" +
           attributes + R"(,"relationships":{)" + links + "}}}";
  }

  std::string Create(const std::string& name, const std::string& path, const std::string& document) {
    auto response = Send("POST", path, document);
    EXPECT_EQ(response.status, 201) << response.body;
    auto id = base::StringAt(response.json(), {"data", "id"}).value_or("");
    ids[name] = id;
    return id;
  }

  // env (with workspaces ws and ws2), env2 (with ws3); endpoint ep and webhook wh in env.
  void MakePlaces() {
    Create("env", "/environments", Doc("environments", R"({"name":"production"})"));
    Create("env2", "/environments", Doc("environments", R"({"name":"staging"})"));
    Create("ws", "/workspaces", Doc("workspaces", R"({"name":"network"})", {"environment:environments:{env}"}));
    Create("ws2", "/workspaces", Doc("workspaces", R"({"name":"storage"})", {"environment:environments:{env}"}));
    Create("ws3", "/workspaces", Doc("workspaces", R"({"name":"network"})", {"environment:environments:{env2}"}));
    Create("ep", "/endpoints",
           Doc("endpoints", R"({"name":"chat","url":"https://chat.example/hook","secret-key":"auphee1ieshaeQu8"})",
               {"environment:environments:{env}"}));
    Create("wh", "/webhooks",
           R"({"data":{"type":"webhooks","attributes":{"name":"all"},"relationships":{)"
           R"("endpoint":{"data":{"type":"endpoints","id":"{ep}"}},)"
           R"("environment":{"data":{"type":"environments","id":"{env}"}},)"
           R"("events":{"data":[{"type":"event-definitions","id":"run:completed"},)"
           R"({"type":"event-definitions","id":"run:needs_attention"}]}}}})");
  }

  std::string CreateRun(const std::string& name, const std::string& workspace = "{ws}") {
    return Create(
        name, "/runs",
        Doc("runs", R"({"source":"cli","message":"Updated instance\n"})", {"workspace:workspaces:" + workspace}));
  }

  HttpResponse Report(const std::string& run, const std::string& attributes, const std::string& token = "admin") {
    return Send("POST", "/runs/{" + run + "}/status-transitions", Doc("status-transitions", attributes), token);
  }
  // Through planning to the end without changes: rings run:completed.
  void Finish(const std::string& run) {
    EXPECT_EQ(Report(run, R"({"status":"planning"})").status, 201);
    EXPECT_EQ(Report(run, R"({"status":"planned_and_finished","has-changes":false})").status, 201);
  }

  ManualClock clock;
  std::unique_ptr<base::Random> random = base::MakeSeededRandom(1);
  std::string directory;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<serve::Api> api;
  base::Guarded<serve::Api*> told;  // whom the store's listener tells; null once it goes
  std::unique_ptr<net::IoThread> io;
  std::unique_ptr<net::Server> server;
  std::unique_ptr<HttpConnection> connection;
  std::map<std::string, std::string> ids, tokens;
};

}  // namespace testing_support
