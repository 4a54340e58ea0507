// The readers as functions of bytes: what they take must not depend on how the bytes were cut.
#include "net/http1.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"

namespace net {
namespace {

void Feed(ReadBuffer& buffer, std::string_view bytes) {
  while (!bytes.empty()) {
    auto room = buffer.Free();
    size_t size = std::min(room.size, bytes.size());
    std::memcpy(room.data, bytes.data(), size);
    buffer.Fill(size);
    bytes.remove_prefix(size);
  }
}

struct Read {
  bool done = false;
  bool cut = false;
  int code = 0;  // of a response, or the status for a bad request
  std::string start, header_lines, body, rest;
  bool operator==(const Read&) const = default;
};

// Feeds pieces of `step` bytes until the reader has decided.
Read ReadResponse(std::string_view bytes, size_t step, ResponseReader::Limits limits = {8192, 3, 100}) {
  ResponseReader reader;
  reader.Reset(limits, false);
  ReadBuffer buffer;
  Read read;
  auto verdict = ResponseReader::Step::kMore;
  for (size_t at = 0; at < bytes.size() && verdict == ResponseReader::Step::kMore; at += step) {
    Feed(buffer, bytes.substr(at, step));
    verdict = reader.Put(buffer);
  }
  if (verdict == ResponseReader::Step::kMore) verdict = reader.PutEnd();
  read.done = verdict == ResponseReader::Step::kDone;
  read.cut = verdict == ResponseReader::Step::kCut;
  if (reader.headers_complete()) {
    read.code = reader.code();
    read.header_lines = reader.header_lines();
    read.body = reader.body();
  }
  return read;
}

Read ReadRequest(std::string_view bytes, size_t step, RequestReader::Limits limits = {8192, 100}) {
  RequestReader reader(limits);
  ReadBuffer buffer;
  Read read;
  auto verdict = RequestReader::Step::kMore;
  size_t at = 0;
  for (; at < bytes.size() && verdict == RequestReader::Step::kMore; at += step) {
    Feed(buffer, bytes.substr(at, step));
    verdict = reader.Put(buffer);
  }
  read.done = verdict == RequestReader::Step::kDone;
  if (verdict == RequestReader::Step::kBad) read.code = reader.bad_status();
  if (read.done) {
    read.start = reader.method() + " " + reader.target();
    read.header_lines = reader.header_lines();
    read.body = reader.body();
    read.rest = std::string(buffer.Bytes()) + std::string(bytes.substr(std::min(at, bytes.size())));
  }
  return read;
}

const std::string kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n";

TEST(ResponseReader, GivesTheSameHoweverTheBytesAreCut) {
  const std::string messages[] = {
      "HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.0 200 OK\r\n\r\nto the end",
      "HTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\nB: 2\r\n\r\n",
      kChunked,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nFolded: a\r\n b\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + std::string(500, 'x'),
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
  };
  for (const std::string& message : messages) {
    Read whole = ReadResponse(message, message.size());
    EXPECT_TRUE(whole.done || whole.cut) << message;
    for (size_t step = 1; step < message.size(); ++step) {
      EXPECT_EQ(ReadResponse(message, step), whole) << message << " in steps of " << step;
    }
  }
  Read chunked = ReadResponse(kChunked, 7);
  EXPECT_EQ(chunked.body, "hello world");
  EXPECT_EQ(chunked.header_lines, "Transfer-Encoding: chunked\r\n") << "without the trailer";
}

TEST(ResponseReader, RefusesWhatIsNotOneResponse) {
  const std::string messages[] = {
      "SSH-2.0-OpenSSH\r\n\r\n",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\nName : x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 103 E\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 N\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(9000, 'x') + "\r\n\r\n",
  };
  for (const std::string& message : messages) {
    for (size_t step : {message.size(), size_t{1}, size_t{3}}) {
      Read read = ReadResponse(message, step);
      EXPECT_FALSE(read.done || read.cut) << message;
      EXPECT_EQ(read.code, 0) << message;
    }
  }
}

TEST(ResponseReader, ManyHeadersOrEndlessChunkLinesEnd) {
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (size_t i = 0; i <= kMaxHeaderLines; ++i) many += "A:\r\n";
  EXPECT_EQ(ReadResponse(many + "\r\n", 100).code, 0);

  ResponseReader reader;
  reader.Reset({8192, 3, 100}, false);
  ReadBuffer buffer;
  Feed(buffer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;");
  auto step = reader.Put(buffer);
  size_t fed = 0;
  for (; step == ResponseReader::Step::kMore && fed < 1 << 20; fed += 1000) {
    Feed(buffer, std::string(1000, 'x'));
    step = reader.Put(buffer);
  }
  EXPECT_EQ(step, ResponseReader::Step::kBad);
  EXPECT_LT(fed, 64u << 10);
  EXPECT_TRUE(reader.headers_complete());
}

TEST(RequestReader, GivesTheSameHoweverTheBytesAreCut) {
  const std::string messages[] = {
      "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n",
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nnext",
      "GET /old HTTP/1.0\r\n\r\n",
      "GET http://h:1/abs?x HTTP/1.1\r\nHost: h\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
  };
  for (const std::string& message : messages) {
    Read whole = ReadRequest(message, message.size());
    EXPECT_TRUE(whole.done) << message;
    for (size_t step = 1; step < message.size(); ++step) {
      EXPECT_EQ(ReadRequest(message, step), whole) << message << " in steps of " << step;
    }
  }
  EXPECT_EQ(ReadRequest(messages[1], 9).rest, "GET / HTTP/1.1\r\n");
  EXPECT_EQ(ReadRequest(messages[4], 9).start, "GET /abs?x");
}

TEST(RequestReader, RefusesWithTheRightStatus) {
  struct Row {
    std::string bytes;
    int status;
  };
  const Row rows[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nBad Name: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\x01z\r\n\r\n", 400},
      {"GET h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') +
           "\r\n0\r\n\r\n",
       413},
      {"GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", 431},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
  };
  for (const Row& row : rows) {
    for (size_t step : {row.bytes.size(), size_t{1}, size_t{100}}) {
      Read read = ReadRequest(row.bytes, step);
      EXPECT_FALSE(read.done) << row.bytes.substr(0, 100);
      EXPECT_EQ(read.code, row.status) << row.bytes.substr(0, 100) << " in steps of " << step;
    }
  }
}

// Bytes changed at random: whatever comes, the reader ends within its limits and never the process.
TEST(Readers, SurviveDamagedMessages) {
  auto random = base::MakeSeededRandom(4);
  const std::string request =
      "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = i % 2 == 0 ? kChunked : request;
    for (uint64_t hits = random->Next() % 4 + 1; hits > 0; --hits) {
      size_t at = random->Next() % damaged.size();
      switch (random->Next() % 3) {
        case 0: damaged[at] = static_cast<char>(random->Next()); break;
        case 1: damaged.erase(at, random->Next() % 5); break;
        default: damaged.insert(at, damaged.substr(random->Next() % damaged.size(), 4)); break;
      }
    }
    size_t step = random->Next() % damaged.size() + 1;
    EXPECT_LE(ReadResponse(damaged, step).body.size(), 100u);
    EXPECT_LE(ReadRequest(damaged, step).body.size(), 100u);
  }
}

}  // namespace
}  // namespace net
