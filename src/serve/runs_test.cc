// Runs: creating, reporting, deciding, and what their events set off.
#include "support/api_fixture.h"

namespace serve {
namespace {

using Row = testing_support::ApiRow;
class RunsTest : public testing_support::ApiFixture {
 protected:
  RunsTest() { MakePlaces(); }
};

TEST_F(RunsTest, CreatingFollowsTheContract) {
  Check({
      {"no configuration version",
       "POST",
       "/runs",
       Doc("runs", "{}", {"workspace:workspaces:{ws}"}),
       422,
       {R"("title":"Invalid Relationship")", R"("pointer":"/data/relationships/configuration-version")",
        "No configuration versions available to create the run from. Upload at least one or link the workspace to a "
        "VCS "
        "provider."}},
      {"one that cannot be",
       "POST",
       "/runs",
       Doc("runs", R"({"source":"cli"})",
           {"workspace:workspaces:{ws}", "configuration-version:configuration-versions:cv-1"}),
       404,
       {"ConfigurationVersion with ID 'cv-1' not found"}},
      {"source cli",
       "POST",
       "/runs",
       Doc("runs", R"({"source":"cli","message":"Updated instance\n","is-destroy":true,"target-addrs":["a.b"]})",
           {"workspace:workspaces:{ws}", "configuration-version:configuration-versions"}),
       201,
       {R"("status":"pending")", R"("message":"Updated instance\n")", R"("driver":"reporter")", R"("is-destroy":true)",
        R"("auto-apply":false)", R"("has-changes":null)", R"("target-addrs":["a.b"])", R"("error-message":null)",
        R"("pending-at":"2026-01-01T00:00:00Z")", R"("vcs-revision":{"data":null})",
        R"("environment":{"data":{"type":"environments","id":"{env}"}})"}},
      {"a driver of its own",
       "POST",
       "/runs",
       Doc("runs", R"({"driver":"none","is-dry":true})", {"workspace:workspaces:{ws}"}),
       201,
       {R"("driver":"none")", R"("source":"api")", R"("is-dry":true)"}},
      {"a source of a family",
       "POST",
       "/runs",
       Doc("runs", R"({"source":"dashboard-drift","driver":"none"})", {"workspace:workspaces:{ws}"}),
       201,
       {R"("source":"dashboard-drift")"}},
      {"unknown source",
       "POST",
       "/runs",
       Doc("runs", R"({"source":"telepathy"})", {"workspace:workspaces:{ws}"}),
       422,
       {"/data/attributes/source"}},
      {"status cannot be chosen",
       "POST",
       "/runs",
       Doc("runs", R"({"source":"cli","status":"applied"})", {"workspace:workspaces:{ws2}"}),
       201,
       {R"("status":"pending")"}},
      {"workspace not there",
       "POST",
       "/runs",
       Doc("runs", R"({"source":"cli"})", {"workspace:workspaces:ws-v00aaaaaaaaaa01"}),
       404,
       {"Workspace with ID 'ws-v00aaaaaaaaaa01' not found"}},
      {"sensitive variables lose their value",
       "POST",
       "/runs",
       Doc("runs",
           R"({"source":"cli","variables":[{"category":"terraform","key":"a","value":"hush","sensitive":true},)"
           R"({"key":"b","value":"seen"}]})",
           {"workspace:workspaces:{ws3}"}),
       201,
       {R"("seen")"},
       {"hush"}},
      {"malformed variable",
       "POST",
       "/runs",
       Doc("runs", R"({"source":"cli","variables":[{"key":"a"},{"value":1}]})", {"workspace:workspaces:{ws3}"}),
       422,
       {"/data/attributes/variables/1"}},
      {"not changeable", "PATCH", "/runs/run-v00aaaaaaaaaa01", "{}", 405, {"GET"}},
  });
}

TEST_F(RunsTest, AutoApplyComesFromTheWorkspace) {
  Send("PATCH", "/workspaces/{ws}", Doc("workspaces", R"({"auto-apply":true})"));
  CreateRun("run");
  Check({{"inherited", "GET", "/runs/{run}", "", 200, {R"("auto-apply":true)"}},
         {"said otherwise",
          "POST",
          "/runs",
          Doc("runs", R"({"source":"cli","auto-apply":false})", {"workspace:workspaces:{ws}"}),
          201,
          {R"("auto-apply":false)"}},
         {"null is unsaid",
          "POST",
          "/runs",
          Doc("runs", R"({"source":"cli","auto-apply":null})", {"workspace:workspaces:{ws}"}),
          201,
          {R"("auto-apply":true)"}}});
}

TEST_F(RunsTest, AKeyMakesOneRunOfManyRequests) {
  const std::string document = Doc("runs", R"({"source":"cli","key":"build 17"})", {"workspace:workspaces:{ws}"});
  Create("run", "/runs", document);
  Finish("run");
  Check({{"again", "POST", "/runs", document, 200, {R"("id":"{run}")", R"("status":"planned_and_finished")"}},
         {"its deliveries", "GET", "/integrations/webhook-deliveries", "", 200, {R"("total-count":1)"}},
         {"the list", "GET", "/runs", "", 200, {R"("total-count":1)"}, {"build 17"}},
         {"another workspace", "POST", "/runs",
          Doc("runs", R"({"source":"cli","key":"build 17"})", {"workspace:workspaces:{ws2}"}), 201},
         {"null is none", "POST", "/runs", Doc("runs", R"({"source":"cli","key":null})", {"workspace:workspaces:{ws}"}),
          201},
         {"too long",
          "POST",
          "/runs",
          Doc("runs", R"({"source":"cli","key":")" + std::string(256, 'k') + R"("})", {"workspace:workspaces:{ws}"}),
          422,
          {"/data/attributes/key"}}});
}

TEST_F(RunsTest, AReportMovesTheRunAndRingsOnce) {
  CreateRun("run");
  Check({
      {"planning",
       "POST",
       "/runs/{run}/status-transitions",
       Doc("status-transitions", R"({"status":"planning","key":"k1"})"),
       201,
       {R"("type":"status-transitions")", R"("status":"planning")", R"("event":{"data":null})",
        R"("run":{"data":{"type":"runs","id":"{run}"}})", R"("deliveries":0)"}},
      {"the key again",
       "POST",
       "/runs/{run}/status-transitions",
       Doc("status-transitions", R"({"status":"planning","key":"k1"})"),
       200,
       {R"("repeated":true)", R"("status":"planning")"}},
      {"heartbeat",
       "POST",
       "/runs/{run}/status-transitions",
       Doc("status-transitions", R"({"status":"planning"})"),
       200,
       {R"("changed":false)"}},
      {"planned",
       "POST",
       "/runs/{run}/status-transitions",
       Doc("status-transitions",
           R"({"status":"planned","key":"k2","has-changes":true,"plan":{"add":2,"change":1,"destroy":0,"import":0},)"
           R"("changed-addresses":[{"address":"a.b[\"x\"]","action":"create"}]})"),
       201,
       {R"("reason":"approval")", R"("type":"run-events","id":"evt-)", R"("deliveries":1)",
        R"("needs-decision":true)"}},
      {"and again",
       "POST",
       "/runs/{run}/status-transitions",
       Doc("status-transitions", R"({"status":"planned","key":"k2"})"),
       200,
       {R"("repeated":true)"}},
      {"read",
       "GET",
       "/runs/{run}",
       "",
       200,
       {R"("plan-counts":{"add":2,"change":1,"destroy":0,"import":0})", R"("has-changes":true)",
        R"("changed-addresses":[{"address":"a.b[\"x\"]","action":"create"}])", R"("needs-decision":true)"}},
      {"one delivery", "GET", "/integrations/webhook-deliveries?filter[run]={run}", "", 200, {R"("total-count":1)"}},
      {"no way around the decision",
       "POST",
       "/runs/{run}/status-transitions",
       Doc("status-transitions", R"({"status":"applying"})"),
       409,
       {R"("title":"Conflict")", "run is planned", "applying"}},
      {"backwards",
       "POST",
       "/runs/{run}/status-transitions",
       Doc("status-transitions", R"({"status":"pending"})"),
       409,
       {"run is planned; it cannot become pending"}},
  });
}

TEST_F(RunsTest, WrongReportsAreRefused) {
  CreateRun("run");
  auto report = [](const std::string& what, const std::string& attributes, const std::string& has) {
    return Row{what, "POST", "/runs/{run}/status-transitions", Doc("status-transitions", attributes), 422, {has}};
  };
  Check({
      report("no status", "{}", "status is required"),
      report("unknown status", R"({"status":"flying"})", "/data/attributes/status"),
      report("status of a wrong type", R"({"status":7})", "/data/attributes/status"),
      report("unknown reason", R"({"status":"errored","reason":"because"})", "/data/attributes/reason"),
      report("reason that does not fit", R"({"status":"errored","reason":"apply_failed"})", "does not fit"),
      report("long key", R"({"status":"planning","key":")" + std::string(256, 'k') + R"("})", "/data/attributes/key"),
      report("negative count", R"({"status":"planning","plan":{"add":-1}})", "/data/attributes/plan/add"),
      report("unknown count", R"({"status":"planning","plan":{"sub":1}})", "/data/attributes/plan/sub"),
      report("plan as a list", R"({"status":"planning","plan":[]})", "/data/attributes/plan"),
      report("changes as a text", R"({"status":"planning","changed-addresses":"a"})",
             "/data/attributes/changed-addresses"),
      report("change without action", R"({"status":"planning","changed-addresses":[{"address":"a"}]})",
             "/data/attributes/changed-addresses/0"),
      report("long summary", R"({"status":"planning","error-summary":")" + std::string(501, 'e') + R"("})",
             "/data/attributes/error-summary"),
      report("unknown attribute", R"({"status":"planning","mood":"good"})", "/data/attributes/mood"),
      {"unknown parameter",
       "POST",
       "/runs/{run}/status-transitions?x=1",
       Doc("status-transitions", R"({"status":"planning"})"),
       422,
       {R"("parameter":"x")"}},
      {"no JSON", "POST", "/runs/{run}/status-transitions", "{", 422, {"not valid JSON"}},
      {"unknown run",
       "POST",
       "/runs/run-v00aaaaaaaaaa01/status-transitions",
       Doc("status-transitions", R"({"status":"planning"})"),
       404,
       {"Run with ID 'run-v00aaaaaaaaaa01' not found or user unauthorized."}},
      {"nothing moved", "GET", "/runs/{run}", "", 200, {R"("status":"pending")"}},
  });
}

TEST_F(RunsTest, ManyChangesAreCountedNotKept) {
  CreateRun("run");
  Report("run", R"({"status":"planning"})");
  std::string changes;
  for (int i = 0; i < 250; ++i) {
    changes += (i ? ",{" : "{") + std::string(R"("address":"a.b)") + std::to_string(i) + R"(","action":"create"})";
  }
  EXPECT_EQ(Report("run", R"({"status":"planned","has-changes":true,"changed-addresses":[)" + changes + "]}").status,
            201);
  Check({{"counted", "GET", "/runs/{run}", "", 200, {R"("changed-addresses-left-out":50)", "a.b199"}, {"a.b200"}}});
}

TEST_F(RunsTest, WhatWasToldBeforeADecisionStands) {
  CreateRun("run");
  Report("run", R"({"status":"planning"})");
  Report("run", R"({"status":"planning","plan":{"add":9}})");
  const std::string planned = R"("plan":{"add":1},"changed-addresses":[{"address":"a.b","action":"create"}])";
  EXPECT_EQ(Report("run", R"({"status":"planned","has-changes":true,)" + planned + "}").status, 201);
  const auto conflicts = [&](const std::string& attributes, const std::string& what) {
    auto response = Report("run", attributes);
    EXPECT_EQ(response.status, 409) << attributes << response.body;
    EXPECT_NE(response.body.find(what), std::string::npos) << response.body;
  };
  EXPECT_EQ(Report("run", R"({"status":"planned",)" + planned + "}").status, 200) << "the same again";
  conflicts(R"({"status":"planned","plan":{"add":0}})", "run is planned; its plan cannot change any more");
  conflicts(R"({"status":"planned","changed-addresses":[]})", "its changed-addresses cannot change any more");
  conflicts(R"({"status":"errored","plan":{"add":2}})", "its plan cannot change");
  EXPECT_EQ(Report("run", R"({"status":"errored","error-summary":"Error: no",)" + planned + "}").status, 201);
  EXPECT_EQ(Report("run", R"({"status":"errored","error-summary":"Error: no"})").status, 200) << "the same again";
  conflicts(R"({"status":"errored","error-summary":"fine"})", "its error-summary cannot change any more");
  Check({{"kept", "GET", "/runs/{run}", "", 200, {R"("add":1)", "a.b", "Error: no"}}});
}

TEST_F(RunsTest, AddressesThatCouldMisleadAreEscaped) {
  CreateRun("run");
  EXPECT_EQ(
      Report("run", R"({"status":"planning","changed-addresses":[{"address":"a\u202e\nb","action":"cre\u001bate"}]})")
          .status,
      201);
  Check({{"shown", "GET", "/runs/{run}", "", 200, {R"("address":"a\\u{202e}\\nb")", R"("action":"cre\\u{1b}ate")"}}});
}

TEST_F(RunsTest, PeopleDecide) {
  CreateRun("run");
  Report("run", R"({"status":"planning"})");
  Check({
      {"apply too early", "POST", "/runs/{run}/actions/apply", "", 409, {"run is planning"}},
      {"discard too early", "POST", "/runs/{run}/actions/discard", "", 409},
      {"override without a policy", "POST", "/runs/{run}/actions/override", "", 409},
      {"cancel", "POST", "/runs/{run}/actions/cancel", R"({"comment":"stop it"})", 202, {R"("cancel-requested":true)"}},
  });
  Report("run", R"({"status":"canceled"})");
  Check({{"cancel a canceled one", "POST", "/runs/{run}/actions/cancel", "", 204}});

  CreateRun("run");
  Report("run", R"({"status":"planning"})");
  Report("run", R"({"status":"planned","has-changes":true})");
  Check({
      {"cancel a waiting one", "POST", "/runs/{run}/actions/cancel", "", 409},
      {"later",
       "POST",
       "/runs/{run}/actions/apply",
       R"({"apply-at":"2027-01-01T00:00:00Z"})",
       422,
       {"/data/attributes/apply-at"}},
      {"long comment",
       "POST",
       "/runs/{run}/actions/apply",
       R"({"comment":")" + std::string(513, 'c') + R"("})",
       422,
       {"/data/attributes/comment"}},
      {"not an object", "POST", "/runs/{run}/actions/apply", "[]", 422, {"must be an object"}},
      {"apply", "POST", "/runs/{run}/actions/apply", R"({"comment":"fine"})", 202, {R"("status":"confirmed")"}},
      {"apply twice", "POST", "/runs/{run}/actions/apply", "", 409},
      {"unknown run", "POST", "/runs/run-v00aaaaaaaaaa01/actions/apply", "", 404, {"Run with ID"}},
  });

  Report("run", R"({"status":"applying"})");
  Report("run", R"({"status":"applied"})");
  CreateRun("run");
  Report("run", R"({"status":"planning"})");
  Report("run", R"({"status":"planned","has-changes":true})");
  Report("run", R"({"status":"policy_checking"})");
  Report("run", R"({"status":"policy_override"})");
  Check({{"apply does not override", "POST", "/runs/{run}/actions/apply", "", 409},
         {"override", "POST", "/runs/{run}/actions/override", "", 202, {R"("status":"policy_checked")"}},
         {"discard", "POST", "/runs/{run}/actions/discard", "", 202, {R"("status":"discarded")"}}});
}

TEST_F(RunsTest, EventsTellWhyWebhooksFiredOrNot) {
  Create("quiet", "/webhooks",
         Doc("webhooks", R"({"name":"quiet"})", {"endpoint:endpoints:{ep}", "workspace:workspaces:{ws}"}));
  CreateRun("run");
  Finish("run");
  Check({{"events",
          "GET",
          "/runs/{run}/events",
          "",
          200,
          {R"("type":"run-events")", R"("name":"run:completed")", R"("reason":"no_changes")", R"("sequence":1)",
           R"("webhook":"{wh}","webhook-name":"all","fired":true,"delivery":"wd-)",
           R"("webhook":"{quiet}","webhook-name":"quiet","fired":false,"delivery":null,)"
           R"("not-fired-reason":"event_not_selected")"}},
         {"of nothing", "GET", "/runs/run-v00aaaaaaaaaa01/events", "", 404, {"Run with ID"}},
         {"parameters", "GET", "/runs/{run}/events?page[size]=1", "", 422, {"page[size]"}}});
}

TEST_F(RunsTest, ListsAreFiltered) {
  CreateRun("one");
  CreateRun("two", "{ws2}");
  CreateRun("three", "{ws3}");
  Finish("one");
  Check({
      {"by workspace", "GET", "/runs?filter[workspace]={ws}", "", 200, {"{one}"}, {"{two}", "{three}"}},
      {"by environment", "GET", "/runs?filter[environment]={env}", "", 200, {"{one}", "{two}"}, {"{three}"}},
      {"by status", "GET", "/runs?filter[status]=planned_and_finished,applied", "", 200, {"{one}"}, {"{two}"}},
      {"by creator",
       "GET",
       "/runs?filter[source]=cli&include=workspace,created-by",
       "",
       200,
       {R"("total-count":3)", R"("type":"users")", R"("type":"workspaces","id":"{ws}","attributes")"}},
      {"by time",
       "GET",
       "/runs?filter[created-at]=between:2026-01-01T00:00:00Z,2026-01-02T00:00:00Z",
       "",
       200,
       {R"("total-count":3)"}},
      {"unknown filter", "GET", "/runs?filter[mood]=good", "", 422, {"filter[mood]"}},
  });
  auto creator =
      base::StringAt(Send("GET", "/runs/{one}").json(), {"data", "relationships", "created-by", "data", "id"});
  ASSERT_TRUE(creator);
  Check({{"by the creator's id", "GET", "/runs?filter[created-by]=" + *creator, "", 200, {R"("total-count":3)"}}});
}

}  // namespace
}  // namespace serve
