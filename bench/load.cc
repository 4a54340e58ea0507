#include "bench/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "bench/sinks.h"

namespace bench {
namespace {

constexpr int64_t kAnswerLimitNs = 30'000'000'000;

double ThreadCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

base::Error SystemError(const char* what) {
  return {base::Code::kUnavailable, std::string(what) + ": " + strerror(errno)};
}

class Generator {
 public:
  explicit Generator(const Load& load) : load_(load) {}
  ~Generator() {
    for (const Connection& connection : connections_) close(connection.fd);
    if (epoll_ >= 0) close(epoll_);
  }

  base::Result<LoadResult> Run() {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) return SystemError("epoll");
    connections_.reserve(static_cast<size_t>(load_.connections));
    for (int i = 0; i < load_.connections; i++) {
      RB_TRY(Connect(load_.targets[static_cast<size_t>(i) % load_.targets.size()]));
    }
    double cpu = ThreadCpuSeconds();
    result_.start_ns = NowNs();
    stop_ns_ = result_.start_ns + static_cast<int64_t>(load_.seconds * 1e9);
    RB_TRY(BeginDue());
    while (busy_ > 0 || MoreToBegin()) {
      RB_TRY(WaitAndRead());
      RB_TRY(BeginDue());
    }
    result_.end_ns = NowNs();
    result_.cpu_seconds = ThreadCpuSeconds() - cpu;
    return result_;
  }

 private:
  struct Connection {
    int fd = -1;
    size_t number = 0;
    int64_t sent_ns = 0;
    std::string received;
  };

  base::Status Connect(LoadTarget target) {
    Connection connection;
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(target.address);
    name.sin_port = htons(target.port);
    int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool connected = connect(connection.fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
    idle_.push_back(connections_.size());
    epoll_event event{EPOLLIN, {.u64 = connections_.size()}};
    connections_.push_back(std::move(connection));
    if (!connected) return SystemError("connect");
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_.back().fd, &event);
    return {};
  }

  bool MoreToBegin() const { return result_.begun < load_.count && NowNs() < stop_ns_; }

  size_t DueNow(int64_t now) const {
    if (load_.rate <= 0) return load_.count;
    auto due = static_cast<size_t>(static_cast<double>(now - result_.start_ns) / 1e9 * load_.rate) + 1;
    return std::min(due, load_.count);
  }

  base::Status BeginDue() {
    int64_t now = NowNs();
    if (now >= stop_ns_) return {};
    for (size_t due = DueNow(now); result_.begun < due && !idle_.empty();) {
      size_t index = idle_.back();
      idle_.pop_back();
      RB_TRY(Begin(connections_[index]));
    }
    return {};
  }

  base::Status Begin(Connection& connection) {
    connection.number = load_.first + result_.begun++;
    request_.clear();
    load_.write(connection.number, request_);
    connection.sent_ns = NowNs();
    // Blocking: a request fits into the socket's buffer, as one connection has one request under way.
    ssize_t sent = send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(request_.size())) return SystemError("send");
    busy_++;
    return {};
  }

  base::Status WaitAndRead() {
    int64_t wait_ns = 1'000'000'000;
    if (load_.rate > 0 && !idle_.empty() && MoreToBegin()) {
      int64_t next = result_.start_ns + static_cast<int64_t>(static_cast<double>(result_.begun) / load_.rate * 1e9);
      wait_ns = std::clamp<int64_t>(next - NowNs(), 0, wait_ns);
    }
    timespec wait{wait_ns / 1'000'000'000, wait_ns % 1'000'000'000};
    epoll_event events[256];
    int ready = epoll_pwait2(epoll_, events, 256, &wait, nullptr);
    for (int i = 0; i < ready; i++) RB_TRY(Read(events[i].data.u64));
    if (ready == 0 && wait_ns == 1'000'000'000) return CheckStuck();
    return {};
  }

  base::Status CheckStuck() const {
    int64_t now = NowNs();
    for (size_t i = 0; i < connections_.size(); i++) {
      bool idle = std::find(idle_.begin(), idle_.end(), i) != idle_.end();
      if (!idle && now - connections_[i].sent_ns > kAnswerLimitNs) {
        return base::Error(base::Code::kTimeout, "no answer within 30 s");
      }
    }
    return {};
  }

  base::Status Read(size_t index) {
    Connection& connection = connections_[index];
    ssize_t got = recv(connection.fd, buffer_, sizeof buffer_, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return {};
    if (got < 0) return SystemError("recv");
    if (got == 0) return base::Error(base::Code::kUnavailable, "the server closed a connection");
    std::string_view bytes(buffer_, static_cast<size_t>(got));
    if (!connection.received.empty()) {
      connection.received.append(bytes);
      bytes = connection.received;
    }
    size_t head = 0;
    if (MessageLength(bytes, &head) == 0) {
      if (connection.received.empty()) connection.received = std::string(bytes);
      return {};
    }
    Answered(connection, bytes, head);
    connection.received.clear();
    busy_--;
    idle_.push_back(index);
    // At once rather than after the whole batch: a connection that stands idle is load that is missing.
    if (load_.rate <= 0) return BeginDue();
    return {};
  }

  void Answered(const Connection& connection, std::string_view bytes, size_t head) {
    int status = 0;
    constexpr size_t kCodeAt = 9;  // behind "HTTP/1.1 "
    if (head > kCodeAt + 3) std::from_chars(bytes.data() + kCodeAt, bytes.data() + kCodeAt + 3, status);
    if (status / 100 == 2) {
      result_.ok++;
    } else if (result_.failed++ == 0) {
      result_.first_failure = std::string(bytes.substr(0, 600));
    }
    load_.answered(connection.number, status, bytes.substr(head), connection.sent_ns);
  }

  const Load& load_;
  LoadResult result_;
  int epoll_ = -1;
  int64_t stop_ns_ = 0;
  size_t busy_ = 0;
  std::vector<Connection> connections_;
  std::vector<size_t> idle_;
  std::string request_;
  char buffer_[1 << 16];
};

}  // namespace

base::Result<LoadResult> RunLoad(const Load& load) {
  prctl(PR_SET_TIMERSLACK, 1000);  // the default of 50 us would show in the open loop
  auto generator = std::make_unique<Generator>(load);
  return generator->Run();
}

}  // namespace bench
