// Receivers to deliver to: HTTP/1.1 servers on loopback addresses of their own, all on one epoll thread, as cheap as
// they can be, so that what is measured is the sender.
//
// Requests are numbered by the text `"bench-` and nine digits in their body (a run's message), which tells which
// accepted event a delivery belongs to.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"

namespace bench {

int64_t NowNs();  // monotonic

enum class SinkMode {
  kOk,      // 204 at once
  kHang,    // reads, never answers
  kRefuse,  // its port is closed
};

// What arrived at the sinks that answer. Written by their thread; read it after Sinks::Stop.
struct Arrivals {
  explicit Arrivals(size_t numbers) : first_byte_ns(numbers), count(numbers) {}
  std::vector<int64_t> first_byte_ns;  // by number: when recv() gave the first bytes of its first request; 0: never
  std::vector<uint8_t> count;          // by number: requests
  std::vector<int64_t> all_ns;         // of every request, in the order of arrival
  uint64_t body_bytes = 0;
};

class Sinks {
 public:
  // Sink `i` listens on 127.0.0.(2+i) and a free port. `arrivals` may be null: requests are only counted then.
  static base::Result<std::unique_ptr<Sinks>> Start(const std::vector<SinkMode>& modes, Arrivals* arrivals);
  ~Sinks();
  void Stop();  // joins the thread

  size_t size() const { return sinks_.size(); }
  uint32_t address(size_t i) const { return sinks_[i].address; }  // host byte order
  uint16_t port(size_t i) const { return sinks_[i].port; }
  std::string Url(size_t i) const;
  uint64_t answered() const { return answered_.load(std::memory_order_relaxed); }
  uint64_t held() const { return held_.load(std::memory_order_relaxed); }  // by those that hang
  int64_t last_ns() const { return last_ns_.load(std::memory_order_relaxed); }
  double cpu_seconds() const { return cpu_ns_.load() / 1e9; }  // of its thread; after Stop

 private:
  struct Sink {
    SinkMode mode = SinkMode::kOk;
    int fd = -1;
    uint32_t address = 0;
    uint16_t port = 0;
  };
  struct Connection {
    bool open = false;
    SinkMode mode = SinkMode::kOk;
    int64_t first_byte_ns = 0;  // of the request that has begun
    std::string begun;          // its bytes so far
  };

  explicit Sinks(Arrivals* arrivals) : arrivals_(arrivals) {}
  base::Status Open(size_t index, SinkMode mode);
  void Run();
  void Accept(int listener, SinkMode mode);
  void Read(int fd);
  // Takes whole requests off `bytes`; what is left is the beginning of another.
  bool Take(int fd, Connection& connection, std::string_view& bytes);
  void Note(std::string_view body, int64_t first_byte_ns);
  void Close(int fd);

  Arrivals* arrivals_;
  std::vector<Sink> sinks_;
  std::vector<Connection> connections_;  // by file descriptor
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
  int epoll_ = -1, wake_ = -1;
  std::atomic<uint64_t> answered_ = 0, held_ = 0;
  std::atomic<int64_t> last_ns_ = 0, cpu_ns_ = 0;
  std::thread thread_;
};

// The bytes of a request or response up to the end of its body, or 0 while it is not complete; `head` gets the length
// of the start line and headers, empty line included.
size_t MessageLength(std::string_view bytes, size_t* head);

}  // namespace bench
