#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/guarded.h"
#include "net/net.h"
#include "runner/runner.h"
#include "support/manual_clock.h"

namespace runner {
namespace {

using base::Code;
using testing::HasSubstr;
using testing::Not;
using testing_support::ManualClock;

class ApiClientTest : public testing::Test {
 protected:
  ApiClientTest() : io_("answers", clock_) {
    auto server = net::Server::Listen(io_, clock_, {}, [this](net::Request request, net::Responder responder) {
      if (hold_) return held_.push_back(std::move(responder));
      auto answer = answer_;
      *last_.Lock() = std::move(request);
      responder.Send(std::move(answer));
    });
    EXPECT_TRUE(server);
    server_ = std::move(*server);
  }
  std::unique_ptr<ApiClient> Connect(const std::string& path = "") {
    auto client = ApiClient::Make({.server = "http://127.0.0.1:" + std::to_string(server_->port()) + path,
                                   .token = base::Secret("tok"),
                                   .ca_file = {}},
                                  clock_);
    EXPECT_TRUE(client);
    return std::move(*client);
  }
  void AnswerWith(int status, std::string body) {
    answer_ = {
        .status = status, .content_type = "application/vnd.api+json", .header_lines = {}, .body = std::move(body)};
  }

  ManualClock clock_;
  net::IoThread io_;
  net::Response answer_;
  bool hold_ = false;
  std::vector<net::Responder> held_;
  base::Guarded<net::Request> last_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(ApiClientTest, SendsWhatTheApiExpects) {
  auto client = Connect("/under/");
  AnswerWith(201, R"({"data":{"id":"x"}})");
  auto made = client->Post("runs?a=b", base::json::object{{"data", nullptr}});
  ASSERT_TRUE(made);
  EXPECT_EQ(base::StringAt(*made, {"data", "id"}), "x");
  auto request = last_.Lock();
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->target, "/under/api/iacp/v3/runs?a=b");
  EXPECT_EQ(request->body, R"({"data":null})");
  EXPECT_EQ(request->Header("authorization"), "Bearer tok");
  EXPECT_EQ(request->Header("content-type"), "application/vnd.api+json");
  EXPECT_EQ(request->Header("accept"), "application/vnd.api+json");
}

TEST_F(ApiClientTest, EveryMethodIsItsOwn) {
  auto client = Connect();
  AnswerWith(200, "{}");
  EXPECT_TRUE(client->Get("a"));
  EXPECT_EQ(last_.Lock()->method, "GET");
  EXPECT_TRUE(client->Patch("a", base::json::object()));
  EXPECT_EQ(last_.Lock()->method, "PATCH");
  AnswerWith(204, "");
  auto deleted = client->Delete("a");
  ASSERT_TRUE(deleted);
  EXPECT_TRUE(deleted->is_null());
  EXPECT_EQ(last_.Lock()->method, "DELETE");
}

TEST_F(ApiClientTest, ErrorDocumentsBecomeErrorsInTheServersWords) {
  auto client = Connect();
  struct Case {
    int status;
    Code code;
  };
  for (auto [status, code] :
       {Case{400, Code::kInvalid}, Case{401, Code::kDenied}, Case{403, Code::kDenied}, Case{404, Code::kNotFound},
        Case{409, Code::kConflict}, Case{410, Code::kGone}, Case{413, Code::kTooLarge}, Case{422, Code::kInvalid},
        Case{429, Code::kUnavailable}, Case{500, Code::kUnavailable}, Case{503, Code::kUnavailable},
        Case{302, Code::kUnavailable}}) {
    AnswerWith(status, R"({"errors":[{"title":"Title","detail":"what is wrong","source":{"pointer":"/data/x"}}]})");
    auto answer = client->Get("a");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, code) << status;
    EXPECT_EQ(answer.error().where, "/data/x");
    EXPECT_EQ(answer.error().message, status == 401 ? "the server does not accept the token" : "what is wrong");
  }
  AnswerWith(404, R"({"errors":[{"title":"Run with ID 'x' not found or user unauthorized."}]})");
  auto answer = client->Get("a");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "Run with ID 'x' not found or user unauthorized.");
  AnswerWith(422, "<html>");
  EXPECT_EQ(client->Get("a").error().message, "the server answered 422");
}

TEST_F(ApiClientTest, WhatDoesNotSpeakOurProtocolIsUnavailable) {
  auto client = Connect();
  AnswerWith(200, "<html>hello</html>");
  auto answer = client->Get("a");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("does not answer like a Runbell server"));
}

TEST_F(ApiClientTest, AServerThatIsGoneIsUnavailable) {
  auto client = Connect();
  server_.reset();
  auto answer = client->Get("a");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
  EXPECT_THAT(answer.error().message, HasSubstr("http://127.0.0.1:"));
  EXPECT_THAT(answer.error().message, Not(HasSubstr("tok")));
}

TEST_F(ApiClientTest, StopEndsWhatIsUnderWayAndWhatComesLater) {
  hold_ = true;
  auto client = Connect();
  std::thread stopper([&] {
    clock_.WaitForTimers(1);
    client->Stop();
  });
  auto held = client->Poll("changes", base::Micros(25'000'000));
  stopper.join();
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, Code::kUnavailable);
  EXPECT_FALSE(client->Get("a"));
}

TEST(ApiClient, BadAddressesAndTokensAreRefused) {
  ManualClock clock;
  auto refused = [&](std::string server, std::string token) {
    auto client =
        ApiClient::Make({.server = std::move(server), .token = base::Secret(std::move(token)), .ca_file = {}}, clock);
    return !client && client.error().code == Code::kInvalid;
  };
  EXPECT_TRUE(refused("127.0.0.1:8170", "tok"));
  EXPECT_TRUE(refused("ftp://host", "tok"));
  EXPECT_TRUE(refused("http://user:pw@host", "tok"));
  EXPECT_TRUE(refused("http://127.0.0.1", ""));
  EXPECT_TRUE(refused("http://127.0.0.1", "tok\r\nX-Evil: 1"));
  EXPECT_FALSE(refused("http://127.0.0.1:1/", "tok"));
}

}  // namespace
}  // namespace runner
