#include "serve/errors.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/log.h"

namespace serve {
namespace {

using base::Code;
using base::Error;

struct Row {
  Error error;
  Subject subject;
  int status;
  std::string title;
};

TEST(Errors, EachCodeHasItsStatusAndTitle) {
  base::SetLogSink([](std::string_view) {});
  const Subject run{"Run", "run-1"};
  const Subject creation{"Run", ""};
  const std::string sentence = "Run with ID 'run-1' not found or user unauthorized.";
  const Row rows[] = {
      {base::Invalid("bad", "/data/attributes/name"), run, 422, "Invalid Attribute"},
      {base::Invalid("bad", "/data/relationships/run"), run, 422, "Invalid Relationship"},
      {base::Invalid("bad", "filter[x]"), run, 422, "Invalid Parameter"},
      {base::Invalid("bad"), run, 422, "Validation Error"},
      {{Code::kNotFound, "whatever"}, run, 404, sentence},
      {{Code::kDenied, "may not"}, run, 404, sentence},
      {{Code::kDenied, "may not"}, creation, 403, "Forbidden"},
      {NotFound("Workspace", "ws-1", "workspace"), creation, 404,
       "Workspace with ID 'ws-1' not found or user unauthorized."},
      {{Code::kConflict, "wrong state"}, run, 409, "Conflict"},
      {{Code::kGone, "purged"}, run, 410, "Gone"},
      {{Code::kTooLarge, "big"}, run, 413, "Payload Too Large"},
      {{Code::kUnavailable, "full"}, run, 503, "Service Unavailable"},
      {{Code::kTimeout, "late"}, run, 504, "Gateway Timeout"},
      {{Code::kInternal, "oops"}, run, 500, "Internal Server Error"},
      {{Code::kCorrupt, "oops"}, run, 500, "Internal Server Error"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.error.Text());
    auto response = ErrorResponse(row.error, row.subject);
    EXPECT_EQ(response.status, row.status);
    auto document = base::ParseJson(response.body);
    ASSERT_TRUE(document);
    const auto& error = document->at("errors").at(0);
    EXPECT_EQ(base::StringAt(error, {"title"}), row.title);
    EXPECT_EQ(base::StringAt(error, {"status"}), std::to_string(row.status));
  }
  base::SetLogSink({});
}

TEST(Errors, SayWhere) {
  auto attribute = ErrorResponse(InvalidAttribute("name", "bad"), {"Run", "run-1"});
  EXPECT_NE(attribute.body.find(R"("source":{"pointer":"/data/attributes/name"})"), std::string::npos);
  auto parameter = ErrorResponse(InvalidParameter("sort", "bad"), {"Run", ""});
  EXPECT_NE(parameter.body.find(R"("source":{"parameter":"sort"})"), std::string::npos);
}

TEST(Errors, AnUnavailableServerSaysWhenToComeBack) {
  EXPECT_EQ(ErrorResponse({Code::kUnavailable, "full"}, {"Run", "run-1"}).header_lines, "Retry-After: 1\r\n");
}

TEST(Errors, AFaultOfOursIsForTheLogOnly) {
  std::string logged;
  base::SetLogSink([&](std::string_view line) { logged += line; });
  auto response = ErrorResponse({Code::kCorrupt, "page 7 of /var/lib/x"}, {"Run", "run-1"});
  base::SetLogSink({});
  EXPECT_EQ(response.body.find("/var/lib"), std::string::npos);
  EXPECT_NE(logged.find("page 7"), std::string::npos);
}

TEST(Errors, HostileBytesDoNotReachADocument) {
  auto response = ErrorResponse(InvalidParameter("a\xff", "no \xc3\x28"), {"Run", ""});
  EXPECT_TRUE(base::ParseJson(response.body)) << response.body;
  EXPECT_EQ(CleanText("a\xff\xe2\x82z"), "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
}

}  // namespace
}  // namespace serve
