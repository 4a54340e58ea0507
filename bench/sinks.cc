#include "bench/sinks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <string_view>

namespace bench {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 204 No Content\r\n\r\n";

base::Error SystemError(const char* what) {
  return {base::Code::kUnavailable, std::string(what) + ": " + strerror(errno)};
}

int64_t ThreadCpuNs() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

}  // namespace

int64_t NowNs() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

size_t MessageLength(std::string_view bytes, size_t* head) {
  size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  *head = end + 4;
  constexpr std::string_view kName = "\r\nContent-Length: ";
  size_t length = 0;
  for (size_t at = 0; at + kName.size() < end;) {
    if (strncasecmp(bytes.data() + at, kName.data(), kName.size()) == 0) {
      const char* digits = bytes.data() + at + kName.size();
      std::from_chars(digits, bytes.data() + end, length);
      break;
    }
    at = bytes.find("\r\n", at + 2);
    if (at == std::string_view::npos) break;
  }
  return bytes.size() >= *head + length ? *head + length : 0;
}

base::Result<std::unique_ptr<Sinks>> Sinks::Start(const std::vector<SinkMode>& modes, Arrivals* arrivals) {
  std::unique_ptr<Sinks> sinks(new Sinks(arrivals));
  sinks->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  sinks->wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (sinks->epoll_ < 0 || sinks->wake_ < 0) return SystemError("epoll");
  epoll_event event{EPOLLIN, {.fd = sinks->wake_}};
  epoll_ctl(sinks->epoll_, EPOLL_CTL_ADD, sinks->wake_, &event);
  for (size_t i = 0; i < modes.size(); i++) RB_TRY(sinks->Open(i, modes[i]));
  sinks->thread_ = std::thread([raw = sinks.get()] { raw->Run(); });
  return sinks;
}

base::Status Sinks::Open(size_t index, SinkMode mode) {
  Sink sink{mode, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
            INADDR_LOOPBACK + 1 + static_cast<uint32_t>(index), 0};
  sinks_.push_back(sink);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(sink.address);
  socklen_t size = sizeof name;
  if (sink.fd < 0 || bind(sink.fd, reinterpret_cast<sockaddr*>(&name), size) != 0) return SystemError("bind a sink");
  getsockname(sink.fd, reinterpret_cast<sockaddr*>(&name), &size);
  sinks_.back().port = ntohs(name.sin_port);
  // A port that is bound but not listened on refuses, and nobody else can take it meanwhile.
  if (mode == SinkMode::kRefuse) return {};
  if (listen(sink.fd, 4096) != 0) return SystemError("listen");
  epoll_event event{EPOLLIN, {.fd = sink.fd}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, sink.fd, &event);
  return {};
}

Sinks::~Sinks() {
  Stop();
  for (size_t fd = 0; fd < connections_.size(); fd++) {
    if (connections_[fd].open) close(static_cast<int>(fd));
  }
  for (const Sink& sink : sinks_) close(sink.fd);
  close(epoll_);
  close(wake_);
}

void Sinks::Stop() {
  if (!thread_.joinable()) return;
  eventfd_write(wake_, 1);
  thread_.join();
}

std::string Sinks::Url(size_t i) const {
  return "http://127.0.0." + std::to_string(2 + i) + ":" + std::to_string(sinks_[i].port) + "/hook";
}

void Sinks::Run() {
  epoll_event events[256];
  for (;;) {
    int ready = epoll_wait(epoll_, events, 256, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == wake_) {
        cpu_ns_ = ThreadCpuNs();
        return;
      }
      const Sink* listener = nullptr;
      if (static_cast<size_t>(fd) >= connections_.size() || !connections_[fd].open) {
        for (const Sink& sink : sinks_) {
          if (sink.fd == fd) listener = &sink;
        }
      }
      if (listener != nullptr) {
        Accept(fd, listener->mode);
      } else {
        Read(fd);
      }
    }
  }
}

void Sinks::Accept(int listener, SinkMode mode) {
  int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connections_.size() <= static_cast<size_t>(fd)) connections_.resize(static_cast<size_t>(fd) + 64);
  connections_[fd] = {true, mode, 0, {}};
  epoll_event event{EPOLLIN, {.fd = fd}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Sinks::Read(int fd) {
  Connection& connection = connections_[fd];
  ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return Close(fd);
  if (connection.begun.empty()) connection.first_byte_ns = NowNs();
  std::string_view bytes(buffer_.data(), static_cast<size_t>(got));
  std::string whole;
  if (!connection.begun.empty()) {
    whole = std::move(connection.begun);
    whole.append(bytes);
    bytes = whole;
  }
  while (!bytes.empty() && Take(fd, connection, bytes)) {
  }
  connection.begun = std::string(bytes);
}

bool Sinks::Take(int fd, Connection& connection, std::string_view& bytes) {
  size_t head = 0;
  size_t length = MessageLength(bytes, &head);
  if (length == 0) return false;
  if (connection.mode == SinkMode::kHang) {
    held_.fetch_add(1, std::memory_order_relaxed);
  } else {
    // The answer first: what is noted afterwards costs the sender nothing.
    if (send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) return false;
    Note(bytes.substr(head, length - head), connection.first_byte_ns);
  }
  bytes.remove_prefix(length);
  return true;
}

void Sinks::Note(std::string_view body, int64_t first_byte_ns) {
  answered_.fetch_add(1, std::memory_order_relaxed);
  last_ns_.store(first_byte_ns, std::memory_order_relaxed);
  if (arrivals_ == nullptr) return;
  arrivals_->all_ns.push_back(first_byte_ns);
  arrivals_->body_bytes += body.size();
  constexpr std::string_view kMark = "\"bench-";
  size_t at = body.find(kMark);
  size_t number = arrivals_->count.size();
  if (at != std::string_view::npos) {
    const char* digits = body.data() + at + kMark.size();
    std::from_chars(digits, std::min(digits + 9, body.data() + body.size()), number);
  }
  if (number >= arrivals_->count.size()) return;
  arrivals_->count[number]++;
  if (arrivals_->first_byte_ns[number] == 0) arrivals_->first_byte_ns[number] = first_byte_ns;
}

void Sinks::Close(int fd) {
  connections_[fd] = {};
  close(fd);
}

}  // namespace bench
