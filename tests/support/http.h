// A plain blocking HTTP/1.1 client for tests, apart from net/: what is tested must not be what tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"

namespace testing_support {

struct HttpResponse {
  int status = 0;  // 0: no complete answer
  std::string head, body;
  base::json::value json() const;  // null when the body is none
};

// A connection that stays open between requests. One thread.
class HttpConnection {
 public:
  explicit HttpConnection(uint16_t port, std::string host = "127.0.0.1");
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;

  // `header_lines` are complete lines; Host and Content-Length are added. Opens the connection again when the server
  // closed it; status 0 when that fails or the answer breaks off.
  HttpResponse Send(std::string_view method, std::string_view target, std::string_view header_lines = {},
                    std::string_view body = {});
  // Bytes as they are, then whatever comes until the server closes.
  std::string SendRaw(std::string_view bytes);

 private:
  bool Open();
  void Close();
  bool Write(std::string_view bytes);
  bool Read();
  HttpResponse ReadResponse(bool of_head);

  uint16_t port_;
  std::string host_;
  int fd_ = -1;
  std::string buffer_;
};

// Speaks the JSON:API with a token. One thread.
class ApiCaller {
 public:
  ApiCaller(uint16_t port, std::string token);
  // `path` follows /api/iacp/v3; a body may be empty.
  HttpResponse Call(std::string_view method, std::string_view path, std::string_view body = {});
  // The same, failing the test unless the status is `status`; returns the document.
  base::json::value Expect(int status, std::string_view method, std::string_view path, std::string_view body = {});
  // Creates a resource from attributes and relationships ("environment": "env-...") and returns its id.
  std::string Create(std::string_view type, base::json::object attributes,
                     std::initializer_list<std::pair<std::string_view, std::string>> relationships = {});

 private:
  HttpConnection connection_;
  std::string token_;
};

}  // namespace testing_support
