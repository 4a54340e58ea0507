#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/net.h"
#include "support/http.h"
#include "support/manual_clock.h"

namespace net {
namespace {

using std::chrono::seconds;
using testing_support::HttpConnection;
using testing_support::HttpResponse;

// A client's end of a connection, byte by byte.
class Peer {
 public:
  explicit Peer(uint16_t port, int family = AF_INET) : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr = in6addr_loopback;
    int result = family == AF_INET ? connect(fd_, reinterpret_cast<sockaddr*>(&v4), sizeof v4)
                                   : connect(fd_, reinterpret_cast<sockaddr*>(&v6), sizeof v6);
    connected_ = result == 0;
  }
  ~Peer() { close(fd_); }
  bool connected() const { return connected_; }
  void Send(std::string_view bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // Whether the server has neither closed nor said anything, as far as it has come.
  bool Silent() {
    char one;
    return recv(fd_, &one, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }
  void EndWriting() { shutdown(fd_, SHUT_WR); }
  // Until `count` bytes are here, or the end.
  std::string Receive(size_t count) {
    std::string got;
    char room[4096];
    while (got.size() < count) {
      ssize_t n = recv(fd_, room, std::min(sizeof room, count - got.size()), 0);
      if (n <= 0) break;
      got.append(room, static_cast<size_t>(n));
    }
    return got;
  }
  std::string ReceiveAll() { return Receive(std::string::npos); }

 private:
  int fd_;
  bool connected_ = false;
};

class ServerTest : public testing::Test {
 protected:
  void Serve(Server::Handler handler, ServerOptions options = {}) {
    auto server = Server::Listen(io_, clock_, std::move(options), std::move(handler));
    ASSERT_TRUE(server) << server.error().Text();
    server_ = std::move(*server);
  }

  // Answers with what it got.
  void ServeEcho(ServerOptions options = {}) {
    Serve(
        [](Request request, Responder responder) {
          responder.Send({200, "text/plain", "", request.method + " " + request.target + " " + request.body});
        },
        std::move(options));
  }

  void Flush() {
    base::Signal done;
    io_.Post([&] { done.Raise(); });
    done.Wait();
  }
  void Pass(base::Micros time) {
    Flush();
    clock_.Advance(time);
    Flush();
    clock_.Settle();
    Flush();
  }

  uint16_t port() const { return server_->port(); }

  testing_support::ManualClock clock_;
  IoThread io_{"test-io", clock_};
  std::unique_ptr<Server> server_;
};

const std::string kDate = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
const std::string kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kGetAnswer =
    "HTTP/1.1 200 OK\r\n" + kDate + "Content-Type: text/plain\r\nContent-Length: 7\r\n\r\nGET /a ";

TEST_F(ServerTest, HandsOverTheRequestAndSendsTheResponse) {
  Request seen;
  Serve([&](Request request, Responder responder) {
    seen = request;
    responder.Send({201, "application/json", "X-Extra: 1\r\n", "{}"});
  });
  Peer peer(port());
  peer.Send(
      "PATCH /p/%20q?a=b&c HTTP/1.1\r\nHost: h\r\nX-Name:  value \r\nContent-Length: 4\r\nConnection: "
      "close\r\n\r\nbody");
  EXPECT_EQ(peer.ReceiveAll(), "HTTP/1.1 201 Created\r\n" + kDate +
                                   "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n"
                                   "X-Extra: 1\r\n\r\n{}");
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.target, "/p/%20q?a=b&c");
  EXPECT_EQ(seen.path, "/p/%20q");
  EXPECT_EQ(seen.query, "a=b&c");
  EXPECT_EQ(seen.Header("x-name"), "value");
  EXPECT_EQ(seen.body, "body");
  EXPECT_EQ(seen.remote.Text(), "127.0.0.1");
}

TEST_F(ServerTest, KeepsTheConnectionForManyRequests) {
  ServeEcho();
  Peer peer(port());
  for (int i = 0; i < 100; ++i) {
    peer.Send(kGet);
    EXPECT_EQ(peer.Receive(kGetAnswer.size()), kGetAnswer);
  }
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrderThoughAnsweredLate) {
  std::mutex mutex;
  std::vector<std::function<void()>> late;
  base::Signal two_seen;
  Serve([&](Request request, Responder responder) {
    std::lock_guard lock(mutex);
    late.push_back([responder, path = request.path]() mutable { responder.Send({200, "", "", path}); });
    two_seen.Raise();
  });
  Peer peer(port());
  peer.Send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  two_seen.Wait();
  Flush();
  const std::string first = "HTTP/1.1 200 OK\r\n" + kDate + "Content-Length: 2\r\n\r\n/1";
  {
    std::lock_guard lock(mutex);
    ASSERT_EQ(late.size(), 1u) << "one at a time";
    late[0]();  // from another thread
  }
  EXPECT_EQ(peer.Receive(first.size()), first);
  peer.EndWriting();
  clock_.Settle();
  for (size_t seen = 0; seen < 2;) {
    Flush();
    std::lock_guard lock(mutex);
    seen = late.size();
    if (seen == 2) late[1]();
  }
  EXPECT_EQ(peer.ReceiveAll(), "HTTP/1.1 200 OK\r\n" + kDate + "Content-Length: 2\r\nConnection: close\r\n\r\n/2")
      << "a client that ended its side still gets the answer";
}

TEST_F(ServerTest, TakesChunkedBodies) {
  ServeEcho();
  Peer peer(port());
  peer.Send(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: "
      "close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_TRUE(peer.ReceiveAll().ends_with("POST / abcde"));
}

TEST_F(ServerTest, InvitesTheBodyWhenAsked) {
  ServeEcho();
  Peer peer(port());
  peer.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  const std::string invitation = "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(peer.Receive(invitation.size()), invitation);
  peer.Send("abc");
  EXPECT_TRUE(peer.ReceiveAll().ends_with("POST / abc"));

  Peer refused(port());
  refused.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(refused.ReceiveAll().starts_with("HTTP/1.1 413 ")) << "not invited first";
}

TEST_F(ServerTest, RefusesBadRequestsAndCloses) {
  ServerOptions options;
  options.max_body = 10;
  options.max_header_bytes = 1000;
  ServeEcho(options);
  struct Row {
    std::string bytes;
    const char* status;
  };
  const Row rows[] = {
      {"what?\r\n\r\n", "400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501 Not Implemented"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "501 Not Implemented"},
      {"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 Bad Request"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n12345678901", "413 Content Too Large"},
      {"GET /" + std::string(2000, 'x') + " HTTP/1.1\r\n\r\n", "414 URI Too Long"},
      {"GET / HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", "431 Request Header Fields Too Large"},
      {"GET / HTTP/3.0\r\n\r\n", "505 HTTP Version Not Supported"},
  };
  for (const Row& row : rows) {
    Peer peer(port());
    peer.Send(row.bytes);
    std::string answer = peer.ReceiveAll();
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + row.status + "\r\n")) << answer;
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
  }
}

TEST_F(ServerTest, SendsTheRefusalThoughTheBodyKeepsComing) {
  ServeEcho();
  Peer peer(port());
  peer.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n");
  for (int i = 0; i < 256; ++i) peer.Send(std::string(64 << 10, 'x'));
  EXPECT_TRUE(peer.ReceiveAll().starts_with("HTTP/1.1 413 "));
}

TEST_F(ServerTest, AnswersHeadAndOldClients) {
  ServeEcho();
  Peer head(port());
  head.Send("HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(head.ReceiveAll().ends_with("Content-Length: 8\r\nConnection: close\r\n\r\n"));
  Peer old(port());
  old.Send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.ReceiveAll().ends_with("\r\nConnection: close\r\n\r\nGET /a "));
  Peer keeping(port());
  const std::string kept = "HTTP/1.1 200 OK\r\n" + kDate +
                           "Content-Type: text/plain\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\nGET /a ";
  for (int i = 0; i < 2; ++i) {
    keeping.Send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(keeping.Receive(kept.size()), kept);
  }
}

TEST_F(ServerTest, NoContentHasNoLength) {
  Serve([](Request, Responder responder) { responder.Send({204, "", "", "dropped"}); });
  Peer peer(port());
  peer.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(peer.ReceiveAll(), "HTTP/1.1 204 No Content\r\n" + kDate + "Connection: close\r\n\r\n");
}

TEST_F(ServerTest, SendsLargeBodies) {
  std::string body;
  for (int i = 0; i < 500'000; ++i) body += std::to_string(i);
  Serve([&](Request, Responder responder) { responder.Send({200, "", "", body}); });
  HttpConnection connection(port());
  for (int i = 0; i < 2; ++i) {
    HttpResponse response = connection.Send("GET", "/");
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.body == body);
  }
}

TEST_F(ServerTest, AResponderDroppedUnansweredSends500) {
  std::unique_ptr<Responder> kept;
  base::Signal seen;
  Serve([&](Request request, Responder responder) {
    if (request.path == "/later") {
      kept = std::make_unique<Responder>(responder);
      seen.Raise();
    }
  });
  HttpConnection connection(port());
  EXPECT_EQ(connection.Send("GET", "/").status, 500);
  auto answer = std::async(std::launch::async, [&] { return connection.Send("GET", "/later").status; });
  seen.Wait();
  kept.reset();
  EXPECT_EQ(answer.get(), 500);
}

TEST_F(ServerTest, OnlyTheFirstAnswerCounts) {
  Serve([](Request, Responder responder) {
    Responder copy = responder;
    responder.Send({200, "", "", "first"});
    copy.Send({500, "", "", "second"});
  });
  HttpConnection connection(port());
  EXPECT_EQ(connection.Send("GET", "/").body, "first");
  EXPECT_EQ(connection.Send("GET", "/").body, "first");
}

TEST_F(ServerTest, AResponderKnowsWhenTheClientHasGone) {
  std::promise<Responder> promise;
  Serve([&](Request, Responder responder) { promise.set_value(std::move(responder)); });
  auto peer = std::make_unique<Peer>(port());
  peer->Send(kGet);
  Responder responder = promise.get_future().get();
  EXPECT_FALSE(responder.Gone());
  peer.reset();
  while (!responder.Gone()) Flush();
  responder.Send({200, "", "", "to nobody"});
  Flush();
}

// ---- time ----

TEST_F(ServerTest, ClosesConnectionsThatAreSlowOrIdle) {
  struct Row {
    const char* what;
    const char* bytes;
    seconds limit;
    const char* answer;
  };
  ServerOptions options;
  options.header_timeout = seconds(10);
  options.body_timeout = seconds(30);
  options.idle_timeout = seconds(60);
  ServeEcho(options);
  for (const Row& row : {Row{"nothing sent", "", seconds(60), ""},
                         Row{"half a head", "GET / HTTP/1.1\r\nHos", seconds(10), "HTTP/1.1 408"},
                         Row{"half a body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", seconds(30),
                             "HTTP/1.1 408"}}) {
    Peer peer(port());
    HttpConnection other(port());
    peer.Send(row.bytes);
    // The server reads connections in the order in which they became readable.
    EXPECT_EQ(other.Send("GET", "/").status, 200);
    Pass(row.limit - base::Micros(1));
    EXPECT_EQ(other.Send("GET", "/").status, 200);
    EXPECT_TRUE(peer.Silent()) << row.what;
    Pass(base::Micros(1));
    EXPECT_EQ(peer.ReceiveAll().substr(0, 12), row.answer) << row.what;
  }
}

TEST_F(ServerTest, DrippingAHeadDoesNotBuyTime) {
  ServeEcho();
  Peer peer(port());
  HttpConnection other(port());
  for (char c : std::string("GET / HTT")) {
    peer.Send(std::string_view(&c, 1));
    EXPECT_EQ(other.Send("GET", "/").status, 200);
    Pass(seconds(1));
  }
  EXPECT_TRUE(peer.Silent());
  Pass(seconds(1));
  EXPECT_TRUE(peer.ReceiveAll().starts_with("HTTP/1.1 408 "));
}

TEST_F(ServerTest, AHandlerMayTakeItsTime) {
  std::promise<Responder> promise;
  Serve([&](Request, Responder responder) { promise.set_value(std::move(responder)); });
  Peer peer(port());
  peer.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  Responder responder = promise.get_future().get();
  Pass(std::chrono::hours(1));
  EXPECT_FALSE(responder.Gone());
  responder.Send({200, "", "", "late"});
  EXPECT_TRUE(peer.ReceiveAll().ends_with("late"));
}

// ---- limits and the end ----

TEST_F(ServerTest, GivesUpTheLongestIdleConnectionWhenFull) {
  ServerOptions options;
  options.max_connections = 2;
  ServeEcho(options);
  Peer first(port());
  first.Send(kGet);
  EXPECT_EQ(first.Receive(kGetAnswer.size()), kGetAnswer);
  Peer second(port());
  second.Send(kGet);
  EXPECT_EQ(second.Receive(kGetAnswer.size()), kGetAnswer);
  Peer third(port());
  third.Send(kGet);
  EXPECT_EQ(third.Receive(kGetAnswer.size()), kGetAnswer);
  EXPECT_EQ(first.ReceiveAll(), "");
  second.Send(kGet);
  EXPECT_EQ(second.Receive(kGetAnswer.size()), kGetAnswer);
}

TEST_F(ServerTest, GivesUpTheOldestUnfinishedRequestWhenNoneIsIdle) {
  ServerOptions options;
  options.max_connections = 2;
  ServeEcho(options);
  Peer head(port()), body(port());
  head.Send("GET / HTTP/1.1\r\nHos");
  Flush();
  body.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
  Flush();
  Peer third(port());
  third.Send(kGet);
  EXPECT_EQ(third.Receive(kGetAnswer.size()), kGetAnswer);
  EXPECT_EQ(head.ReceiveAll(), "");
  EXPECT_TRUE(body.Silent());
}

TEST_F(ServerTest, TheOldestUnfinishedBodyGivesWayWhenTheyAreTooMuchTogether) {
  ServerOptions options;
  options.max_bodies = 10;
  ServeEcho(options);
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\n";
  Peer head(port()), first(port()), second(port());
  head.Send("GET / HTTP/1.1\r\nHos");
  Flush();
  first.Send(post + "12345");
  Flush();
  second.Send(post + "12345");
  Flush();
  EXPECT_TRUE(first.Silent()) << "ten bytes are allowed";
  second.Send("6");
  const std::string refused = first.ReceiveAll();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_NE(refused.find("\r\nRetry-After: 1\r\n"), std::string::npos);
  second.Send("78");
  EXPECT_TRUE(second.Receive(kGetAnswer.size() + 9).ends_with("POST / 12345678"));
  EXPECT_TRUE(head.Silent());
}

TEST_F(ServerTest, ABodyCountsUntilItIsAnswered) {
  ServerOptions options;
  options.max_bodies = 10;
  std::vector<Responder> waiting;
  base::Signal two_wait, three_wait;
  Serve(
      [&](Request, Responder responder) {
        waiting.push_back(std::move(responder));
        if (waiting.size() == 2) two_wait.Raise();
        if (waiting.size() == 3) three_wait.Raise();
      },
      options);
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345";
  Peer first(port()), second(port());
  first.Send(post);
  second.Send(post);
  two_wait.Wait();
  Peer third(port());
  third.Send(post);
  EXPECT_TRUE(third.ReceiveAll().starts_with("HTTP/1.1 503 "));
  Responder one = waiting[0];
  one.Send({204, "", "", ""});
  EXPECT_TRUE(first.Receive(27 + kDate.size()).starts_with("HTTP/1.1 204 "));
  Peer fourth(port());
  fourth.Send(post);
  three_wait.Wait();
  waiting.clear();
}

TEST_F(ServerTest, RefusesABodyBeforeItComes) {
  ServerOptions options;
  options.admit = [](const Request& head) -> std::optional<Response> {
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.path, head.Header("x-name"));
    EXPECT_TRUE(head.body.empty());
    if (head.path == "/in") return std::nullopt;
    return Response{401, "", "X-Why: no token\r\n", ""};
  };
  ServeEcho(options);
  auto head = [](const std::string& path) {
    return "POST " + path + " HTTP/1.1\r\nHost: h\r\nX-Name: " + path +
           "\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
  };
  Peer out(port());
  out.Send(head("/out"));
  const std::string refused = out.ReceiveAll();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 401 ")) << refused;
  EXPECT_NE(refused.find("Connection: close\r\nX-Why: no token\r\n"), std::string::npos);
  Peer in(port());
  in.Send(head("/in"));
  EXPECT_EQ(in.Receive(25), "HTTP/1.1 100 Continue\r\n\r\n");
  in.Send("abc");
  EXPECT_TRUE(in.Receive(kGetAnswer.size() + 6).ends_with("POST /in abc"));
}

TEST_F(ServerTest, TheOwnerWordsRefusalsAndHeadersOfEveryAnswer) {
  ServerOptions options;
  options.header_lines = "X-Ours: 1\r\n";
  options.refusal = [](int status) {
    return Response{status, "application/json", "", "[" + std::to_string(status) + "]"};
  };
  Serve([](Request, Responder) {}, options);
  auto ask = [this](const std::string& bytes) {
    Peer peer(port());
    peer.Send(bytes);
    return peer.ReceiveAll();
  };
  for (auto [bytes, status] : {std::pair{"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", "400"},
                               {"GET / HTTP/3.0\r\n\r\n", "505"},
                               {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "500"}}) {
    const std::string answer = ask(bytes);
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + status)) << answer;
    EXPECT_TRUE(answer.ends_with(std::string("X-Ours: 1\r\n\r\n[") + status + "]")) << answer;
    EXPECT_NE(answer.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  }
}

TEST_F(ServerTest, DrainsWhatIsUnderWayAndClosesTheRest) {
  std::promise<Responder> promise;
  Serve([&](Request request, Responder responder) {
    if (request.path == "/slow") return promise.set_value(std::move(responder));
    responder.Send({204, "", "", ""});
  });
  Peer idle(port()), slow(port());
  idle.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  idle.Receive(27 + kDate.size());
  slow.Send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  Responder responder = promise.get_future().get();
  std::atomic<bool> drained = false;
  base::Signal told;
  server_->Drain([&] {
    drained = true;
    told.Raise();
  });
  EXPECT_EQ(idle.ReceiveAll(), "");
  Flush();
  EXPECT_FALSE(Peer(port()).connected());
  EXPECT_FALSE(drained);
  responder.Send({200, "", "", "done"});
  told.Wait();
  EXPECT_TRUE(slow.ReceiveAll().ends_with("Connection: close\r\n\r\ndone"));
}

TEST_F(ServerTest, GoingAwayClosesEverything) {
  std::promise<Responder> promise;
  Serve([&](Request, Responder responder) { promise.set_value(std::move(responder)); });
  Peer peer(port());
  peer.Send(kGet);
  Responder responder = promise.get_future().get();
  server_.reset();
  EXPECT_EQ(peer.ReceiveAll(), "");
  EXPECT_TRUE(responder.Gone());
  responder.Send({200, "", "", ""});
  Flush();
}

TEST_F(ServerTest, SaysWhenTheAddressIsInUse) {
  ServeEcho();
  ServerOptions options;
  options.port = port();
  auto second = Server::Listen(io_, clock_, options, [](Request, Responder) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, base::Code::kConflict);
  EXPECT_EQ(second.error().Text(), "cannot listen on 127.0.0.1:" + std::to_string(port()) + ": address already in use");
  options.host = "no address";
  EXPECT_EQ(Server::Listen(io_, clock_, options, [](Request, Responder) {}).error().code, base::Code::kInvalid);
}

TEST_F(ServerTest, ListensOnIPv6) {
  ServerOptions options;
  options.host = "::1";
  auto server = Server::Listen(io_, clock_, options, [](Request request, Responder responder) {
    responder.Send({200, "", "", request.remote.Text()});
  });
  if (!server) GTEST_SKIP() << server.error().Text();
  server_ = std::move(*server);
  Peer peer(port(), AF_INET6);
  peer.Send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(peer.ReceiveAll().ends_with("\r\n\r\n::1"));
}

}  // namespace
}  // namespace net
