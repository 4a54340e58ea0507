#include "support/http.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace testing_support {

base::json::value HttpResponse::json() const {
  auto parsed = base::ParseJson(body, 64);
  return parsed ? std::move(*parsed) : base::json::value();
}

HttpConnection::HttpConnection(uint16_t port, std::string host) : port_(port), host_(std::move(host)) {}
HttpConnection::~HttpConnection() { Close(); }

bool HttpConnection::Open() {
  Close();
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  inet_pton(AF_INET, host_.c_str(), &address.sin_addr);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

void HttpConnection::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  buffer_.clear();
}

bool HttpConnection::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool HttpConnection::Read() {
  std::array<char, 65536> chunk;
  const ssize_t got = recv(fd_, chunk.data(), chunk.size(), 0);
  if (got <= 0) return false;
  buffer_.append(chunk.data(), static_cast<size_t>(got));
  return true;
}

HttpResponse HttpConnection::ReadResponse(bool of_head) {
  size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Read()) return {};
  }
  HttpResponse response;
  response.head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  response.status = std::atoi(response.head.c_str() + response.head.find(' ') + 1);
  std::string lower = response.head;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::string_view kLength = "\r\ncontent-length:";
  const size_t at = lower.find(kLength);
  const size_t length =
      at == std::string::npos || of_head ? 0 : std::strtoul(lower.c_str() + at + kLength.size(), nullptr, 10);
  while (buffer_.size() < length) {
    if (!Read()) return {};
  }
  response.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  if (lower.find("\r\nconnection: close") != std::string::npos) Close();
  return response;
}

HttpResponse HttpConnection::Send(std::string_view method, std::string_view target, std::string_view header_lines,
                                  std::string_view body) {
  std::string request = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: " + host_ + ":" +
                        std::to_string(port_) + "\r\n" + std::string(header_lines);
  if (!body.empty() || method != "GET") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  request += "\r\n";
  request += body;
  if (fd_ >= 0 && Write(request)) {
    if (auto response = ReadResponse(method == "HEAD"); response.status != 0) return response;
    if (method != "GET") return {};  // it may have been carried out
  }
  if (!Open() || !Write(request)) return {};
  return ReadResponse(method == "HEAD");
}

std::string HttpConnection::SendRaw(std::string_view bytes) {
  if (!Open() || !Write(bytes)) return {};
  while (Read()) {
  }
  std::string all = std::move(buffer_);
  Close();
  return all;
}

ApiCaller::ApiCaller(uint16_t port, std::string token) : connection_(port), token_(std::move(token)) {}

HttpResponse ApiCaller::Call(std::string_view method, std::string_view path, std::string_view body) {
  std::string lines = "Authorization: Bearer " + token_ + "\r\nAccept: application/vnd.api+json\r\n";
  if (!body.empty()) lines += "Content-Type: application/vnd.api+json\r\n";
  return connection_.Send(method, "/api/iacp/v3" + std::string(path), lines, body);
}

base::json::value ApiCaller::Expect(int status, std::string_view method, std::string_view path, std::string_view body) {
  const HttpResponse response = Call(method, path, body);
  EXPECT_EQ(response.status, status) << method << " " << path << "\n" << body << "\n" << response.body;
  return response.json();
}

std::string ApiCaller::Create(std::string_view type, base::json::object attributes,
                              std::initializer_list<std::pair<std::string_view, std::string>> relationships) {
  base::json::object related;
  for (const auto& [name, id] : relationships) {
    base::json::object identifier;
    identifier["type"] = std::string(name) + "s";
    identifier["id"] = id;
    related[name] = base::json::object{{"data", identifier}};
  }
  base::json::object data;
  data["type"] = type;
  data["attributes"] = std::move(attributes);
  data["relationships"] = std::move(related);
  const std::string body = base::FormatJson(base::json::object{{"data", data}});
  const auto document = Expect(201, "POST", "/" + std::string(type), body);
  return base::StringAt(document, {"data", "id"}).value_or("");
}

}  // namespace testing_support
