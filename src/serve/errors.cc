#include "serve/errors.h"

#include "base/log.h"
#include "base/utf8.h"
#include "serve/document.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Code;
using base::Error;

constexpr std::string_view kAttributes = "/data/attributes/";
constexpr std::string_view kRelationships = "/data/relationships/";
constexpr std::string_view kNotFoundEnd = " not found or user unauthorized.";

int StatusOf(Code code) {
  switch (code) {
    case Code::kInvalid: return 422;
    case Code::kNotFound:
    case Code::kDenied: return 404;
    case Code::kConflict: return 409;
    case Code::kGone: return 410;
    case Code::kTooLarge: return 413;
    case Code::kUnavailable: return 503;
    case Code::kTimeout: return 504;
    case Code::kCorrupt:
    case Code::kInternal: return 500;
  }
  return 500;
}

std::string_view TitleOf(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Payload Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Internal Server Error";
  }
}

// The contract gives these no pointer.
constexpr std::string_view kWholeDocument = "Validation Error";

std::string_view InvalidTitle(std::string_view where) {
  if (where.starts_with(kAttributes)) return "Invalid Attribute";
  if (where.starts_with(kRelationships)) return "Invalid Relationship";
  return where.empty() || where.starts_with('/') ? kWholeDocument : "Invalid Parameter";
}

net::Response Render(int status, std::string_view title, std::string_view detail, json::object source) {
  json::object error{{"status", std::to_string(status)}, {"title", CleanText(title)}};
  if (!detail.empty()) error["detail"] = CleanText(detail);
  if (!source.empty()) error["source"] = std::move(source);
  return DocumentResponse(status, {{"errors", json::array{std::move(error)}}});
}

net::Response Invalid(const Error& error) {
  const std::string_view title = InvalidTitle(error.where);
  json::object source;
  if (title != kWholeDocument) {
    source[error.where.starts_with('/') ? "pointer" : "parameter"] = CleanText(error.where);
  }
  return Render(422, title, error.message, std::move(source));
}

}  // namespace

std::string NotFoundTitle(std::string_view kind, std::string_view id) {
  return std::string(kind) + " with ID '" + std::string(id) + "'" + std::string(kNotFoundEnd);
}

Error NotFound(std::string_view kind, std::string_view id, std::string_view relationship) {
  return {Code::kNotFound, NotFoundTitle(kind, id), std::string(kRelationships) + std::string(relationship)};
}

Error InvalidAttribute(std::string_view name, std::string message) {
  return base::Invalid(std::move(message), std::string(kAttributes) + std::string(name));
}

Error InvalidRelationship(std::string_view name, std::string message) {
  return base::Invalid(std::move(message), std::string(kRelationships) + std::string(name));
}

Error InvalidParameter(std::string_view name, std::string message) {
  return base::Invalid(std::move(message), std::string(name));
}

net::Response ErrorResponse(const Error& error, const Subject& subject) {
  // The contract's sentence is a title, and a 404, wherever it comes from.
  if (error.message.ends_with(kNotFoundEnd)) return Render(404, error.message, {}, {});
  if (error.code == Code::kInvalid) return Invalid(error);
  int status = StatusOf(error.code);
  if (status == 404 && !subject.id.empty()) return Render(404, NotFoundTitle(subject.kind, subject.id), {}, {});
  if (error.code == Code::kDenied) status = 403;
  std::string detail = error.message;
  if (status == 500) {
    base::Log(base::LogLevel::kError, "request failed", {{"error", error.Text()}, {"code", base::Name(error.code)}});
    detail = "The request could not be served. The server's log says why.";
  }
  auto response = Render(status, TitleOf(status), detail, {});
  if (status == 503) response.header_lines = "Retry-After: 1\r\n";
  return response;
}

net::Response ErrorResponse(int status, std::string_view detail) { return Render(status, TitleOf(status), detail, {}); }

std::string CleanText(std::string_view text) {
  if (base::IsUtf8(text)) return std::string(text);
  std::string clean;
  while (!text.empty()) {
    size_t bytes = base::FirstRune(text).bytes;
    clean.append(bytes == 0 ? "\xEF\xBF\xBD" : text.substr(0, bytes));
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return clean;
}

}  // namespace serve
