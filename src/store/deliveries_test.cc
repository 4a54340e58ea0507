#include "store/fixture.h"

namespace store {
namespace {

class DeliveriesTest : public StoreTest {
 protected:
  DeliveriesTest() {
    environment_ = MakeEnvironment("prod");
    workspace_ = MakeWorkspace(environment_, "network");
    endpoint_ = MakeEndpoint({environment_.id, {}}, "chat");
    webhook_ = MakeWebhook(endpoint_, "all of it");
  }
  Environment environment_;
  Workspace workspace_;
  Endpoint endpoint_;
  Webhook webhook_;
};

TEST_F(DeliveriesTest, AnEventIsAcceptedLoadedAndRecorded) {
  const Transitioned rung = Ring(workspace_.id);
  ASSERT_TRUE(rung.event);
  EXPECT_EQ(rung.deliveries, 1);
  const Delivery delivery = TheDelivery();
  EXPECT_EQ(delivery.status, DeliveryStatus::kPending);
  EXPECT_EQ(delivery.kind, run::EventKind::kErrored);
  EXPECT_EQ(delivery.environment, environment_.id);
  {
    auto seen = seen_.Lock();
    ASSERT_EQ(seen->waiting.size(), 1u);
    EXPECT_EQ(seen->waiting[0].id, delivery.id);
    EXPECT_EQ(seen->waiting[0].endpoint, endpoint_.id);
  }
  const auto loaded = Ok(store_->Load({delivery.id}));
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_NE(loaded[0].body.find("\"message\":\"Updated instance\\n\""), std::string::npos) << loaded[0].body;
  EXPECT_NE(loaded[0].body.find("\"webhook\":{\"id\":\"" + Format(webhook_.id) + "\",\"name\":\"all of it\"}"),
            std::string::npos);
  EXPECT_NE(loaded[0].body.find("http://runbell.test/runs/" + Format(rung.run.id)), std::string::npos);

  AttemptRecord record = Arrived(delivery);
  record.attempt.request_headers = "Host: x\r\nX-Scalr-Delivery-Id: " + Format(delivery.id) + "\r\n";
  record.attempt.response_headers = "Content-Length: 2\r\n";
  record.attempt.response_body = "ok";
  record.attempt.address = "127.0.0.1:1";
  record.attempt.total_us = 1234;
  EXPECT_EQ(Ok(Record({record})), 0);
  const DeliveryDetail detail = Ok(store_->Detail(kSystem, delivery.id));
  EXPECT_EQ(detail.delivery.status, DeliveryStatus::kCompleted);
  EXPECT_EQ(detail.body, loaded[0].body);
  ASSERT_TRUE(detail.last_attempt);
  EXPECT_EQ(detail.last_attempt->request_headers, record.attempt.request_headers);
  EXPECT_EQ(detail.last_attempt->response_headers, "Content-Length: 2\r\n");
  EXPECT_EQ(detail.last_attempt->response_body, "ok");
  EXPECT_EQ(detail.last_attempt->address, "127.0.0.1:1");
  EXPECT_EQ(detail.last_attempt->total_us, 1234);
  EXPECT_EQ(detail.last_attempt->tls_us, -1);
  EXPECT_EQ(detail.last_attempt->number, 1);
  CheckTotals();
}

}  // namespace
}  // namespace store
