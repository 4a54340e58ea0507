#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "net/net.h"
#include "support/fake_endpoint.h"
#include "support/fake_resolver.h"
#include "support/manual_clock.h"

namespace net {
namespace {

using base::Micros;
using std::chrono::seconds;
using testing::HasSubstr;
using testing_support::Behaviour;
using testing_support::CertificateKind;
using testing_support::FakeEndpoint;
using testing_support::FakeResolver;
using testing_support::Misbehave;
using testing_support::Respond;
using Kind = Behaviour::Kind;

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    EXPECT_TRUE(egress_.Allow("127.0.0.0/8"));
    Restart({});
  }

  void Restart(ClientLimits limits) {
    client_.reset();
    client_ = std::make_unique<Client>(io_, clock_, resolver_, &egress_, limits);
  }

  static SendRequest Post(const std::string& url, std::string body = "{}") {
    SendRequest request;
    request.url = ParseUrl(url).value();
    request.header_lines =
        "Host: " + request.url.HostHeader() + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    request.body = std::move(body);
    request.repeatable = true;
    return request;
  }

  // A request under way.
  class Sending {
   public:
    bool ended() const { return state_->ended; }
    SendResult get() {
      state_->signal.Wait();
      return state_->result;
    }

   private:
    friend class ClientTest;
    struct State {
      SendResult result;
      std::atomic<bool> ended = false;
      base::Signal signal;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
  };

  Sending Start(SendRequest request) {
    Sending sending;
    io_.Post([this, state = sending.state_, request = std::move(request)]() mutable {
      client_->Send(std::move(request), [state](SendResult result) {
        state->result = std::move(result);
        state->ended = true;
        state->signal.Raise();
      });
    });
    return sending;
  }

  SendResult Send(SendRequest request) { return SendAndWait(*client_, io_, std::move(request)); }
  SendResult Send(const std::string& url) { return Send(Post(url)); }

  // Everything that was handed to the I/O thread before has happened when this returns.
  void Flush() {
    base::Signal done;
    io_.Post([&] { done.Raise(); });
    done.Wait();
  }

  // Moves the time and waits for all that follows from it on the I/O thread, whose timer may have to be set again.
  void Pass(Micros time) {
    Flush();
    clock_.Advance(time);
    Flush();
    clock_.Settle();
    Flush();
  }

  void ExpectDelivers(const std::string& url) {
    SendResult result = Send(url);
    EXPECT_EQ(Name(result.fault), "none") << result.detail;
    EXPECT_EQ(result.code, 204);
  }

  testing_support::ManualClock clock_;
  FakeResolver resolver_;
  Egress egress_;
  IoThread io_{"test-io", clock_};
  std::unique_ptr<Client> client_;
};

// ---- what is sent and what comes back ----

TEST_F(ClientTest, SendsTheRequestAsGivenAndReturnsTheResponse) {
  FakeEndpoint endpoint;
  endpoint.Then(Respond(201, "X-One: 1\r\nX-Two:  2 \r\n", "made"));
  SendRequest request = Post(endpoint.Url("/hook?a=b"), "{\"k\":1}");
  request.header_lines += "X-Custom: Value\r\n";
  SendResult result = Send(request);

  EXPECT_EQ(result.fault, Fault::kNone);
  EXPECT_EQ(result.code, 201);
  EXPECT_EQ(result.body, "made");
  EXPECT_FALSE(result.body_cut);
  EXPECT_EQ(result.header_lines, "X-One: 1\r\nX-Two: 2\r\nContent-Length: 4\r\n");
  EXPECT_EQ(result.address->Text(), "127.0.0.1");
  EXPECT_EQ(result.port, endpoint.port());

  auto requests = endpoint.Requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].head, "POST /hook?a=b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(endpoint.port()) +
                                  "\r\nContent-Length: 7\r\nX-Custom: Value\r\n\r\n");
  EXPECT_EQ(requests[0].body, "{\"k\":1}");
}

TEST_F(ClientTest, KeepsAndReusesItsConnection) {
  FakeEndpoint endpoint;
  for (int i = 0; i < 5; ++i) {
    SendResult result = Send(endpoint.Url());
    EXPECT_EQ(result.code, 204);
    EXPECT_EQ(result.reused_connection, i > 0);
    EXPECT_EQ(result.timings.tls, -1);
    EXPECT_GE(result.timings.total, 0);
    if (i > 0) {
      EXPECT_EQ(result.timings.connect, 0);
    }
  }
  EXPECT_EQ(endpoint.ConnectionCount(), 1u);
}

TEST_F(ClientTest, ClosesWhenTheRequestOrTheServerSaysSo) {
  FakeEndpoint endpoint;
  SendRequest once = Post(endpoint.Url());
  once.keep_alive = false;
  EXPECT_EQ(Send(once).code, 204);
  EXPECT_EQ(endpoint.Requests()[0].Header("connection"), "close");
  endpoint.Then(Respond(200, "Connection: close\r\n", "bye"));
  EXPECT_EQ(Send(endpoint.Url()).body, "bye");
  EXPECT_FALSE(Send(endpoint.Url()).reused_connection);
  EXPECT_EQ(endpoint.ConnectionCount(), 3u);
}

TEST_F(ClientTest, AResponseToHeadHasNoBody) {
  FakeEndpoint endpoint;
  endpoint.Then(Misbehave(Kind::kHangMidBody));  // announces ten bytes
  SendRequest request = Post(endpoint.Url());
  request.method = "HEAD";
  SendResult result = Send(request);
  EXPECT_EQ(result.code, 200);
  EXPECT_FALSE(result.body_cut);
}

TEST_F(ClientTest, NeverFollowsRedirects) {
  FakeEndpoint endpoint, inside;
  endpoint.Then(testing_support::Redirect(inside.Url()));
  endpoint.Then(testing_support::Redirect("http://169.254.169.254/latest/meta-data/"));
  EXPECT_EQ(Send(endpoint.Url()).code, 302);
  EXPECT_EQ(Send(endpoint.Url()).code, 302);
  EXPECT_EQ(inside.ConnectionCount(), 0u);
}

TEST_F(ClientTest, NeverDecodes) {
  FakeEndpoint endpoint;
  endpoint.Then(Misbehave(Kind::kGzipBomb));
  SendResult result = Send(endpoint.Url());
  EXPECT_EQ(result.fault, Fault::kNone);
  EXPECT_LT(result.body.size(), 20u << 10);
  EXPECT_EQ(result.body.substr(0, 2), "\x1f\x8b");
}

TEST_F(ClientTest, KeepsTheFirstBytesOfALongBodyAndCloses) {
  FakeEndpoint endpoint;
  for (Kind kind : {Kind::kGiantBody, Kind::kEndlessBody}) {
    endpoint.Then(Misbehave(kind));
    SendResult result = Send(endpoint.Url());
    EXPECT_EQ(result.fault, Fault::kNone) << Name(kind);
    EXPECT_EQ(result.code, 200);
    EXPECT_TRUE(result.body_cut);
    EXPECT_EQ(result.body, std::string(64 << 10, 'x'));
    EXPECT_FALSE(Send(endpoint.Url()).reused_connection);
  }
  endpoint.Then(Respond(200, "", "exactly"));
  SendRequest request = Post(endpoint.Url());
  request.keep_body = 7;
  SendResult result = Send(request);
  EXPECT_EQ(result.body, "exactly");
  EXPECT_FALSE(result.body_cut);
}

// ---- every fault, then recovery ----

struct FaultRow {
  Kind kind;
  Fault fault;  // what a fresh connection shows
  bool cut;     // when none
  bool hangs;   // ended by the deadline
};

const FaultRow kFaultRows[] = {
    {Kind::kRespond, Fault::kNone, false, false},
    {Kind::kHangAfterAccept, Fault::kResponseTimeout, false, true},
    {Kind::kCloseAfterAccept, Fault::kSendFailed, false, false},
    {Kind::kPlainBytes, Fault::kNone, true, true},  // without TLS: an answer whose body ends with the connection
    {Kind::kHangBeforeAnswer, Fault::kResponseTimeout, false, true},
    {Kind::kCloseWithoutAnswer, Fault::kSendFailed, false, false},
    {Kind::kResetWithoutAnswer, Fault::kSendFailed, false, false},
    {Kind::kHangMidHeaders, Fault::kResponseTimeout, false, true},
    {Kind::kResetMidHeaders, Fault::kSendFailed, false, false},
    {Kind::kHangMidBody, Fault::kNone, true, true},
    {Kind::kResetMidBody, Fault::kNone, true, false},
    {Kind::kCloseMidBody, Fault::kNone, true, false},
    {Kind::kLongerThanSaid, Fault::kNone, false, false},
    {Kind::kDrip, Fault::kNone, false, false},
    {Kind::kEndlessHeaders, Fault::kBadResponse, false, false},
    {Kind::kEndlessBody, Fault::kNone, true, false},
    {Kind::kGiantBody, Fault::kNone, true, false},
    {Kind::kGzipBomb, Fault::kNone, false, false},
    {Kind::kInformationalFlood, Fault::kBadResponse, false, false},
    {Kind::kContradictoryLength, Fault::kBadResponse, false, false},
    {Kind::kGarbage, Fault::kBadResponse, false, false},
    {Kind::kRespondAndClose, Fault::kNone, false, false},
};

class ClientFaultTest : public ClientTest, public testing::WithParamInterface<FaultRow> {};

TEST_P(ClientFaultTest, IsNamedAndTheNextRequestIsDelivered) {
  const FaultRow& row = GetParam();
  FakeEndpoint endpoint;
  endpoint.Then(Misbehave(row.kind));
  auto sending = Start(Post(endpoint.Url()));
  if (row.hangs) {
    endpoint.WaitForHangs(1);
    Flush();  // and once more in Pass: by then the I/O thread has read what came before the hang
    Pass(seconds(14));
    EXPECT_FALSE(sending.ended());
    Pass(seconds(1));
  }
  SendResult result = sending.get();
  EXPECT_EQ(Name(result.fault), Name(row.fault)) << result.detail;
  EXPECT_EQ(result.body_cut, row.cut);
  EXPECT_EQ(result.code == 0, row.fault != Fault::kNone);
  EXPECT_EQ(result.detail.empty(), row.fault == Fault::kNone) << result.detail;
  EXPECT_EQ(result.timings.total, row.hangs ? 15'000'000 : 0);
  EXPECT_EQ(client_->in_flight(), 0u);
  ExpectDelivers(endpoint.Url());
  ExpectDelivers(endpoint.Url());
}

INSTANTIATE_TEST_SUITE_P(Faults, ClientFaultTest, testing::ValuesIn(kFaultRows),
                         [](const auto& row) { return std::string(testing_support::Name(row.param.kind)); });

TEST(FakeEndpoint, EveryBehaviourHasARowAbove) {
  EXPECT_EQ(std::size(kFaultRows), testing_support::AllBehaviours().size());
}

TEST_F(ClientTest, RefusedThenAcceptedAgain) {
  FakeEndpoint endpoint;
  ExpectDelivers(endpoint.Url());
  endpoint.Refuse();
  SendResult result = Send(endpoint.Url());
  EXPECT_EQ(Name(result.fault), "connect_refused");
  EXPECT_EQ(result.detail, "connection refused");
  endpoint.AcceptAgain();
  ExpectDelivers(endpoint.Url());
}

// ---- connections that died while idle ----

TEST_F(ClientTest, ReplacesADeadConnectionOnceWithinTheAttempt) {
  FakeEndpoint endpoint;
  ExpectDelivers(endpoint.Url());
  endpoint.Then(Misbehave(Kind::kCloseWithoutAnswer));  // on the kept connection: as if it had died while idle
  SendResult result = Send(endpoint.Url());
  EXPECT_EQ(result.code, 204);
  EXPECT_FALSE(result.reused_connection);
  EXPECT_EQ(endpoint.RequestCount(), 3u);

  endpoint.Then(Misbehave(Kind::kCloseWithoutAnswer));
  endpoint.Then(Misbehave(Kind::kCloseWithoutAnswer));
  EXPECT_EQ(Name(Send(endpoint.Url()).fault), "send_failed") << "a fresh one that dies is a fault";
  EXPECT_EQ(endpoint.RequestCount(), 5u);
}

TEST_F(ClientTest, WhatIsNotRepeatableIsSentOnce) {
  FakeEndpoint endpoint;
  ExpectDelivers(endpoint.Url());
  SendRequest request = Post(endpoint.Url());
  request.repeatable = false;
  endpoint.Then(Misbehave(Kind::kCloseWithoutAnswer));
  EXPECT_EQ(Name(Send(request).fault), "send_failed");
  EXPECT_EQ(endpoint.RequestCount(), 2u);
  EXPECT_EQ(endpoint.ConnectionCount(), 2u) << "not on a connection that may be dead";
  EXPECT_EQ(Send(request).code, 204);
  EXPECT_TRUE(Send(endpoint.Url()).reused_connection) << "what it leaves is of use to others";
}

TEST_F(ClientTest, DoesNotSendAgainOnceTheAnswerHasBegun) {
  FakeEndpoint endpoint;
  ExpectDelivers(endpoint.Url());
  endpoint.Then(Misbehave(Kind::kResetMidHeaders));
  EXPECT_EQ(Name(Send(endpoint.Url()).fault), "send_failed");
  EXPECT_EQ(endpoint.RequestCount(), 2u);
}

TEST_F(ClientTest, ClosesConnectionsThatAreIdleForLong) {
  FakeEndpoint endpoint;
  ExpectDelivers(endpoint.Url());
  Pass(seconds(29));
  EXPECT_TRUE(Send(endpoint.Url()).reused_connection);
  Pass(seconds(30));
  EXPECT_FALSE(Send(endpoint.Url()).reused_connection);
}

TEST_F(ClientTest, KeepsNoMoreIdleConnectionsThanAllowed) {
  ClientLimits limits;
  limits.max_idle_per_host = 2;
  limits.max_idle = 3;
  Restart(limits);
  FakeEndpoint a, b("127.0.0.2");
  auto send_four_at_once = [this](FakeEndpoint& endpoint) {
    auto all_here = std::make_shared<std::latch>(4);
    endpoint.DecideBy([all_here](const auto&) {
      all_here->arrive_and_wait();
      return Respond(204);
    });
    std::vector<Sending> results;
    for (int i = 0; i < 4; ++i) results.push_back(Start(Post(endpoint.Url())));
    for (auto& result : results) EXPECT_EQ(result.get().code, 204);
  };
  send_four_at_once(a);
  send_four_at_once(b);
  send_four_at_once(a);
  EXPECT_EQ(a.ConnectionCount(), 4u + 2) << "two of the first four were kept";
  send_four_at_once(b);
  EXPECT_EQ(b.ConnectionCount(), 4u + 3) << "there was room for one more";
}

// ---- deadlines of the steps ----

TEST_F(ClientTest, ResolvingEndsAfterFiveSeconds) {
  resolver_.Hang("slow.test");
  auto sending = Start(Post("http://slow.test/"));
  Pass(Micros(4'999'999));
  EXPECT_FALSE(sending.ended());
  Pass(Micros(1));
  SendResult result = sending.get();
  EXPECT_EQ(Name(result.fault), "resolve_timeout");
  EXPECT_EQ(result.timings.resolve, -1);
  EXPECT_EQ(result.timings.total, 5'000'000);
  resolver_.Release("slow.test");  // the late answer harms nobody
  Flush();
}

TEST_F(ClientTest, NamesThatDoNotResolve) {
  EXPECT_EQ(Name(Send("http://nowhere.test/").fault), "resolve_failed");
  resolver_.Fail("x.test", Resolved::Fault::kServer);
  EXPECT_EQ(Name(Send("http://x.test/").fault), "resolve_failed");
  resolver_.Fail("x.test", Resolved::Fault::kTimeout);
  EXPECT_EQ(Name(Send("http://x.test/").fault), "resolve_timeout");
  resolver_.Fail("x.test", Resolved::Fault::kDown);
  EXPECT_EQ(Name(Send("http://x.test/").fault), "own_fault");
}

// A listening socket whose queue is full: further connections hang as with a host that swallows packets.
class Swallower {
 public:
  explicit Swallower(const char* host, uint16_t port = 0) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, host, &address.sin_addr);
    socklen_t size = sizeof address;
    int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 0), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (int& filler : fillers_) {
      filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      connect(filler, reinterpret_cast<sockaddr*>(&address), size);
    }
  }
  ~Swallower() {
    for (int filler : fillers_) close(filler);
    close(listener_);
  }
  uint16_t port() const { return port_; }

 private:
  int listener_ = -1;
  int fillers_[4] = {};
  uint16_t port_ = 0;
};

TEST_F(ClientTest, ConnectingEndsAfterFiveSeconds) {
  Swallower swallower("127.0.0.1");
  auto sending = Start(Post("http://127.0.0.1:" + std::to_string(swallower.port()) + "/"));
  Pass(Micros(4'999'999));
  EXPECT_FALSE(sending.ended());
  Pass(Micros(1));
  SendResult result = sending.get();
  EXPECT_EQ(Name(result.fault), "connect_timeout");
  EXPECT_EQ(result.timings.connect, -1);
}

TEST_F(ClientTest, AnAddressThatSwallowsPacketsDoesNotHideTheOthers) {
  FakeEndpoint endpoint("127.0.0.3");
  Swallower swallower("127.0.53.1", endpoint.port());
  resolver_.Set("two.test", {{"127.0.53.1", "127.0.0.3"}});
  auto sending = Start(Post(endpoint.UrlAs("two.test")));
  Pass(Micros(2'500'000));
  SendResult result = sending.get();
  EXPECT_EQ(result.code, 204) << result.detail;
  EXPECT_EQ(result.address->Text(), "127.0.0.3");
}

TEST_F(ClientTest, TriesTheNextAddressWhenOneRefuses) {
  FakeEndpoint endpoint("127.0.0.3");
  resolver_.Set("two.test", {{"127.0.53.2", "127.0.0.3"}});
  SendResult result = Send(endpoint.UrlAs("two.test"));
  EXPECT_EQ(result.code, 204) << result.detail;
  EXPECT_EQ(result.address->Text(), "127.0.0.3");
}

TEST_F(ClientTest, TheWholeAttemptHasOneDeadline) {
  FakeEndpoint endpoint;
  resolver_.Set("host.test", {{"127.0.0.1"}});
  resolver_.Hang("host.test");
  endpoint.SetDefault(Misbehave(Kind::kHangBeforeAnswer));
  SendRequest request = Post(endpoint.UrlAs("host.test"));
  request.timeout = seconds(6);
  auto sending = Start(request);
  Pass(seconds(4));
  resolver_.Release("host.test");
  endpoint.WaitForRequests(1);
  Pass(seconds(2));
  SendResult result = sending.get();
  EXPECT_EQ(Name(result.fault), "response_timeout");
  EXPECT_EQ(result.timings.resolve, 4'000'000);
  EXPECT_EQ(result.timings.total, 6'000'000);
}

TEST_F(ClientTest, AHangingEndpointDelaysNobody) {
  FakeEndpoint hanging, healthy;
  hanging.SetDefault(Misbehave(Kind::kHangBeforeAnswer));
  std::vector<Sending> stuck;
  for (int i = 0; i < 50; ++i) stuck.push_back(Start(Post(hanging.Url())));
  hanging.WaitForRequests(50);
  for (int i = 0; i < 50; ++i) ExpectDelivers(healthy.Url());
  hanging.Release();
  for (auto& result : stuck) EXPECT_EQ(Name(result.get().fault), "send_failed");
}

// ---- the guard ----

TEST_F(ClientTest, RefusesClosedAddressesWithoutAPacket) {
  Egress closed;
  client_ = std::make_unique<Client>(io_, clock_, resolver_, &closed);
  FakeEndpoint endpoint;
  resolver_.Set("inside.test", {{"127.0.0.1"}});
  resolver_.Set("mixed.test", {{"93.184.216.34", "127.0.0.1"}});
  resolver_.Set("carried.test", {{"64:ff9b::7f00:1"}});
  for (const std::string& url : {endpoint.Url(), endpoint.UrlAs("inside.test"), endpoint.UrlAs("mixed.test"),
                                 endpoint.UrlAs("carried.test"), endpoint.UrlAs("[::ffff:127.0.0.1]")}) {
    SendResult result = Send(url);
    EXPECT_EQ(Name(result.fault), "refused_by_guard") << url;
    EXPECT_EQ(result.refusal, Refusal::kLoopback) << url;
    EXPECT_THAT(result.detail, HasSubstr("loopback"));
  }
  EXPECT_EQ(endpoint.ConnectionCount(), 0u);
}

TEST_F(ClientTest, JudgesEveryLookUpAnew) {
  Egress only;
  ASSERT_TRUE(only.Allow("127.0.0.1"));
  client_ = std::make_unique<Client>(io_, clock_, resolver_, &only);
  FakeEndpoint endpoint;
  resolver_.Set("rebind.test", {{"127.0.0.1"}, {"127.0.0.2"}, {"169.254.169.254"}, {"127.0.0.1"}});
  EXPECT_EQ(Send(endpoint.UrlAs("rebind.test")).code, 204);
  EXPECT_EQ(Send(endpoint.UrlAs("rebind.test")).refusal, Refusal::kLoopback) << "in spite of an idle connection";
  EXPECT_EQ(Send(endpoint.UrlAs("rebind.test")).refusal, Refusal::kMetadata);
  EXPECT_TRUE(Send(endpoint.UrlAs("rebind.test")).reused_connection);
}

TEST_F(ClientTest, AnIdleConnectionServesItsOwnAddressOnly) {
  FakeEndpoint endpoint;
  resolver_.Set("moves.test", {{"127.0.0.1"}, {"127.0.53.2"}});
  EXPECT_EQ(Send(endpoint.UrlAs("moves.test")).code, 204);
  EXPECT_EQ(Name(Send(endpoint.UrlAs("moves.test")).fault), "connect_refused") << "nothing listens at the new address";
  EXPECT_EQ(endpoint.RequestCount(), 1u);
}

TEST_F(ClientTest, WithoutAGuardEverythingMayBeReached) {
  client_ = std::make_unique<Client>(io_, clock_, resolver_, nullptr);
  FakeEndpoint endpoint;
  ExpectDelivers(endpoint.Url());
}

// ---- TLS ----

class ClientTlsTest : public ClientTest {
 protected:
  SendResult SendTls(FakeEndpoint& endpoint, const std::string& name = "hook.test") {
    resolver_.Set(name, {{"127.0.0.1"}});
    SendRequest request = Post(endpoint.UrlAs(name));
    request.ca_file = testing_support::TestAuthorityFile();
    return Send(request);
  }
};

TEST_F(ClientTlsTest, SendsOverATrustedConnectionAndReusesIt) {
  FakeEndpoint endpoint("127.0.0.1", CertificateKind::kTrusted);
  endpoint.SetDefault(Respond(200, "", std::string(30'000, 'y')));
  for (int i = 0; i < 3; ++i) {
    SendResult result = SendTls(endpoint);
    ASSERT_EQ(Name(result.fault), "none") << result.detail;
    EXPECT_EQ(result.body.size(), 30'000u);
    EXPECT_EQ(result.reused_connection, i > 0);
    EXPECT_GE(result.timings.tls, 0);
  }
  SendRequest by_address = Post(endpoint.Url());
  by_address.ca_file = testing_support::TestAuthorityFile();
  EXPECT_EQ(Send(by_address).code, 200);
}

TEST_F(ClientTlsTest, SaysInWordsWhatIsWrongWithTheCertificate) {
  struct Row {
    CertificateKind kind;
    const char* words;
  };
  for (const Row& row : {Row{CertificateKind::kExpired, "certificate has expired"},
                         Row{CertificateKind::kWrongHost, "hostname mismatch"},
                         Row{CertificateKind::kSelfSigned, "self-signed certificate"}}) {
    FakeEndpoint endpoint("127.0.0.1", row.kind);
    SendResult result = SendTls(endpoint);
    EXPECT_EQ(Name(result.fault), "tls_failed");
    EXPECT_EQ(result.detail, row.words);
    EXPECT_EQ(endpoint.RequestCount(), 0u);
  }
}

TEST_F(ClientTlsTest, AnAuthorityNotNamedIsNotTrusted) {
  FakeEndpoint endpoint("127.0.0.1", CertificateKind::kTrusted);
  SendResult result = Send(endpoint.Url());
  EXPECT_EQ(Name(result.fault), "tls_failed");
  EXPECT_THAT(result.detail, HasSubstr("certificate"));
}

TEST_F(ClientTlsTest, UnverifiedConnectionsAreKeptApart) {
  FakeEndpoint endpoint("127.0.0.1", CertificateKind::kSelfSigned);
  SendRequest request = Post(endpoint.Url());
  request.verify_tls = false;
  EXPECT_EQ(Send(request).code, 204);
  request.verify_tls = true;
  EXPECT_EQ(Name(Send(request).fault), "tls_failed") << "must not ride on the unverified connection";
}

TEST_F(ClientTlsTest, PlainBytesInPlaceOfAHandshake) {
  FakeEndpoint endpoint("127.0.0.1", CertificateKind::kTrusted);
  endpoint.Then(Misbehave(Kind::kPlainBytes));
  SendResult result = SendTls(endpoint);
  EXPECT_EQ(Name(result.fault), "tls_failed");
  EXPECT_FALSE(result.detail.empty());
  EXPECT_EQ(SendTls(endpoint).code, 204);
}

TEST_F(ClientTlsTest, AHandshakeThatHangsIsAConnectTimeout) {
  FakeEndpoint endpoint("127.0.0.1", CertificateKind::kTrusted);
  endpoint.Then(Misbehave(Kind::kHangAfterAccept));
  auto sending = Start(Post(endpoint.Url()));
  endpoint.WaitForConnections(1);
  Pass(seconds(5));
  SendResult result = sending.get();
  EXPECT_EQ(Name(result.fault), "connect_timeout");
  EXPECT_THAT(result.detail, HasSubstr("TLS"));
}

TEST_F(ClientTlsTest, AnUnreadableAuthorityFileIsNamed) {
  FakeEndpoint endpoint("127.0.0.1", CertificateKind::kTrusted);
  SendRequest request = Post(endpoint.Url());
  request.ca_file = "/nonexistent/ca.pem";
  SendResult result = Send(request);
  EXPECT_EQ(Name(result.fault), "tls_failed");
  EXPECT_THAT(result.detail, HasSubstr("/nonexistent/ca.pem"));
}

// ---- own faults and the end ----

TEST_F(ClientTest, RunningOutOfDescriptorsIsAnOwnFault) {
  FakeEndpoint endpoint;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = dup(0);
  close(next);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  SendResult result = Send(endpoint.Url());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(Name(result.fault), "own_fault");
  EXPECT_EQ(result.detail, "too many open files");
  ExpectDelivers(endpoint.Url());
}

TEST_F(ClientTest, WhatIsUnderWayWhenTheClientGoesIsAnOwnFault) {
  FakeEndpoint endpoint;
  endpoint.SetDefault(Misbehave(Kind::kHangBeforeAnswer));
  resolver_.Hang("slow.test");
  auto exchanging = Start(Post(endpoint.Url()));
  auto resolving = Start(Post("http://slow.test/"));
  endpoint.WaitForRequests(1);
  Flush();
  EXPECT_EQ(client_->in_flight(), 2u);
  client_.reset();
  EXPECT_EQ(Name(exchanging.get().fault), "own_fault");
  EXPECT_EQ(resolving.get().detail, "shutting down");
}

TEST_F(ClientTest, NeverCallsBackFromWithinSend) {
  Egress closed;
  client_ = std::make_unique<Client>(io_, clock_, resolver_, &closed);
  base::Signal finished;
  bool inside = false, told_inside = false;
  io_.Post([&] {
    inside = true;
    client_->Send(Post("http://10.0.0.1/"), [&](SendResult) {
      told_inside = inside;
      finished.Raise();
    });
    inside = false;
  });
  finished.Wait();
  EXPECT_FALSE(told_inside);
}

}  // namespace
}  // namespace net
