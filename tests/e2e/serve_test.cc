// The server as a process: start, refusal, shutdown, and what it lets be seen.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "base/hex.h"
#include "e2e/server_program.h"
#include "support/fake_endpoint.h"
#include "support/secret_scan.h"

namespace testing_support {
namespace {

TEST(Serve, SaysWhereItListensAndEndsCleanlyOnSigterm) {
  TempDirectory directory;
  ServerProgram server(directory / "data");
  ASSERT_NO_FATAL_FAILURE(server.Start());
  HttpConnection connection(server.port());
  EXPECT_EQ(connection.Send("GET", "/healthz").status, 200);
  EXPECT_EQ(connection.Send("GET", "/readyz").status, 200);
  EXPECT_NE(connection.Send("GET", "/metrics").body.find("runbell_"), std::string::npos);
  EXPECT_EQ(server.Stop(), 0) << server.program().err();
}

TEST(Serve, ASecondServerOnTheSameDirectoryRefusesAndSaysSo) {
  TempDirectory directory;
  ServerProgram server(directory / "data");
  ASSERT_NO_FATAL_FAILURE(server.Start());
  const Ended second = RunProgram({RB_BINARY, "serve", "--listen", "127.0.0.1:0", "--data", server.data()});
  EXPECT_NE(second.code, 0);
  EXPECT_NE(second.err.find(server.data()), std::string::npos) << second.err;
  const Ended token =
      RunProgram({RB_BINARY, "token", "create", "--data", server.data(), "--name", "n", "--scope", "read"});
  EXPECT_NE(token.code, 0);
  EXPECT_NE(token.err.find("--server"), std::string::npos) << token.err;
}

TEST(Serve, ASecondSignalEndsItAtOnce) {
  TempDirectory directory;
  ServerProgram server(directory / "data");
  FakeEndpoint receiver;
  receiver.SetDefault(Misbehave(Behaviour::Kind::kHangBeforeAnswer));
  ASSERT_NO_FATAL_FAILURE(server.Start());
  ApiCaller api = server.Api();
  const std::string environment = api.Create("environments", {{"name", "e"}});
  const std::string workspace = api.Create("workspaces", {{"name", "w"}}, {{"environment", environment}});
  const std::string endpoint =
      api.Create("endpoints", {{"name", "p"}, {"url", receiver.Url()}}, {{"environment", environment}});
  api.Expect(201, "POST", "/webhooks",
             R"({"data":{"type":"webhooks","attributes":{"name":"h"},"relationships":{"endpoint":{"data":{"type":)"
             R"("endpoints","id":")" +
                 endpoint + R"("}},"environment":{"data":{"type":"environments","id":")" + environment +
                 R"("}},"events":{"data":[{"type":"event-definitions","id":"run:errored"}]}}}})");
  const std::string run = api.Create("runs", {{"source", "cli"}}, {{"workspace", workspace}});
  api.Expect(201, "POST", "/runs/" + run + "/status-transitions",
             R"({"data":{"type":"status-transitions","attributes":{"status":"errored"}}})");
  receiver.WaitForRequests(1);
  server.program().Send(SIGTERM);
  EXPECT_FALSE(server.program().WaitForErrorLine("stopping").empty());
  server.program().Send(SIGTERM);
  EXPECT_NE(server.program().Wait(), 0);
}

TEST(Serve, EveryUnknownKeyAndBadValueIsListedWithItsLine) {
  TempDirectory directory;
  std::ofstream(directory / "runbell.toml") << "[server]\nlisten = \"nowhere\"\nlisen = 1\n\n[deliver]\nper_host = 0\n";
  const Ended checked = RunProgram({RB_BINARY, "check-config", "--config", directory / "runbell.toml"});
  EXPECT_EQ(checked.code, 2);
  const std::string said = checked.out + checked.err;
  for (const std::string place : {"runbell.toml:2", "runbell.toml:3", "runbell.toml:6"}) {
    EXPECT_NE(said.find(place), std::string::npos) << said;
  }
}

// Every byte that leaves the server, and every byte it leaves behind, but for the one answer that may hold the secret.
TEST(Serve, NoSecretIsSentLoggedOrStoredInAnyForm) {
  TempDirectory directory;
  ServerProgram server(directory / "data");
  FakeEndpoint receiver;
  ASSERT_NO_FATAL_FAILURE(server.Start({"--log-level", "debug"}));
  ApiCaller api = server.Api();
  const std::string secret = "Tr0ub4dor\"and/3+secret", header_secret = "header\\value-to-hide-0123";
  const std::string environment = api.Create("environments", {{"name", "production"}});
  const std::string workspace = api.Create("workspaces", {{"name", "network"}}, {{"environment", environment}});
  base::json::array headers;
  headers.push_back(base::json::object{{"name", "X-Team"}, {"value", header_secret}, {"sensitive", true}});
  const std::string endpoint =
      api.Create("endpoints", {{"name", "p"}, {"url", receiver.Url()}, {"secret-key", secret}, {"headers", headers}},
                 {{"environment", environment}});
  api.Expect(201, "POST", "/webhooks",
             R"({"data":{"type":"webhooks","attributes":{"name":"h"},"relationships":{"endpoint":{"data":{"type":)"
             R"("endpoints","id":")" +
                 endpoint + R"("}},"environment":{"data":{"type":"environments","id":")" + environment +
                 R"("}},"events":{"data":[{"type":"event-definitions","id":"run:errored"}]}}}})");
  const std::string reader =
      base::StringAt(api.Expect(201, "POST", "/access-tokens",
                                R"({"data":{"type":"access-tokens","attributes":{"name":"reader","grants":)"
                                R"([{"scope":"read"}]}}})"),
                     {"data", "attributes", "token"})
          .value_or("");
  receiver.Then(Respond(500));
  for (int n = 0; n < 2; ++n) {
    const std::string run = api.Create("runs", {{"source", "cli"}}, {{"workspace", workspace}});
    api.Expect(201, "POST", "/runs/" + run + "/status-transitions",
               R"({"data":{"type":"status-transitions","attributes":{"status":"errored"}}})");
    receiver.WaitForRequests(static_cast<size_t>(n) + 1);
  }
  std::string seen;
  ApiCaller read(server.port(), reader);
  for (const std::string& path :
       std::vector<std::string>{"/endpoints", "/endpoints/" + endpoint, "/webhooks", "/changes",
                                "/integrations/webhook-deliveries", "/access-tokens", "/runs"}) {
    seen += read.Call("GET", path).body;
  }
  const auto list = read.Expect(200, "GET", "/integrations/webhook-deliveries");
  for (const auto& item : list.at("data").as_array()) {
    const std::string id = *base::StringAt(item, {"id"});
    seen += read.Call("GET", "/integrations/webhook-deliveries/" + id).body;
    seen += read.Call("GET", "/integrations/webhook-deliveries/" + id + "/attempts").body;
  }
  seen += HttpConnection(server.port()).Send("GET", "/metrics").body;
  seen += api.Call("POST", "/endpoints", R"({"data":{"type":"endpoints","attributes":{"secret-key":7}}})").body;
  EXPECT_EQ(server.Stop(), 0);
  seen += server.program().out() + server.program().err();
  std::string wire;
  for (const auto& request : receiver.Requests()) {
    wire += request.body;
    EXPECT_EQ(request.Header("X-Team"), header_secret);
    std::string head = request.head;
    const size_t at = head.find(header_secret);
    ASSERT_NE(at, std::string::npos) << "the custom header is the one place for its value";
    wire += head.erase(at, header_secret.size());
  }
  std::string disk, key;
  for (const auto& file : std::filesystem::directory_iterator(server.data())) {
    std::ifstream in(file.path(), std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(in), {});
    (file.path().filename() == "secret.key" ? key : disk) += bytes;
  }
  ASSERT_TRUE(key.ends_with('\n'));
  key.pop_back();
  const std::string key_bytes = base::ParseHex(key).value_or("");
  ASSERT_EQ(key_bytes.size(), 32u);
  for (const std::string& hidden : {secret, header_secret, server.token(), reader, key, key_bytes}) {
    for (const auto& [where, bytes] : {std::pair("answers and logs", seen), {"wire", wire}, {"disk", disk}}) {
      EXPECT_FALSE(FindSecret(bytes, hidden)) << *FindSecret(bytes, hidden) << " form of a secret in " << where;
    }
  }
  EXPECT_TRUE(FindSecret(seen + "x" + secret, secret)) << "the scan finds a planted one";
  EXPECT_TRUE(FindSecret(seen + key, key_bytes)) << "and the key as its file holds it";
}

}  // namespace
}  // namespace testing_support
