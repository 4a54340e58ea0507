// The conventions: who may come in, documents, errors, lists, and what is beside the API.
#include "support/api_fixture.h"

namespace serve {
namespace {

class ApiTest : public testing_support::ApiFixture {
 protected:
  ApiTest() { MakePlaces(); }
};

TEST_F(ApiTest, AnswersWhoAndWhere) {
  Check({
      {"no token", "GET", "/environments", "", 401, {R"("status":"401")", R"("title":"Unauthorized")"}, {}, "none"},
      {"unknown token", "GET", "/environments", "", 401, {R"("errors")"}, {}, "rbt_nobody"},
      {"unknown path", "GET", "/nothing", "", 404, {R"("title":"Not Found")"}},
      {"trailing slash", "GET", "/environments/", "", 404},
      {"wrong method", "PUT", "/environments", "", 405, {"Allowed here: GET, HEAD, POST"}},
      {"wrong method on a thing", "POST", "/environments/{env}", "", 405, {"GET, HEAD, PATCH, DELETE"}},
      {"unknown id",
       "GET",
       "/runs/run-v00aaaaaaaaaa01",
       "",
       404,
       {R"("title":"Run with ID 'run-v00aaaaaaaaaa01' not found or user unauthorized.")"},
       {"detail", "source"}},
      {"not an id", "GET", "/webhooks/x", "", 404, {"Webhook with ID 'x' not found"}},
      {"another kind's id", "GET", "/webhooks/{env}", "", 404, {"Webhook with ID '{env}' not found"}},
      {"id with markup", "GET", "/runs/%3Cscript%3E", "", 404, {}, {"<script>"}},
      {"another account", "GET", "/accounts/acc-v0aaaaaaaaaaa99", "", 404, {"Account with ID"}},
      {"the account", "GET", "/accounts/acc-v0aaaaaaaaaaa01", "", 200, {R"("name":"main")", R"("allowed-ips":[])"}},
      {"ping", "GET", "/ping", "", 204, {}, {}, "none"},
      {"HEAD of what can be got", "HEAD", "//healthz", "", 200, {}, {"ok"}, "none"},
      {"HEAD of what cannot", "HEAD", "/runs/{env}/status-transitions", "", 405},
  });
}

TEST_F(ApiTest, HeadersSayWhatTheContractWants) {
  auto refused = Send("GET", "/environments", "", "none");
  EXPECT_NE(refused.head.find("WWW-Authenticate: Bearer"), std::string::npos) << refused.head;
  auto wrong = Send("PUT", "/environments");
  EXPECT_NE(wrong.head.find("Allow: GET, HEAD, POST"), std::string::npos) << wrong.head;
  auto read = Send("GET", "/environments/{env}");
  EXPECT_NE(read.head.find("application/vnd.api+json"), std::string::npos) << read.head;
  EXPECT_NE(read.head.find("X-Content-Type-Options: nosniff"), std::string::npos);
  EXPECT_EQ(read.head.find("Preference-Applied"), std::string::npos);
  auto preferred = connection->Send("GET", "/api/iacp/v3/ping", "Prefer: profile=preview\r\n");
  EXPECT_NE(preferred.head.find("Preference-Applied: profile=preview"), std::string::npos) << preferred.head;
}

TEST_F(ApiTest, WhatTheHttpServerRefusesIsAnErrorDocumentToo) {
  struct Row {
    const char* request;
    const char* status;
    const char* title;
  };
  for (const Row& row :
       {Row{"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", "400", "Bad Request"},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400", "Bad Request"},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n", "413", "Payload Too Large"},
        {"GET / HTTP/3.0\r\n\r\n", "505", "HTTP Version Not Supported"}}) {
    const std::string answer = testing_support::HttpConnection(server->port()).SendRaw(row.request);
    const std::string title = row.title;
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + row.status)) << answer;
    EXPECT_TRUE(
        answer.ends_with(std::string(R"({"errors":[{"status":")") + row.status + R"(","title":")" + title + "\"}]}"))
        << answer;
    EXPECT_NE(answer.find("Content-Type: application/vnd.api+json\r\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("X-Content-Type-Options: nosniff\r\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Cache-Control: no-store\r\n"), std::string::npos) << answer;
  }
}

TEST_F(ApiTest, RefusesWithoutTheBody) {
  const std::string post = "POST /api/iacp/v3/environments HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n";
  for (auto [head, status] : {std::pair{post, "401"},
                              {"POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n", "404"},
                              {"POST /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n", "405"}}) {
    const std::string answer = testing_support::HttpConnection(server->port()).SendRaw(head + "\r\n");
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + status)) << answer;
  }
}

TEST_F(ApiTest, WithoutATokenNothingIsTold) {
  Check({
      {"no such address", "GET", "/nothing", "", 401, {}, {}, "none"},
      {"no such method", "PUT", "/environments", "", 401, {}, {}, "rbt_nobody"},
      {"outside the API", "GET", "//nothing", "", 404, {}, {}, "none"},
  });
  if (!connection) connection = std::make_unique<testing_support::HttpConnection>(server->port());
  EXPECT_EQ(connection->Send("POST", "/api/iacp/v3/environments", "Content-Type: text/plain\r\n", "x").status, 401);
}

TEST_F(ApiTest, ANewResourceSaysWhereItIs) {
  const auto made = Send("POST", "/environments", Doc("environments", R"({"name":"new"})"));
  EXPECT_EQ(made.status, 201);
  EXPECT_NE(made.head.find("Location: https://bell.example/api/iacp/v3/environments/env-"), std::string::npos);
  Check({{"an id of its own",
          "POST",
          "/environments",
          Doc("environments", R"({"name":"newer"})", {}, "env-v00aaaaaaaaaa01"),
          403,
          {"ids are made by this server"}}});
}

TEST_F(ApiTest, PermissionsAreWhatIsPermitted) {
  using base::Grant;
  using base::Scope;
  const base::Place workspace{*base::Parse<base::EnvironmentId>(ids["env"]),
                              *base::Parse<base::WorkspaceId>(ids["ws"])};
  AddToken("of the environment", {Grant{Scope::kAdmin, {workspace.environment, {}}}});
  AddToken("of the workspace", {Grant{Scope::kWrite, workspace}});
  const auto change = [](const std::string& type, const std::string& path) {
    return Doc(type, "{}", {}, path.substr(path.rfind('/') + 1));
  };
  for (const std::string token : {"of the workspace", "of the environment", "admin"}) {
    for (const auto& [type, path] : {std::pair<std::string, std::string>{"webhooks", "/webhooks/{wh}"},
                                     {"workspaces", "/workspaces/{ws}"},
                                     {"environments", "/environments/{env}"}}) {
      SCOPED_TRACE(token + " " + path);
      const auto read = Send("GET", path, "", token).json();
      const auto may = [&read, &type = type](const std::string& action) {
        return base::BoolAt(read, {"data", "attributes", "permissions", type + ":" + action}).value_or(false);
      };
      EXPECT_EQ(Send("PATCH", path, change(type, path), token).status, may("update") ? 200 : 404);
      if (token == "admin" || may("delete")) continue;  // deleting is tried where it is refused
      EXPECT_EQ(Send("DELETE", path, "", token).status, 404);
    }
  }
}

TEST_F(ApiTest, MediaTypes) {
  auto post = [&](const std::string& type) {
    std::string headers = "Authorization: Bearer " + tokens["admin"] + "\r\n" + type;
    return connection->Send("POST", "/api/iacp/v3/environments", headers, Doc("environments", R"({"name":"x"})"))
        .status;
  };
  EXPECT_EQ(post("Content-Type: text/xml\r\n"), 415);
  EXPECT_EQ(post("Content-Type: application/x-www-form-urlencoded\r\n"), 415);
  EXPECT_EQ(post("Content-Type: application/json; charset=utf-8\r\n"), 201);
  EXPECT_EQ(post("Content-Type: application/vnd.api+json\r\n"), 422);  // the name is taken by now
  EXPECT_EQ(post("Content-Type: Application/Vnd.API+JSON\r\n"), 422);
}

TEST_F(ApiTest, MalformedDocuments) {
  std::string deep(5000, '[');
  Check({
      {"empty", "POST", "/environments", "", 422, {"Validation Error", "no body"}, {"source"}},
      {"no JSON", "POST", "/environments", "{\"data\":", 422, {"not valid JSON"}, {"source"}},
      {"two documents", "POST", "/environments", "{} {}", 422, {"not valid JSON"}},
      {"nesting bomb", "POST", "/environments", deep, 422, {"levels deep"}},
      {"nesting bomb inside",
       "POST",
       "/environments",
       R"({"data":{"type":"environments","attributes":{"name":)" + deep,
       422,
       {"levels deep"}},
      {"bad UTF-8", "POST", "/environments", Doc("environments", "{\"name\":\"\xff\xfe\"}"), 422, {"not valid JSON"}},
      {"array", "POST", "/environments", "[]", 422, {"no member 'data'"}},
      {"data is a list", "POST", "/environments", R"({"data":[]})", 422, {"must be an object"}},
      {"data is null", "POST", "/environments", R"({"data":null})", 422, {"must be an object"}},
      {"no type",
       "POST",
       "/environments",
       R"({"data":{"attributes":{"name":"x"}}})",
       422,
       {"'type' must be 'environments'"}},
      {"wrong type",
       "POST",
       "/environments",
       Doc("workspaces", R"({"name":"x"})"),
       422,
       {"Validation Error", "environments"},
       {"source"}},
      {"attributes is a text",
       "POST",
       "/environments",
       Doc("environments", R"("x")"),
       422,
       {"'attributes' must be an object"}},
      {"wrong id",
       "PATCH",
       "/environments/{env}",
       Doc("environments", R"({"name":"x"})", {}, "{env2}"),
       422,
       {"Validation Error"},
       {"source"}},
      {"relationship is a number",
       "POST",
       "/workspaces",
       R"({"data":{"type":"workspaces","attributes":{"name":"x"},"relationships":{"environment":7}}})",
       422,
       {"Invalid Relationship", "/data/relationships/environment"}},
      {"relationship without id",
       "POST",
       "/workspaces",
       R"({"data":{"type":"workspaces","attributes":{"name":"x"},"relationships":{"environment":{"data":{}}}}})",
       422,
       {"/data/relationships/environment"}},
      {"relationship of another type",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"x"})", {"environment:endpoints:{ep}"}),
       422,
       {"the type must be 'environments'"}},
  });
}

TEST_F(ApiTest, WrongAttributesAreNamed) {
  std::string long_name(256, 'n');
  Check({
      {"missing name",
       "POST",
       "/environments",
       Doc("environments", "{}"),
       422,
       {R"("title":"Invalid Attribute")", "name is required", R"("pointer":"/data/attributes/name")"}},
      {"null name", "POST", "/environments", Doc("environments", R"({"name":null})"), 422, {"must be a string"}},
      {"number", "POST", "/environments", Doc("environments", R"({"name":7})"), 422, {"must be a string"}},
      {"empty", "POST", "/environments", Doc("environments", R"({"name":""})"), 422, {"must not be blank"}},
      {"blank", "POST", "/environments", Doc("environments", R"({"name":"   "})"), 422, {"must not be blank"}},
      {"control", "POST", "/environments", Doc("environments", R"({"name":"a\nb"})"), 422, {"control characters"}},
      {"NUL", "POST", "/environments", Doc("environments", R"({"name":"a\u0000b"})"), 422, {"NUL"}},
      {"long",
       "POST",
       "/environments",
       Doc("environments", R"({"name":")" + long_name + R"("})"),
       422,
       {"at most 255"}},
      {"unknown",
       "POST",
       "/environments",
       Doc("environments", R"({"name":"x","colour":"red"})"),
       422,
       {"unknown attribute 'colour'", "/data/attributes/colour"}},
      {"taken",
       "POST",
       "/environments",
       Doc("environments", R"({"name":"production"})"),
       422,
       {"/data/attributes/name"}},
      {"taken by a change",
       "PATCH",
       "/environments/{env2}",
       Doc("environments", R"({"name":"production"})"),
       422,
       {"/data/attributes/name"}},
      {"kept one of a wrong type",
       "POST",
       "/environments",
       Doc("environments", R"({"name":"x","remote-backend":"yes"})"),
       422,
       {"/data/attributes/remote-backend", "true or false"}},
      {"workspace name",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"a b"})", {"environment:environments:{env}"}),
       422,
       {"letters, digits"}},
      {"workspace taken",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"network"})", {"environment:environments:{env}"}),
       422,
       {"/data/attributes/name"}},
      {"not a choice",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"x","execution-mode":"sideways"})", {"environment:environments:{env}"}),
       422,
       {"one of remote, local"}},
      {"attempts too few",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"max-attempts":0})"),
       422,
       {"between 1 and 1000"}},
      {"attempts too many",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"max-attempts":1001})"),
       422,
       {"between 1 and 1000"}},
      {"attempts beyond 64 bits",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"max-attempts":18446744073709551615})"),
       422,
       {"between 1 and 1000"}},
      {"attempts as a fraction",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"max-attempts":3.5})"),
       422,
       {"integer"}},
      {"negative timeout", "PATCH", "/endpoints/{ep}", Doc("endpoints", R"({"timeout":-1})"), 422, {"between 0 and"}},
      {"not a url",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"url":"ftp://x"})"),
       422,
       {"/data/attributes/url"}},
      {"url too long",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"url":"https://x/)" + std::string(2048, 'x') + R"("})"),
       422,
       {"2048"}},
      {"empty secret",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"secret-key":""})"),
       422,
       {"must not be empty"}},
      {"secret too long",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"secret-key":")" + std::string(1025, 'S') + R"("})"),
       422,
       {"1024"},
       {"SSSS"}},
      {"our own header",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"headers":[{"name":"X-A","value":"1"},{"name":"X-Signature","value":"1"}]})"),
       422,
       {"/data/attributes/headers/1"}},
      {"header injection",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"headers":[{"name":"X-A","value":"1\r\nB: 2"}]})"),
       422,
       {"/data/attributes/headers/0"}},
      {"header twice",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"headers":[{"name":"X-A","value":"1"},{"name":"x-a","value":"2"}]})"),
       422,
       {"twice"}},
      {"headers as an object",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"headers":{"a":"b"}})"),
       422,
       {"a list"}},
      {"message too long",
       "POST",
       "/runs",
       Doc("runs", R"({"source":"cli","message":")" + std::string(513, 'm') + R"("})", {"workspace:workspaces:{ws}"}),
       422,
       {"512"}},
      {"description too long",
       "POST",
       "/access-tokens",
       Doc("access-tokens", R"({"description":")" + std::string(256, 'd') + R"("})"),
       422,
       {"255"}},
  });
}

TEST_F(ApiTest, WrongRelationshipsAreNamed) {
  Check({
      {"missing",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"x"})"),
       422,
       {"Invalid Relationship", "environment is required", R"("pointer":"/data/relationships/environment")"}},
      {"null",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"x"})", {"environment:environments"}),
       422,
       {"is required"}},
      {"unknown",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"x"})", {"environment:environments:{env}", "owner:users:user-v00aaaaaaaaaa01"}),
       422,
       {"unknown relationship 'owner'", "/data/relationships/owner"}},
      {"not there",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"x"})", {"environment:environments:env-v00aaaaaaaaaa01"}),
       404,
       {R"("title":"Environment with ID 'env-v00aaaaaaaaaa01' not found or user unauthorized.")"},
       {"source"}},
      {"malformed id",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"x"})", {"environment:environments:no"}),
       404,
       {"Environment with ID 'no' not found"}},
      {"documented, but nothing here",
       "POST",
       "/workspaces",
       Doc("workspaces", R"({"name":"x"})", {"environment:environments:{env}", "agent-pool:agent-pools:apool-1"}),
       422,
       {"/data/relationships/agent-pool"}},
      {"documented and null", "POST", "/workspaces",
       Doc("workspaces", R"({"name":"null-pool"})", {"environment:environments:{env}", "agent-pool:agent-pools"}), 201},
      {"another account",
       "POST",
       "/environments",
       Doc("environments", R"({"name":"x"})", {"account:accounts:acc-v0aaaaaaaaaaa99"}),
       404,
       {"Account with ID"}},
      {"our account", "POST", "/environments",
       Doc("environments", R"({"name":"ours"})", {"account:accounts:acc-v0aaaaaaaaaaa01"}), 201},
      {"fixed",
       "PATCH",
       "/workspaces/{ws}",
       Doc("workspaces", "{}", {"environment:environments:{env2}"}),
       422,
       {"cannot be changed"}},
      {"fixed, the same", "PATCH", "/workspaces/{ws}", Doc("workspaces", "{}", {"environment:environments:{env}"}),
       200},
  });
}

TEST_F(ApiTest, ClientsQuirksAreTolerated) {
  Check({
      {"misspelt var-files and nulls",
       "PATCH",
       "/workspaces/{ws}",
       Doc("workspaces",
           R"({"name":"network","var_files":["a.tfvars"],"terragrunt":null,"vcs-repo":null,)"
           R"("run-operation-timeout":null})",
           {"agent-pool:agent-pools", "vcs-provider:vcs-providers", "module-version:module-versions"}, "{ws}"),
       200,
       {R"("var-files":["a.tfvars"])"},
       {"var_files"}},
      {"documented attributes are kept",
       "PATCH",
       "/workspaces/{ws}",
       Doc("workspaces", R"({"terraform-version":"1.9.0","hooks":{"pre-plan":"true"}})"),
       200,
       {R"("terraform-version":"1.9.0")", R"("hooks":{"pre-plan":"true"})", R"("auto-queue-runs":"skip_first")"}},
      {"read only ones may come back",
       "PATCH",
       "/workspaces/{ws}",
       Doc("workspaces", R"({"has-resources":true})"),
       200,
       {R"("has-resources":false)"}},
      {"environment with its creator",
       "GET",
       "/environments/{env}?include=created-by",
       "",
       200,
       {R"("included":[{"type":"users","id":"user-)", R"("username":"admin")", R"("status":"Active")"}},
      {"run with its revision",
       "GET",
       "/environments?include=created-by&filter[name]=production&page[size]=100",
       "",
       200,
       {R"("total-count":1)"}},
      {"an empty list of events",
       "PATCH",
       "/webhooks/{wh}",
       R"({"data":{"type":"webhooks","id":"{wh}","attributes":{},"relationships":{"events":{"data":[]}}}})",
       200,
       {R"("events":{"data":[]})"}},
  });
}

TEST_F(ApiTest, ListsHavePages) {
  for (int i = 0; i < 25; ++i) {
    Create("x", "/environments", Doc("environments", R"({"name":"many-)" + std::to_string(100 + i) + R"("})"));
  }
  Check({
      {"first",
       "GET",
       "/environments",
       "",
       200,
       {R"("current-page":1,"next-page":2,"prev-page":null,"page-size":20,"total-count":27,"total-pages":2)",
        R"("prev":null)", R"("next":"https://bell.example/api/iacp/v3/environments?page%5Bnumber%5D=2")"}},
      {"last",
       "GET",
       "/environments?page[number]=2&query=many",
       "",
       200,
       {R"("next":null)", R"("prev":"https://bell.example/api/iacp/v3/environments?query=many&page%5Bnumber%5D=1")",
        R"("total-count":25)"}},
      {"beyond",
       "GET",
       "/environments?page%5Bnumber%5D=999&page%5Bsize%5D=10",
       "",
       200,
       {R"("data":[])", R"("current-page":999,"next-page":null,"prev-page":3)", R"("total-count":27)"}},
      {"sorted", "GET", "/environments?sort=-name&page[size]=1", "", 200, {R"("name":"staging")"}},
      {"sorted up", "GET", "/environments?sort=name&page[size]=1&query=many-1", "", 200, {R"("name":"many-100")"}},
      {"query by id", "GET", "/environments?query={env}", "", 200, {R"("total-count":1)"}},
      {"page 0",
       "GET",
       "/environments?page[number]=0",
       "",
       422,
       {"Invalid Parameter", R"("source":{"parameter":"page[number]"})"}},
      {"huge page", "GET", "/environments?page[number]=99999999999999999999", "", 422, {"page[number]"}},
      {"size too large", "GET", "/environments?page[size]=101", "", 422, {"page[size]"}},
      {"size not a number", "GET", "/environments?page[size]=1e1", "", 422, {"page[size]"}},
  });
}

TEST_F(ApiTest, UnknownParametersAreNamed) {
  Check({
      {"parameter", "GET", "/environments?limit=3", "", 422, {R"("parameter":"limit")"}},
      {"filter", "GET", "/environments?filter[colour]=red", "", 422, {R"("parameter":"filter[colour]")"}},
      {"empty filter", "GET", "/environments?filter[name]=", "", 422, {R"("parameter":"filter[name]")"}},
      {"page[size] twice", "GET", "/environments?page[size]=1&page[size]=2", "", 422, {R"("parameter":"page[size]")"}},
      {"fields of no type", "GET", "/environments?fields[bogus]=name", "", 422, {R"("parameter":"fields[bogus]")"}},
      {"include beside fields",
       "GET",
       "/workspaces/{ws}?fields[workspaces]=name&include=environment",
       "",
       200,
       {R"("included":[{"type":"environments","id":"{env}")", R"("relationships":{})"}},
      {"no tags here", "GET", "/environments?filter[tag]=blue", "", 200, {R"("total-count":0)"}},
      {"events of this account",
       "GET",
       "/event-definitions?filter[account]=acc-v0aaaaaaaaaaa01",
       "",
       200,
       {R"("total-count":3)"}},
      {"filter twice", "GET", "/environments?filter[name]=a&filter[name]=b", "", 422, {"twice"}},
      {"half a range",
       "GET",
       "/environments?filter[created-at]=between:2026-01-01T00:00:00Z",
       "",
       422,
       {"between:FROM,TO"}},
      {"not a time", "GET", "/environments?filter[created-at]=between:a,b", "", 422, {"filter[created-at]"}},
      {"sort", "GET", "/environments?sort=colour", "", 422, {R"("parameter":"sort")"}},
      {"sort by one key twice", "GET", "/environments?sort=name,-name", "", 422, {R"("parameter":"sort")", "twice"}},
      {"sort by too many", "GET", "/environments?sort=a,b,c,d,e,f", "", 422, {R"("parameter":"sort")", "more than 5"}},
      {"include", "GET", "/environments?include=colour", "", 422, {R"("parameter":"include")"}},
      {"nested include", "GET", "/workspaces?include=environment.account", "", 422, {"include"}},
      {"fields", "GET", "/environments?fields[environments]=colour", "", 422, {"fields[environments]"}},
      {"include on an unknown method", "GET", "/environments/{env}?page[size]=3", "", 422, {"page[size]"}},
      {"bad escapes", "GET", "/environments?query=%zz", "", 422, {"percent-encoded"}},
      {"bad UTF-8", "GET", "/environments?query=%ff", "", 422, {"percent-encoded"}},
      {"a misspelt name",
       "GET",
       "/runs?filter[status]=planing",
       "",
       422,
       {R"("parameter":"filter[status]")", "planing"}},
      {"one of several", "GET", "/runs?filter[status]=planned,planing", "", 422, {R"("parameter":"filter[status]")"}},
      {"a flag",
       "GET",
       "/webhooks?filter[enabled]=yes",
       "",
       422,
       {R"("parameter":"filter[enabled]")", "true or false"}},
      {"a number",
       "GET",
       "/integrations/webhook-deliveries?filter[response-code]=5xx",
       "",
       422,
       {R"("parameter":"filter[response-code]")"}},
      {"an id of nothing", "GET", "/runs?filter[workspace]=ws-x", "", 200, {R"("total-count":0)"}},
      {"SQL in a filter", "GET", "/environments?filter[name]=%27%20OR%201%3D1--", "", 200, {R"("total-count":0)"}},
      {"SQL in a sort", "GET", "/environments?sort=name%3BDROP", "", 422, {"sort"}},
      {"wildcards mean themselves", "GET", "/environments?query=%25", "", 200, {R"("total-count":0)"}},
  });
}

TEST_F(ApiTest, SparseFields) {
  Check({
      {"attributes",
       "GET",
       "/environments/{env}?fields[environments]=name",
       "",
       200,
       {R"("attributes":{"name":"production"})"},
       {"created-at", "created-by"}},
      {"statistics on request",
       "GET",
       "/webhooks/{wh}?fields[webhooks]=name,statistics",
       "",
       200,
       {R"("last-hour":{"delivered":0,"failed":0,"total":0})", "last-day", "last-week"},
       {"enabled"}},
      {"no statistics otherwise", "GET", "/webhooks/{wh}", "", 200, {R"("last-triggered-at":null)"}, {"statistics"}},
  });
}

TEST_F(ApiTest, OpenPagesHoldNoData) {
  CreateRun("run");
  Check({
      {"alive", "GET", "//healthz", "", 200, {"ok"}, {}, "none"},
      {"ready", "GET", "//readyz", "", 200, {"ready"}, {}, "none"},
      {"start", "GET", "//", "", 200, {"Runbell"}, {"network"}, "none"},
      {"run", "GET", "//runs/{run}", "", 200, {"{run}"}, {"Updated instance"}, "none"},
      {"unknown looks the same", "GET", "//runs/run-v00aaaaaaaaaa01", "", 200, {"run-v00aaaaaaaaaa01"}, {}, "none"},
      {"markup", "GET", "//workspaces/%3Cscript%3E", "", 404, {}, {"<script"}, "none"},
      {"another kind", "GET", "//environments/{run}", "", 404, {}, {"{run}"}, "none"},
  });
  auto page = Send("GET", "//runs/{run}", "", "none");
  EXPECT_NE(page.head.find("Content-Security-Policy: default-src 'none'"), std::string::npos) << page.head;
  api->BeginShutdown();
  Check({{"not ready any more", "GET", "//readyz", "", 503, {"shutting down"}, {}, "none"},
         {"alive", "GET", "//healthz", "", 200, {}, {}, "none"},
         {"still served", "GET", "/environments/{env}", "", 200}});
}

TEST_F(ApiTest, MetricsCount) {
  CreateRun("run");
  Finish("run");
  Send("GET", "/nothing");
  Check({{"metrics",
          "GET",
          "//metrics",
          "",
          200,
          {"runbell_events_total 1", "runbell_deliveries_accepted_total 1", "runbell_deliveries_waiting 1",
           R"(runbell_build_info{version="1.2.3"} 1)",
           R"(runbell_http_requests_total{method="POST",route="/api/iacp/v3/runs/{id}/status-transitions",)"
           R"(status="201"} 2)",
           R"(runbell_http_requests_total{method="other",route="none",status="404"} 1)"},
          {},
          "none"}});
}

}  // namespace
}  // namespace serve
