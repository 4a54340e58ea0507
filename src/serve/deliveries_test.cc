// The deliveries log as the API shows it.
#include "support/api_fixture.h"

namespace serve {
namespace {

class DeliveriesTest : public testing_support::ApiFixture {
 public:
  DeliveriesTest() {
    MakePlaces();
    CreateRun("run");
    Finish("run");
    auto page = store->List<store::Delivery>(base::Principal::System(), {});
    EXPECT_TRUE(page);
    EXPECT_EQ(page->items.size(), 1u);
    delivery = page->items.at(0).id;
    ids["wd"] = base::Format(delivery);
  }

  // Writes down an attempt as the dispatcher does.
  void Record(store::Attempt attempt) {
    auto waiting = store->Load({delivery});
    ASSERT_TRUE(waiting);
    ASSERT_EQ(waiting->size(), 1u);
    attempt.number = waiting->at(0).attempts_made + 1;
    attempt.started_at = clock.Now();
    base::Signal done;
    store->Record({{delivery, waiting->at(0).endpoint, std::move(attempt)}}, [&](base::Result<int> lost) {
      EXPECT_TRUE(lost && *lost == 0);
      done.Raise();
    });
    done.Wait();
  }
  store::Attempt ServerError() {
    store::Attempt attempt;
    attempt.outcome = hook::Outcome::kServerError;
    attempt.detail = "500";
    attempt.decision = {hook::Verb::kRetry, hook::Why::kScheduled, 1, clock.Now() + std::chrono::seconds(5), {}, false};
    attempt.request_headers = "Host: chat.example\r\nX-Key: (sensitive)\r\n";
    attempt.response_code = 500;
    attempt.response_headers = "Content-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nBad\xff: x\xfe\r\n";
    attempt.response_body = "broken \xff\xfe";
    attempt.first_byte_us = 1500;
    attempt.total_us = 2000;
    attempt.address = "192.0.2.7:443";
    return attempt;
  }
  store::Attempt Delivered() {
    store::Attempt attempt;
    attempt.decision = {hook::Verb::kDelivered, hook::Why::kSucceeded, 2, {}, {}, false};
    attempt.response_code = 200;
    attempt.response_headers = "Content-Type: application/json\r\n";
    attempt.response_body = R"({"ok":true})";
    return attempt;
  }

  base::DeliveryId delivery;
};

TEST_F(DeliveriesTest, ShowsTheContractsAttributes) {
  Check({
      {"before any attempt",
       "GET",
       "/integrations/webhook-deliveries/{wd}",
       "",
       200,
       {R"("type":"webhook-integration-deliveries")", R"("status":"pending")", R"("attempts":0)",
        R"("triggered-at":"2026-01-01T00:00:00Z")", R"("last-handle-attempt-at":null)", R"("error-message":null)",
        R"("response-code":null)", R"("response-headers":null)", R"("response-body":null)",
        R"("request-body":{"payload_version":1,"event_name":"run:completed")", R"("message":"Updated instance\n")",
        R"("webhook":{"data":{"type":"webhook-integrations","id":"{wh}"}})",
        R"("event":{"data":{"type":"event-definitions","id":"run:completed"}})",
        R"("environment":{"data":{"type":"environments","id":"{env}"}})",
        R"("workspace":{"data":{"type":"workspaces","id":"{ws}"}})", R"("run":{"data":{"type":"runs","id":"{run}"}})",
        R"("triggered-by":{"data":null})", R"("resend-of":{"data":null})"}},
      {"raw body",
       "GET",
       "/integrations/webhook-deliveries/{wd}?fields[webhook-integration-deliveries]=request-body-raw",
       "",
       200,
       {R"("request-body-raw":"{\"payload_version\":1,\"event_name\":\"run:completed\")", R"(Updated instance\\n)"},
       {R"("request-body":)"}},
      {"unknown", "GET", "/integrations/webhook-deliveries/wd-v00aaaaaaaaaa01", "", 404, {"Delivery with ID"}},
      {"read only", "DELETE", "/integrations/webhook-deliveries/{wd}", "", 405},
      {"no attempts", "GET", "/integrations/webhook-deliveries/{wd}/attempts", "", 200, {R"("data":[])"}},
  });
}

TEST_F(DeliveriesTest, ShowsAttemptsWithHostileAnswers) {
  Record(ServerError());
  Check({
      {"after a failure",
       "GET",
       "/integrations/webhook-deliveries/{wd}",
       "",
       200,
       {R"("status":"pending")", R"("attempts":1)", R"("error-message":"500")", R"("response-code":500)",
        R"("Set-Cookie":"a=1, b=2")", "broken \xEF\xBF\xBD", R"("decision":"scheduled")", R"("outcome":"server_error")",
        R"("next-attempt-at":"2026-01-01T00:00:05Z")", R"x("X-Key":"(sensitive)")x"},
       {"\xff"}},
      {"attempts",
       "GET",
       "/integrations/webhook-deliveries/{wd}/attempts",
       "",
       200,
       {R"("id":"{wd}-1")", R"("outcome":"server_error")", R"("verb":"retry","reason":"scheduled")",
        R"("retry-at":"2026-01-01T00:00:05.000Z")", R"("first-byte":1500)", R"("resolve":null)",
        R"("address":"192.0.2.7:443")"},
       {"\xff"}},
  });
  Record(Delivered());
  Check({
      {"after success",
       "GET",
       "/integrations/webhook-deliveries/{wd}",
       "",
       200,
       {R"("status":"completed")", R"("response-body":{"ok":true})", R"("error-message":null)",
        R"("next-attempt-at":null)"}},
      {"both attempts",
       "GET",
       "/integrations/webhook-deliveries/{wd}/attempts",
       "",
       200,
       {R"("id":"{wd}-1")", R"("id":"{wd}-2")"}},
  });
}

TEST_F(DeliveriesTest, CustomHeadersAreForThoseWhoMayReadTheEndpoint) {
  auto attempt = ServerError();
  attempt.request_headers = "Host: chat.example\r\nwebhook-id: {wd}\r\nX-Team: blue\r\n";
  Record(attempt);
  const base::Place workspace{*base::Parse<base::EnvironmentId>(ids["env"]),
                              *base::Parse<base::WorkspaceId>(ids["ws"])};
  AddToken("narrow", {base::Grant{base::Scope::kRead, workspace}});
  AddToken("wide", {base::Grant{base::Scope::kRead, {workspace.environment, {}}}});
  const std::vector<std::string> shown = {R"("Host":"chat.example")", R"("webhook-id":)", R"("X-Team":"blue")"};
  const std::vector<std::string> hidden = {R"("Host":"chat.example")", R"("webhook-id":)", R"x("X-Team":"(hidden)")x"};
  const std::string one = "/integrations/webhook-deliveries/{wd}";
  const auto row = [](const std::string& path, bool sees, const std::string& token, const auto& has) {
    const std::vector<std::string> lacks = sees ? std::vector<std::string>{} : std::vector<std::string>{"blue"};
    return testing_support::ApiRow{token + " " + path, "GET", path, "", 200, has, lacks, token};
  };
  for (const auto& path : {one, one + "/attempts", std::string("/integrations/webhook-deliveries")}) {
    Check({row(path, true, "wide", shown), row(path, false, "narrow", hidden)});
  }
  Send("DELETE", "/webhooks/{wh}");
  Send("DELETE", "/endpoints/{ep}");
  Check({row(one, true, "wide", shown), row(one, false, "narrow", hidden)});
}

TEST_F(DeliveriesTest, ListsFilterSortAndInclude) {
  Check({
      {"by status", "GET", "/integrations/webhook-deliveries?filter[status]=pending,failed", "", 200, {"{wd}"}},
      {"by another status",
       "GET",
       "/integrations/webhook-deliveries?filter[status]=completed",
       "",
       200,
       {R"("data":[])"}},
      {"by webhook", "GET", "/integrations/webhook-deliveries?filter[webhook-integration]={wh}", "", 200, {"{wd}"}},
      {"by event", "GET", "/integrations/webhook-deliveries?filter[event]=run:errored", "", 200, {R"("data":[])"}},
      {"by reason", "GET", "/integrations/webhook-deliveries?filter[reason]=no_changes", "", 200, {"{wd}"}},
      {"by another reason",
       "GET",
       "/integrations/webhook-deliveries?filter[reason]=applied",
       "",
       200,
       {R"("data":[])"}},
      {"by a decision", "GET", "/integrations/webhook-deliveries?filter[decision]=deleted", "", 200, {R"("data":[])"}},
      {"a decision is no reason",
       "GET",
       "/integrations/webhook-deliveries?filter[reason]=deleted",
       "",
       422,
       {R"("parameter":"filter[reason]")"}},
      {"by environment",
       "GET",
       "/integrations/webhook-deliveries?filter[environment]={env2}",
       "",
       200,
       {R"("data":[])"}},
      {"by time",
       "GET",
       "/integrations/webhook-deliveries?filter[triggered-at]=between:2026-01-01T00:00:00Z,2026-01-01T00:00:01Z",
       "",
       200,
       {"{wd}"}},
      {"all sorts",
       "GET",
       "/integrations/webhook-deliveries?sort=event,response-code,run,-triggered-at,webhook",
       "",
       200,
       {"{wd}"}},
      {"all includes",
       "GET",
       "/integrations/webhook-deliveries?include=environment,event,run,triggered-by,webhook,workspace",
       "",
       200,
       {R"("type":"webhook-integrations","id":"{wh}","attributes":{"name":"all")",
        R"("url":"https://chat.example/hook")", R"("type":"runs","id":"{run}","attributes")",
        R"("type":"event-definitions")"},
       {"auphee1ieshaeQu8"}},
      {"few fields",
       "GET",
       "/integrations/webhook-deliveries?fields[webhook-integration-deliveries]=status",
       "",
       200,
       {R"("attributes":{"status":"pending"})"},
       {"request-body"}},
      {"unknown sort", "GET", "/integrations/webhook-deliveries?sort=mood", "", 422, {R"("parameter":"sort")"}},
  });
}

TEST_F(DeliveriesTest, SendingAgainIsANewDelivery) {
  auto again = Send("POST", "/integrations/webhook-deliveries/{wd}/actions/resend");
  ASSERT_EQ(again.status, 201) << again.body;
  ids["again"] = *base::StringAt(again.json(), {"data", "id"});
  EXPECT_NE(ids["again"], ids["wd"]);
  Check({
      {"names the first and who",
       "GET",
       "/integrations/webhook-deliveries/{again}",
       "",
       200,
       {R"("resend-of":{"data":{"type":"webhook-integration-deliveries","id":"{wd}"}})",
        R"("triggered-by":{"data":{"type":"users","id":"user-)"}},
      {"unknown",
       "POST",
       "/integrations/webhook-deliveries/wd-v00aaaaaaaaaa01/actions/resend",
       "",
       404,
       {"Delivery with ID"}},
  });
  Send("POST", "/endpoints/{ep}/actions/disable");
  Check({{"to a disabled endpoint",
          "POST",
          "/integrations/webhook-deliveries/{wd}/actions/resend",
          "",
          409,
          {"Conflict"}}});
}

}  // namespace
}  // namespace serve
