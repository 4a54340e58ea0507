// The program under test as a child process: started, measured from outside, ended. Beside it a small client for the
// requests that set the stage.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace bench {

struct Usage {
  double cpu_seconds = 0;       // user and system
  int64_t anonymous_bytes = 0;  // resident memory that is no file's: RssAnon
};

// Every child dies with this process. One server runs at a time.
class Server {
 public:
  // SIGKILL for the one that runs, if any. For the way out after a signal.
  static void KillRunning();
  // `arguments` come after `serve --data DIR --listen 127.0.0.1:0`; returns once it says that it listens.
  static base::Result<std::unique_ptr<Server>> Start(const std::string& binary, const std::string& directory,
                                                     const std::vector<std::string>& arguments);
  ~Server();  // SIGKILL when it still runs
  // SIGTERM, then waits for the end, 30 s at most; an exit code that is not 0 is an error.
  base::Status Stop();
  Usage Measure() const;
  uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }

 private:
  base::Status AwaitPort();
  pid_t pid_ = -1;
  int output_ = -1;
  uint16_t port_ = 0;
};

// Runs a command to its end and returns what it wrote to standard output.
base::Result<std::string> RunCommand(const std::vector<std::string>& argv);

// Blocking JSON:API requests on one keep-alive connection.
class Api {
 public:
  Api(uint16_t port, std::string token) : port_(port), token_(std::move(token)) {}
  ~Api();
  // The id of what was made.
  base::Result<std::string> Create(std::string_view collection, base::json::object attributes,
                                   base::json::object relationships);
  base::Result<std::string> Send(std::string_view method, std::string_view path, std::string_view body);

 private:
  base::Status Connect();
  uint16_t port_;
  std::string token_;
  int fd_ = -1;
};
// A request as the API wants it; `path` is the whole path.
std::string FormatRequest(std::string_view method, std::string_view path, std::string_view token,
                          std::string_view body);

// Lets this process, whose sinks hold many connections, open as many files as the system allows; children keep the
// limit they would have had.
void RaiseFileLimit();

// Bytes of the database files of a data directory.
int64_t DatabaseBytes(const std::string& directory);
// "ext4", "tmpfs", ... of the file system a directory lies on.
std::string FileSystem(const std::string& directory);
// The median of 4 KiB appends, each made durable with fdatasync, in milliseconds.
double SyncMilliseconds(const std::string& directory);
// Cores, processor and kernel in one line.
std::string Machine();

}  // namespace bench
