// HTTP/1.1 messages from bytes, without sockets: Beast's parser behind small types that keep only what is wanted.
//
// A reader consumes the front of a ReadBuffer. Header lines are kept as "Name: value\r\n" with folding and surrounding
// blanks removed. What is pending in the buffer never exceeds the reader's limits by more than one read.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace net {

// Bytes read and not yet used, in one piece.
class ReadBuffer {
 public:
  std::string_view Bytes() const { return {storage_.data() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  // Where to read to. Grows while reads fill it.
  struct Room {
    char* data;
    size_t size;
  };
  Room Free();
  void Fill(size_t bytes);
  void Drop(size_t bytes) { begin_ += bytes; }

 private:
  std::vector<char> storage_;
  size_t room_ = 0;    // what Free() gave last
  size_t wanted_ = 0;  // how much room is worth having
  size_t begin_ = 0, end_ = 0;
};

inline constexpr size_t kMaxHeaderLines = 256;

class ResponseReader {
 public:
  enum class Step {
    kMore,  // more bytes are needed
    kDone,  // the message is complete
    kCut,   // headers complete, the body is longer than wanted
    kBad,   // not HTTP, or a limit was passed; with headers_complete() the body's framing is broken
  };
  struct Limits {
    size_t max_header_bytes = 0;  // all messages of the exchange together
    int max_informational = 0;
    size_t keep_body = 0;
  };

  ResponseReader();
  ~ResponseReader();
  // Begins the exchange of one request. `head`: the answer to a HEAD request has no body.
  void Reset(const Limits& limits, bool head);
  Step Put(ReadBuffer& buffer);
  Step PutEnd();  // the connection ended; kMore stands for "too early"

  bool headers_complete() const;
  bool keep_alive() const;  // when headers_complete()
  int code() const;
  std::string& header_lines();
  std::string& body();
  const char* problem() const;  // after kBad

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class RequestReader {
 public:
  enum class Step { kMore, kDone, kBad };
  struct Limits {
    size_t max_header_bytes = 0;
    size_t max_body = 0;
  };

  explicit RequestReader(const Limits& limits);
  ~RequestReader();
  void Reset();
  Step Put(ReadBuffer& buffer);

  bool headers_complete() const;
  bool keep_alive() const;  // when headers_complete()
  bool http10() const;
  bool expects_continue() const;
  int bad_status() const;  // after kBad: what to answer
  std::string& method();
  std::string& target();
  std::string& header_lines();
  std::string& body();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace net
