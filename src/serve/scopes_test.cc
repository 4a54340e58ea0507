// What a token may do: its scope and its place decide, and what it may not know of does not exist for it.
#include "support/api_fixture.h"

namespace serve {
namespace {

using Row = testing_support::ApiRow;
using base::Grant;
using base::Place;
using base::Scope;

class ScopesTest : public testing_support::ApiFixture {
 protected:
  ScopesTest() {
    MakePlaces();
    CreateRun("run");
    Report("run", R"({"status":"planning"})");
    Place workspace{*base::Parse<base::EnvironmentId>(ids["env"]), *base::Parse<base::WorkspaceId>(ids["ws"])};
    Place environment{workspace.environment, {}};
    AddToken("read", {Grant{Scope::kRead, workspace}});
    AddToken("report", {Grant{Scope::kReport, workspace}});
    AddToken("approve", {Grant{Scope::kApprove, workspace}});
    AddToken("owner", {Grant{Scope::kWrite, workspace}});
    AddToken("environment", {Grant{Scope::kWrite, environment}});
    AddToken("elsewhere", {Grant{Scope::kAdmin, {*base::Parse<base::EnvironmentId>(ids["env2"]), {}}}});
  }

  Row As(const std::string& token, Row row) {
    row.token = token;
    row.what = token + ": " + row.what;
    return row;
  }
};

TEST_F(ScopesTest, SecretsAreForThoseWhoMayWrite) {
  Row endpoint{"read the endpoint",
               "GET",
               "/endpoints/{ep}",
               "",
               200,
               {R"("secret-key":null)", R"("signing-secret":null)"},
               {"auphee1ieshaeQu8", "whsec_"}};
  AddToken("reader", {Grant{Scope::kRead, {*base::Parse<base::EnvironmentId>(ids["env"]), {}}}});
  Check({As("reader", endpoint),
         As("environment",
            {"read the endpoint", "GET", "/endpoints/{ep}", "", 200, {R"("secret-key":"auphee1ieshaeQu8")"}}),
         As("elsewhere",
            {"read the endpoint", "GET", "/endpoints/{ep}", "", 404, {"Endpoint with ID '{ep}' not found"}})});
}

TEST_F(ScopesTest, ReportersReportAndApproversApprove) {
  Row report{"report",
             "POST",
             "/runs/{run}/status-transitions",
             Doc("status-transitions", R"({"status":"planned","has-changes":true})"),
             404,
             {"Run with ID '{run}' not found or user unauthorized."}};
  Row allowed = report;
  allowed.status = 201;
  allowed.has = {R"("status":"planned")"};
  Row apply{"apply", "POST", "/runs/{run}/actions/apply",
            "",      404,    {"Run with ID '{run}' not found or user unauthorized."}};
  Row applied = apply;
  applied.status = 202;
  applied.has = {"confirmed"};
  Check({As("read", report), As("approve", report), As("elsewhere", report), As("report", allowed), As("read", apply),
         As("report", apply), As("elsewhere", apply), As("approve", applied)});
}

TEST_F(ScopesTest, AnOwnersReachEndsAtTheWorkspace) {
  std::string endpoint = R"({"name":"mine","url":"http://a.example"})";
  Check({
      As("owner",
         {"endpoint here", "POST", "/endpoints", Doc("endpoints", endpoint, {"workspace:workspaces:{ws}"}), 201}),
      As("owner", {"endpoint of the environment",
                   "POST",
                   "/endpoints",
                   Doc("endpoints", endpoint, {"environment:environments:{env}"}),
                   403,
                   {R"("title":"Forbidden")"}}),
      As("owner", {"endpoint in a place it cannot see",
                   "POST",
                   "/endpoints",
                   Doc("endpoints", endpoint, {"workspace:workspaces:{ws3}"}),
                   404,
                   {"Workspace with ID '{ws3}' not found"}}),
      As("owner",
         {"an environment", "POST", "/environments", Doc("environments", R"({"name":"x"})"), 403, {"Forbidden"}}),
      As("owner", {"the inherited webhook",
                   "PATCH",
                   "/webhooks/{wh}",
                   Doc("webhooks", R"({"enabled":false})"),
                   404,
                   {"Webhook with ID '{wh}' not found"}}),
      As("owner", {"another workspace", "GET", "/workspaces/{ws2}", "", 404, {"Workspace with ID '{ws2}'"}}),
      As("owner", {"its list", "GET", "/workspaces", "", 200, {"{ws}", R"("total-count":1)"}, {"{ws2}", "{ws3}"}}),
      As("read", {"create",
                  "POST",
                  "/endpoints",
                  Doc("endpoints", endpoint, {"workspace:workspaces:{ws}"}),
                  403,
                  {"Forbidden"}}),
      As("read", {"change",
                  "PATCH",
                  "/workspaces/{ws}",
                  Doc("workspaces", R"({"auto-apply":true})"),
                  404,
                  {"Workspace with ID"}}),
      As("read", {"delete", "DELETE", "/workspaces/{ws}", "", 404, {"Workspace with ID"}}),
      As("environment", {"delete", "DELETE", "/workspaces/{ws2}", "", 204}),
  });
}

TEST_F(ScopesTest, TheLogAndTheFeedHoldOnlyWhatMayBeSeen) {
  Report("run", R"({"status":"canceled"})");
  Check({
      As("read", {"runs", "GET", "/runs", "", 200, {"{run}"}}),
      As("elsewhere", {"runs", "GET", "/runs", "", 200, {R"("data":[])", R"("total-count":0)"}}),
      As("elsewhere", {"deliveries", "GET", "/integrations/webhook-deliveries", "", 200, {R"("total-count":0)"}}),
      As("elsewhere", {"changes", "GET", "/changes", "", 200, {}, {"{run}", "{ws}"}}),
      As("read", {"changes", "GET", "/changes?filter[run]={run}", "", 200, {"{run}"}}),
      As("read", {"tokens", "GET", "/access-tokens", "", 200, {}, {R"("name":"admin")"}}),
  });
}

TEST_F(ScopesTest, NobodyApprovesBeforehandWhoMayNotApprove) {
  const auto make = [&](const std::string& token, const std::string& workspace, int status) {
    return As(token,
              {"a run that applies by itself", "POST", "/runs",
               Doc("runs", R"({"source":"cli","auto-apply":true})", {"workspace:workspaces:" + workspace}), status});
  };
  Row refused = make("report", "{ws}", 403);
  refused.has = {"scope approve or write", "workspace whose own auto-apply is true"};
  AddToken("runner", {Grant{Scope::kReport, {}}});
  AddToken("approver", {Grant{Scope::kReport, {}}, Grant{Scope::kApprove, {}}});
  Send("PATCH", "/workspaces/{ws2}", Doc("workspaces", R"({"auto-apply":true})"));
  Check({refused, make("runner", "{ws}", 403), make("runner", "{ws2}", 201), make("approver", "{ws}", 201),
         make("owner", "{ws}", 201), make("admin", "{ws}", 201)});
}

TEST_F(ScopesTest, ATokenHandsOutNoMoreThanItHas) {
  AddToken("keeper", {Grant{Scope::kAdmin, {*base::Parse<base::EnvironmentId>(ids["env"]), {}}}});
  const auto hand_out = [&](const std::string& grant, int status, std::vector<std::string> has) {
    return As("keeper", {grant, "POST", "/access-tokens",
                         Doc("access-tokens", R"({"name":"x","grants":[)" + grant + "]}"), status, std::move(has)});
  };
  Check({
      hand_out(R"({"scope":"write","environment":"{env}"})", 201, {"rbt_"}),
      hand_out(R"({"scope":"admin","workspace":"{ws}"})", 201, {"rbt_"}),
      hand_out(R"({"scope":"read"})", 403, {"hand out these grants"}),
      hand_out(R"({"scope":"admin"})", 403, {"hand out these grants"}),
      hand_out(R"({"scope":"read","environment":"{env2}"})", 404, {"Environment with ID '{env2}' not found"}),
      hand_out(R"({"scope":"read","workspace":"{ws3}"})", 404, {"Workspace with ID '{ws3}' not found"}),
  });
}

}  // namespace
}  // namespace serve
