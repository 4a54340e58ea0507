// Environments, workspaces, endpoints, webhooks, event definitions and tokens.
#include "support/api_fixture.h"

namespace serve {
namespace {

class ResourcesTest : public testing_support::ApiFixture {
 protected:
  ResourcesTest() { MakePlaces(); }
};

TEST_F(ResourcesTest, EnvironmentsAndWorkspacesLive) {
  Check({
      {"rename", "PATCH", "/environments/{env}", Doc("environments", R"({"name":"prod"})"), 200, {R"("name":"prod")"}},
      {"read",
       "GET",
       "/environments/{env}",
       "",
       200,
       {R"("created-at":"2026-01-01T00:00:00Z")",
        R"("account":{"data":{"type":"accounts","id":"acc-v0aaaaaaaaaaa01"}})",
        R"("self":"https://bell.example/api/iacp/v3/environments/{env}")", R"("environments:update":true)"}},
      {"workspace",
       "GET",
       "/workspaces/{ws}",
       "",
       200,
       {R"("auto-apply":false)", R"("environment":{"data":{"type":"environments","id":"{env}"}})",
        R"("latest-run":{"data":null})", R"("url":"https://bell.example/workspaces/{ws}")"}},
      {"by environment", "GET", "/workspaces?filter[environment]={env2}", "", 200, {"{ws3}"}, {"{ws}", "{ws2}"}},
      {"by environment and name",
       "GET",
       "/workspaces?filter[environment]={env}&filter[name]=network&include=environment",
       "",
       200,
       {"{ws}", R"("total-count":1)", R"("included":[{"type":"environments")"}},
      {"by names", "GET", "/workspaces?filter[name]=in:network,storage", "", 200, {R"("total-count":3)"}},
      {"by account", "GET", "/workspaces?filter[account]=in:null,acc-v0aaaaaaaaaaa01", "", 200, {R"("total-count":3)"}},
      {"by another account",
       "GET",
       "/workspaces?filter[account]=acc-x",
       "",
       200,
       {R"("total-count":0)", R"("data":[])"}},
      {"delete", "DELETE", "/workspaces/{ws2}", "", 204},
      {"is gone", "GET", "/workspaces/{ws2}", "", 404},
      {"twice", "DELETE", "/workspaces/{ws2}", "", 404},
      {"environment with workspaces", "DELETE", "/environments/{env2}", "", 204},
      {"takes them along", "GET", "/workspaces/{ws3}", "", 404},
  });
}

TEST_F(ResourcesTest, EndpointsLive) {
  Check({
      {"as made",
       "GET",
       "/endpoints/{ep}",
       "",
       200,
       {R"("max-attempts":3)", R"("timeout":15)", R"("secret-key":"auphee1ieshaeQu8")", R"("http-method":"POST")",
        R"("signing-secret":"whsec_YXVwaGVlMWllc2hhZVF1OA==")", R"("state":"active")", R"("payload-form":"underscore")",
        R"("environment":{"data":{"type":"environments","id":"{env}"}})", R"("webhook-endpoints:update":true)"}},
      {"change",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"max-attempts":10,"timeout":5,"url":"https://other.example/","payload-form":"hyphen"})"),
       200,
       {R"("max-attempts":10)", R"("timeout":5)", "other.example", R"("payload-form":"hyphen")"}},
      {"sensitive headers stay hidden",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints",
           R"({"headers":[{"name":"X-Key","value":"hush","sensitive":true},{"name":"X-Team","value":"net"}]})"),
       200,
       {R"({"name":"X-Key","value":null,"sensitive":true})", R"({"name":"X-Team","value":"net","sensitive":false})"},
       {"hush"}},
      {"and come back as read",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"headers":[{"name":"x-key","value":null,"sensitive":true}]})"),
       200,
       {R"("X-Key")"},
       {"hush"}},
      {"a name that sounds secret is enough",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"headers":[{"name":"x-key","value":null,"sensitive":false},)"
                        R"({"name":"authorization","value":"Bearer hush","sensitive":false}]})"),
       200,
       {R"({"name":"authorization","value":null,"sensitive":true})", R"({"name":"X-Key","value":null)"},
       {"hush"}},
      {"and one of them goes",
       "PATCH",
       "/endpoints/{ep}",
       Doc("endpoints", R"({"headers":[{"name":"x-key","value":null}]})"),
       200,
       {R"("X-Key")"},
       {"authorization"}},
      {"generated secret",
       "POST",
       "/endpoints",
       Doc("endpoints", R"({"name":"made","url":"http://a.example","secret-key":null})", {"workspace:workspaces:{ws}"}),
       201,
       {R"("workspace":{"data":{"type":"workspaces","id":"{ws}"}})",
        R"("environment":{"data":{"type":"environments","id":"{env}"}})"},
       {R"("secret-key":null)"}},
      {"of the account",
       "POST",
       "/endpoints",
       Doc("endpoints", R"({"name":"wide","url":"http://a.example"})"),
       201,
       {R"("environment":{"data":null})"}},
      {"workspace elsewhere",
       "POST",
       "/endpoints",
       Doc("endpoints", R"({"name":"y","url":"http://a.example"})",
           {"workspace:workspaces:{ws}", "environment:environments:{env2}"}),
       422,
       {"Workspace {ws} does not belong to an environment {env2}"}},
      {"list", "GET", "/endpoints?filter[environment]={env}&sort=url", "", 200, {"{ep}"}},
      {"in use", "DELETE", "/endpoints/{ep}", "", 409, {R"("title":"Conflict")"}},
  });
  auto row = store->Get<store::Endpoint>(base::Principal::System(), *base::Parse<base::EndpointId>(ids["ep"]));
  ASSERT_TRUE(row);
  ASSERT_EQ(row->headers.size(), 1u);
  EXPECT_EQ(row->headers[0].value, "hush");
}

TEST_F(ResourcesTest, EndpointActions) {
  Check({
      {"rotate",
       "POST",
       "/endpoints/{ep}/actions/rotate-secret",
       Doc("endpoints", R"({"secret-key":"second-Secret2"})"),
       200,
       {R"("secret-key":"second-Secret2")", R"("previous-secret-until":"2026-01-02T00:00:00Z")"},
       {"auphee1ieshaeQu8"}},
      {"again too early",
       "POST",
       "/endpoints/{ep}/actions/rotate-secret",
       "",
       409,
       {"under way until 2026-01-02T00:00:00Z"}},
      {"end", "POST", "/endpoints/{ep}/actions/end-rotation", "", 200, {R"("previous-secret-until":null)"}},
      {"rotate to a made one, for an hour",
       "POST",
       "/endpoints/{ep}/actions/rotate-secret",
       R"({"overlap-seconds":3600})",
       200,
       {R"("previous-secret-until":"2026-01-01T01:00:00Z")"},
       {"second-Secret2", R"("secret-key":null)"}},
      {"unknown attribute",
       "POST",
       "/endpoints/{ep}/actions/rotate-secret",
       R"({"overlap":1})",
       422,
       {"/data/attributes/overlap"}},
      {"overlap too long",
       "POST",
       "/endpoints/{ep}/actions/rotate-secret",
       R"({"overlap-seconds":99999999})",
       422,
       {"/data/attributes/overlap-seconds"}},
      {"pause",
       "POST",
       "/endpoints/{ep}/actions/pause",
       "",
       200,
       {R"("state":"paused")", R"("state-reason":"by hand")"}},
      {"resume",
       "POST",
       "/endpoints/{ep}/actions/resume",
       "{}",
       200,
       {R"("state":"active")", R"("state-reason":null)"}},
      {"disable", "POST", "/endpoints/{ep}/actions/disable", "", 200, {R"("state":"disabled")"}},
      {"pause a disabled one", "POST", "/endpoints/{ep}/actions/pause", "", 409, {"enable"}},
      {"enable", "POST", "/endpoints/{ep}/actions/enable", "", 200, {R"("state":"active")"}},
      {"unknown", "POST", "/endpoints/{ep}/actions/explode", "", 404},
      {"unknown endpoint", "POST", "/endpoints/ep-v00aaaaaaaaaa01/actions/pause", "", 404, {"Endpoint with ID"}},
  });
}

TEST_F(ResourcesTest, WebhooksLive) {
  auto webhook = [](const std::string& name, const std::vector<std::string>& relationships) {
    return Doc("webhooks", R"({"name":")" + name + R"("})", relationships);
  };
  Create("ep2", "/endpoints",
         Doc("endpoints", R"({"name":"far","url":"http://a.example"})", {"environment:environments:{env2}"}));
  Check({
      {"as made",
       "GET",
       "/webhooks/{wh}?include=endpoint,events",
       "",
       200,
       {R"("enabled":true)", R"({"type":"event-definitions","id":"run:completed"})", R"("workspace":{"data":null})",
        R"("type":"endpoints","id":"{ep}","attributes")",
        R"("type":"event-definitions","id":"run:completed","attributes")"}},
      {"of a workspace",
       "POST",
       "/webhooks",
       webhook("own", {"endpoint:endpoints:{ep}", "workspace:workspaces:{ws}"}),
       201,
       {R"("workspace":{"data":{"type":"workspaces","id":"{ws}"}})",
        R"("environment":{"data":{"type":"environments","id":"{env}"}})"}},
      {"of both",
       "POST",
       "/webhooks",
       webhook("both", {"endpoint:endpoints:{ep}", "workspace:workspaces:{ws}", "environment:environments:{env}"}),
       201,
       {R"("id":"{ws}")"}},
      {"of both that do not fit",
       "POST",
       "/webhooks",
       webhook("bad", {"endpoint:endpoints:{ep}", "workspace:workspaces:{ws}", "environment:environments:{env2}"}),
       422,
       {"Invalid Relationship", "Workspace {ws} does not belong to an environment {env2}"}},
      {"of neither",
       "POST",
       "/webhooks",
       webhook("bad", {"endpoint:endpoints:{ep}"}),
       422,
       {"Missing workspace_id or environment_id"}},
      {"endpoint missing",
       "POST",
       "/webhooks",
       webhook("bad", {"environment:environments:{env}"}),
       422,
       {"/data/relationships/endpoint"}},
      {"endpoint out of reach",
       "POST",
       "/webhooks",
       webhook("bad", {"endpoint:endpoints:{ep2}", "workspace:workspaces:{ws}"}),
       422,
       {"/data/relationships/endpoint", "another environment"}},
      {"endpoint not there",
       "POST",
       "/webhooks",
       webhook("bad", {"endpoint:endpoints:ep-v00aaaaaaaaaa01", "environment:environments:{env}"}),
       404,
       {"Endpoint with ID 'ep-v00aaaaaaaaaa01' not found"}},
      {"unknown event",
       "PATCH",
       "/webhooks/{wh}",
       R"({"data":{"type":"webhooks","relationships":{"events":{"data":[{"type":"event-definitions",)"
       R"("id":"run:started"}]}}}})",
       422,
       {"Invalid value for events 'run:started'. Allowed values: run:completed, run:errored, run:needs_attention"}},
      {"disable", "PATCH", "/webhooks/{wh}", Doc("webhooks", R"({"enabled":false})"), 200, {R"("enabled":false)"}},
      {"other endpoint",
       "PATCH",
       "/webhooks/{wh}",
       Doc("webhooks", "{}", {"endpoint:endpoints:{ep2}"}),
       422,
       {"another environment"}},
      {"list",
       "GET",
       "/webhooks?filter[enabled]=false&filter[event]=run:completed&sort=name",
       "",
       200,
       {"{wh}", R"("total-count":1)"}},
      {"effective",
       "GET",
       "/workspaces/{ws}/effective-webhooks",
       "",
       200,
       {R"("meta":{"inherited":true})", R"("meta":{"inherited":false})"}},
      {"not effective elsewhere", "GET", "/workspaces/{ws3}/effective-webhooks", "", 200, {R"("data":[])"}},
      {"delete", "DELETE", "/webhooks/{wh}", "", 204},
      {"gone", "GET", "/webhooks/{wh}", "", 404, {"Webhook with ID '{wh}'"}},
  });
}

TEST_F(ResourcesTest, EventDefinitionsAreThree) {
  Check({
      {"list",
       "GET",
       "/event-definitions",
       "",
       200,
       {"run:completed", "run:errored", "run:needs_attention", R"("total-count":3)"}},
      {"page",
       "GET",
       "/event-definitions?page[size]=1&page[number]=2",
       "",
       200,
       {"run:errored"},
       {R"("id":"run:completed")"}},
      {"one", "GET", "/event-definitions/run:completed", "", 200, {R"("name":"run:completed")"}},
      {"escaped", "GET", "/event-definitions/run%3Aerrored", "", 200, {R"("name":"run:errored")"}},
      {"unknown", "GET", "/event-definitions/run:started", "", 404, {"EventDefinition with ID 'run:started'"}},
      {"not writable", "DELETE", "/event-definitions/run:completed", "", 405},
  });
}

TEST_F(ResourcesTest, TokensLive) {
  auto made =
      Send("POST", "/access-tokens",
           Doc("access-tokens", R"({"name":"ci","expires-in":60,"grants":[{"scope":"report","workspace":"{ws}"}]})"));
  ASSERT_EQ(made.status, 201) << made.body;
  ids["token"] = *base::StringAt(made.json(), {"data", "id"});
  tokens["ci"] = base::StringAt(made.json(), {"data", "attributes", "token"}).value_or("");
  EXPECT_FALSE(tokens["ci"].empty());
  Check({
      {"without a name",
       "POST",
       "/access-tokens",
       Doc("access-tokens", R"({"expires-in":1,"grants":[{"scope":"read","workspace":"{ws2}"}]})"),
       201,
       {R"("name":null)", R"("token":"rbt_)"}},
      {"shown without its text",
       "GET",
       "/access-tokens/{token}",
       "",
       200,
       {R"("token":null)", R"("expires-at":"2026-01-01T01:00:00Z")", R"("is-expired":false)", R"("expires-in":60)",
        R"("grants":[{"scope":"report","workspace":"{ws}"}])"},
       {tokens["ci"]}},
      {"list", "GET", "/access-tokens", "", 200, {R"("total-count":3)"}, {tokens["ci"]}},
      {"it works", "GET", "/workspaces/{ws}", "", 200, {}, {}, "ci"},
      {"only there", "GET", "/workspaces/{ws2}", "", 404, {}, {}, "ci"},
      {"rename",
       "PATCH",
       "/access-tokens/{token}",
       Doc("access-tokens", R"({"description":"for CI"})"),
       200,
       {"for CI"}},
      {"grants are fixed",
       "PATCH",
       "/access-tokens/{token}",
       Doc("access-tokens", R"({"grants":[{"scope":"admin"}]})"),
       422,
       {"/data/attributes/grants"}},
      {"unknown scope",
       "POST",
       "/access-tokens",
       Doc("access-tokens", R"({"grants":[{"scope":"root"}]})"),
       422,
       {"/data/attributes/grants/0"}},
      {"no scope",
       "POST",
       "/access-tokens",
       Doc("access-tokens", R"({"grants":[{"workspace":"{ws}"}]})"),
       422,
       {"scope is required"}},
      {"no grants",
       "POST",
       "/access-tokens",
       Doc("access-tokens", R"({"grants":[]})"),
       422,
       {"/data/attributes/grants"}},
  });
  clock.Advance(std::chrono::minutes(1));
  const auto back = Send("PATCH", "/access-tokens/{token}", Send("GET", "/access-tokens/{token}").body);
  EXPECT_EQ(back.status, 200) << "what was read can be sent back: " << back.body;
  EXPECT_EQ(base::IntAt(back.json(), {"data", "attributes", "expires-in"}), 60) << "as it was sent, not what is left";
  clock.Advance(std::chrono::minutes(60));
  Check({{"it has expired", "GET", "/workspaces/{ws}", "", 401, {}, {}, "ci"},
         {"and says so", "GET", "/access-tokens/{token}", "", 200, {R"("is-expired":true)"}},
         {"delete", "DELETE", "/access-tokens/{token}", "", 204}});
}

TEST_F(ResourcesTest, ADeletedTokenIsVoidAtOnce) {
  auto made = Send("POST", "/access-tokens", Doc("access-tokens", R"({"name":"gone"})"));
  ids["token"] = *base::StringAt(made.json(), {"data", "id"});
  tokens["gone"] = *base::StringAt(made.json(), {"data", "attributes", "token"});
  EXPECT_EQ(Send("GET", "/environments/{env}", "", "gone").status, 200);
  EXPECT_EQ(Send("DELETE", "/access-tokens/{token}").status, 204);
  EXPECT_EQ(Send("GET", "/environments/{env}", "", "gone").status, 401);
}

}  // namespace
}  // namespace serve
