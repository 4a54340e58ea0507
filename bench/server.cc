#include "bench/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "bench/sinks.h"

namespace bench {
namespace {

std::atomic<pid_t> running_server = -1;
rlimit inherited_files{1024, 4096};

constexpr int64_t kStartLimitNs = 60'000'000'000, kStopLimitNs = 30'000'000'000;

base::Error SystemError(const std::string& what) { return {base::Code::kUnavailable, what + ": " + strerror(errno)}; }

// The child's standard output is what is returned in `output`.
base::Result<pid_t> Spawn(const std::vector<std::string>& argv, int* output) {
  std::vector<char*> arguments;
  for (const std::string& text : argv) arguments.push_back(const_cast<char*>(text.c_str()));
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("pipe");
  pid_t pid = fork();
  if (pid < 0) return SystemError("fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;  // this process blocks SIGTERM for its own way out
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    setrlimit(RLIMIT_NOFILE, &inherited_files);
    dup2(ends[1], STDOUT_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  *output = ends[0];
  return pid;
}

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// "Name:   value" of a /proc file.
std::string FieldOf(const std::string& text, std::string_view name) {
  size_t at = text.find(name);
  if (at == std::string::npos) return {};
  at = text.find_first_not_of(" \t:", at + name.size());
  return text.substr(at, text.find('\n', at) - at);
}

}  // namespace

base::Result<std::unique_ptr<Server>> Server::Start(const std::string& binary, const std::string& directory,
                                                    const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {binary, "serve", "--data", directory, "--listen", "127.0.0.1:0"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto server = std::make_unique<Server>();
  RB_ASSIGN(server->pid_, Spawn(argv, &server->output_));
  running_server = server->pid_;
  RB_TRY(server->AwaitPort());
  return server;
}

void Server::KillRunning() {
  pid_t pid = running_server;
  if (pid > 0) kill(pid, SIGKILL);
}

base::Status Server::AwaitPort() {
  constexpr std::string_view kMark = "listening on http://127.0.0.1:";
  std::string text;
  int64_t deadline = NowNs() + kStartLimitNs;
  while (NowNs() < deadline) {
    pollfd wait{output_, POLLIN, 0};
    if (poll(&wait, 1, 1000) <= 0) continue;
    char buffer[4096];
    ssize_t got = read(output_, buffer, sizeof buffer);
    if (got <= 0) return base::Error(base::Code::kUnavailable, "the server ended before it listened: " + text);
    text.append(buffer, static_cast<size_t>(got));
    size_t at = text.find(kMark);
    if (at == std::string::npos || text.find('\n', at) == std::string::npos) continue;
    std::from_chars(text.data() + at + kMark.size(), text.data() + text.size(), port_);
    return {};
  }
  return base::Error(base::Code::kTimeout, "the server does not say that it listens");
}

Server::~Server() {
  if (pid_ > 0) {
    running_server = -1;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (output_ >= 0) close(output_);
}

base::Status Server::Stop() {
  kill(pid_, SIGTERM);
  int64_t deadline = NowNs() + kStopLimitNs;
  while (NowNs() < deadline) {
    int state = 0;
    if (waitpid(pid_, &state, WNOHANG) == pid_) {
      pid_ = running_server = -1;
      if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return {};
      return base::Error(base::Code::kInternal, fmt::format("the server ended badly (wait status {})", state));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return base::Error(base::Code::kTimeout, "the server does not end");
}

Usage Server::Measure() const {
  std::string folder = "/proc/" + std::to_string(pid_);
  std::string stat = ReadText(folder + "/stat");
  Usage usage;
  std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 2)));
  std::string skipped;
  for (int i = 3; i < 14; i++) fields >> skipped;  // utime and stime are fields 14 and 15
  int64_t user = 0, system = 0;
  fields >> user >> system;
  usage.cpu_seconds = static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::string kilobytes = FieldOf(ReadText(folder + "/status"), "RssAnon");
  usage.anonymous_bytes = std::strtoll(kilobytes.c_str(), nullptr, 10) * 1024;
  return usage;
}

base::Result<std::string> RunCommand(const std::vector<std::string>& argv) {
  int output = -1;
  RB_ASSIGN(pid_t pid, Spawn(argv, &output));
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(output, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  close(output);
  int state = 0;
  waitpid(pid, &state, 0);
  if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
    return base::Error(base::Code::kInternal, fmt::format("{} {} failed (wait status {})", argv[0], argv[1], state));
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string FormatRequest(std::string_view method, std::string_view path, std::string_view token,
                          std::string_view body) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/vnd.api+json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      method, path, token, body.size(), body);
}

Api::~Api() {
  if (fd_ >= 0) close(fd_);
}

base::Status Api::Connect() {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(port_);
  timeval limit{30, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return SystemError("connect to the API");
  return {};
}

base::Result<std::string> Api::Send(std::string_view method, std::string_view path, std::string_view body) {
  if (fd_ < 0) RB_TRY(Connect());
  std::string request = FormatRequest(method, path, token_, body);
  if (send(fd_, request.data(), request.size(), MSG_NOSIGNAL) < 0) return SystemError("send to the API");
  std::string answer;
  size_t head = 0, length = 0;
  char buffer[1 << 16];
  while ((length = MessageLength(answer, &head)) == 0) {
    ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return SystemError("answer of the API");
    answer.append(buffer, static_cast<size_t>(got));
  }
  if (answer.compare(9, 1, "2") != 0) {
    return base::Error(base::Code::kInternal, fmt::format("{} {}: {}", method, path, answer));
  }
  return answer.substr(head);
}

base::Result<std::string> Api::Create(std::string_view collection, base::json::object attributes,
                                      base::json::object relationships) {
  base::json::object data{
      {"type", collection}, {"attributes", std::move(attributes)}, {"relationships", std::move(relationships)}};
  std::string body = base::FormatJson(base::json::object{{"data", std::move(data)}});
  RB_ASSIGN(std::string answer, Send("POST", fmt::format("/api/iacp/v3/{}", collection), body));
  RB_ASSIGN(base::json::value document, base::ParseJson(answer));
  auto id = base::StringAt(document, {"data", "id"});
  if (!id) return base::Error(base::Code::kInternal, "no id in the answer: " + answer);
  return *id;
}

void RaiseFileLimit() {
  getrlimit(RLIMIT_NOFILE, &inherited_files);
  rlimit most{inherited_files.rlim_max, inherited_files.rlim_max};
  setrlimit(RLIMIT_NOFILE, &most);
}

int64_t DatabaseBytes(const std::string& directory) {
  int64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.path().filename().string().starts_with("runbell.db")) {
      bytes += static_cast<int64_t>(entry.file_size(ignored));
    }
  }
  return bytes;
}

std::string FileSystem(const std::string& directory) {
  std::string path = std::filesystem::absolute(directory).string();
  std::istringstream mounts(ReadText("/proc/self/mounts"));
  std::string line, best_point, best_type;
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::string device, point, type;
    fields >> device >> point >> type;
    bool covers = point == "/" || path == point || path.starts_with(point + "/");
    if (covers && point.size() >= best_point.size()) {
      best_point = point;
      best_type = type;
    }
  }
  return best_type;
}

double SyncMilliseconds(const std::string& directory) {
  std::string path = directory + "/sync-probe";
  int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  std::vector<int64_t> taken;
  std::string block(4096, 'x');
  for (int i = 0; i < 200 && fd >= 0; i++) {
    int64_t start = NowNs();
    if (write(fd, block.data(), block.size()) < 0 || fdatasync(fd) != 0) break;
    taken.push_back(NowNs() - start);
  }
  close(fd);
  unlink(path.c_str());
  if (taken.empty()) return 0;
  std::sort(taken.begin(), taken.end());
  return static_cast<double>(taken[taken.size() / 2]) / 1e6;
}

std::string Machine() {
  utsname name{};
  uname(&name);
  return fmt::format("{} cores, {}, Linux {}", std::thread::hardware_concurrency(),
                     FieldOf(ReadText("/proc/cpuinfo"), "model name"), name.release);
}

}  // namespace bench
