#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/net.h"
#include "support/manual_clock.h"

namespace net {
namespace {

using std::chrono::seconds;

// A name server on loopback that answers every question with what a test says.
class FakeNameServer {
 public:
  struct Answer {
    std::vector<std::string> v4;
    uint32_t ttl = 60;
    uint8_t code = 0;  // 3: no such name, 2: failure
    bool silent = false;
  };

  FakeNameServer() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { Run(); });
  }
  ~FakeNameServer() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }

  const std::string& address() const { return address_; }
  void Set(Answer answer) {
    std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  // Questions about IPv4 addresses; each look-up asks one.
  int Questions() const {
    std::lock_guard lock(mutex_);
    return questions_;
  }

 private:
  void Run() {
    char room[512];
    sockaddr_in from{};
    while (true) {
      socklen_t size = sizeof from;
      ssize_t got = recvfrom(fd_, room, sizeof room, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got <= 12) return;
      std::string reply = Reply(std::string(room, static_cast<size_t>(got)));
      if (!reply.empty()) sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  std::string Reply(std::string question) {
    size_t end = question.find('\0', 12) + 5;  // name, type, class
    bool v4 = question[end - 3] == 1;
    std::lock_guard lock(mutex_);
    questions_ += v4 ? 1 : 0;
    if (answer_.silent) return "";
    question.resize(end);
    question[2] = '\x81';
    question[3] = static_cast<char>(0x80 | answer_.code);
    std::fill(question.begin() + 6, question.begin() + 12, '\0');
    if (!v4) return question;
    question[7] = static_cast<char>(answer_.v4.size());
    for (const std::string& text : answer_.v4) {
      uint32_t ttl = htonl(answer_.ttl);
      in_addr address{};
      EXPECT_EQ(inet_pton(AF_INET, text.c_str(), &address), 1);
      question.append("\xc0\x0c\x00\x01\x00\x01", 6);
      question.append(reinterpret_cast<char*>(&ttl), 4).append("\x00\x04", 2);
      question.append(reinterpret_cast<char*>(&address), 4);
    }
    return question;
  }

  const int fd_;
  std::string address_;
  std::thread thread_;
  mutable std::mutex mutex_;
  Answer answer_;
  int questions_ = 0;
};

class ResolverTest : public testing::Test {
 protected:
  std::future<Resolved> Start(const std::string& host) {
    auto promise = std::make_shared<std::promise<Resolved>>();
    auto future = promise->get_future();
    resolver_->Resolve(host, [promise](Resolved resolved) { promise->set_value(std::move(resolved)); });
    return future;
  }
  Resolved Resolve(const std::string& host) { return Start(host).get(); }
  static std::string Text(const Resolved& resolved) {
    std::string text;
    for (const Address& address : resolved.addresses) text += address.Text() + " ";
    return text;
  }

  testing_support::ManualClock clock_;
  FakeNameServer server_;
  std::unique_ptr<Resolver> resolver_ = MakeResolver(clock_, server_.address());
};

TEST_F(ResolverTest, GivesEveryAddress) {
  server_.Set({{"192.0.2.1", "192.0.2.2"}});
  Resolved resolved = Resolve("two.test");
  EXPECT_EQ(resolved.fault, Resolved::Fault::kNone);
  std::string text = Text(resolved);
  EXPECT_NE(text.find("192.0.2.1 "), std::string::npos);
  EXPECT_NE(text.find("192.0.2.2 "), std::string::npos);
  EXPECT_EQ(resolved.addresses.size(), 2u);
}

TEST_F(ResolverTest, KeepsAnswersAsLongAsTheySayUpToAMinute) {
  server_.Set({{"192.0.2.1"}, 20});
  EXPECT_EQ(Text(Resolve("a.test")), "192.0.2.1 ");
  server_.Set({{"192.0.2.2"}, 86400});
  clock_.Advance(seconds(19));
  EXPECT_EQ(Text(Resolve("a.test")), "192.0.2.1 ");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Text(Resolve("a.test")), "192.0.2.2 ");
  server_.Set({{"192.0.2.3"}});
  clock_.Advance(seconds(59));
  EXPECT_EQ(Text(Resolve("a.test")), "192.0.2.2 ");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Text(Resolve("a.test")), "192.0.2.3 ");
  EXPECT_EQ(server_.Questions(), 3);
}

TEST_F(ResolverTest, KeepsFailuresForFiveSeconds) {
  server_.Set({{}, 0, 3});
  EXPECT_EQ(Resolve("no.test").fault, Resolved::Fault::kNoSuchName);
  server_.Set({{"192.0.2.1"}});
  clock_.Advance(seconds(4));
  EXPECT_EQ(Resolve("no.test").fault, Resolved::Fault::kNoSuchName);
  clock_.Advance(seconds(1));
  EXPECT_EQ(Text(Resolve("no.test")), "192.0.2.1 ");
}

TEST_F(ResolverTest, NamesWithoutAddressesDoNotExist) {
  server_.Set({});
  EXPECT_EQ(Resolve("empty.test").fault, Resolved::Fault::kNoSuchName);
}

TEST_F(ResolverTest, AFailingNameServerIsNamed) {
  server_.Set({{}, 0, 2});
  EXPECT_EQ(Resolve("fails.test").fault, Resolved::Fault::kServer);
}

TEST_F(ResolverTest, ASilentNameServerCostsFiveSecondsOfItsOwnNameOnly) {
  server_.Set({{}, 0, 0, true});
  auto first = Start("silent.test");
  auto second = Start("silent.test");
  server_.Set({{"192.0.2.1"}});
  EXPECT_EQ(Text(Resolve("other.test")), "192.0.2.1 ");
  clock_.Advance(seconds(5));
  // The name server may have been asked a second time by now, and answered.
  for (auto* result : {&first, &second}) {
    Resolved resolved = result->get();
    EXPECT_TRUE(resolved.fault == Resolved::Fault::kTimeout || Text(resolved) == "192.0.2.1 ");
  }
}

TEST_F(ResolverTest, NobodyAnsweringAtAllIsDown) {
  resolver_ = MakeResolver(clock_, "127.0.53.53:9");  // nothing listens there
  EXPECT_EQ(Resolve("any.test").fault, Resolved::Fault::kDown);
}

TEST_F(ResolverTest, MayGoWithLookUpsUnderWay) {
  server_.Set({{}, 0, 0, true});
  auto dropped = Start("silent.test");
  resolver_.reset();
  clock_.Advance(seconds(10));
  EXPECT_LE(server_.Questions(), 1);
}

}  // namespace
}  // namespace net
