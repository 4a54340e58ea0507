#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/net.h"

namespace net {
namespace {

struct Legal {
  const char* text;
  const char* host;
  uint16_t port;
  const char* target;
  const char* host_header;
};

TEST(ParseUrl, TakesAbsoluteHttpAndHttpsUrls) {
  const Legal rows[] = {
      {"http://example.com", "example.com", 80, "/", "example.com"},
      {"HTTPS://Example.COM/Hook?a=1&b=%20", "example.com", 443, "/Hook?a=1&b=%20", "example.com"},
      {"http://example.com:80/", "example.com", 80, "/", "example.com"},
      {"https://example.com:8443?x", "example.com", 8443, "/?x", "example.com:8443"},
      {"http://under_score.example/", "under_score.example", 80, "/", "under_score.example"},
      {"http://xn--bcher-kva.example/", "xn--bcher-kva.example", 80, "/", "xn--bcher-kva.example"},
      {"http://127.0.0.1:9000/x", "127.0.0.1", 9000, "/x", "127.0.0.1:9000"},
      {"https://[2001:DB8::1]/x", "2001:db8::1", 443, "/x", "[2001:db8::1]"},
      {"http://[::1]:8080", "::1", 8080, "/", "[::1]:8080"},
      {"http://1a.example/", "1a.example", 80, "/", "1a.example"},
      {"http://h/#", "h", 80, "/", "h"},
  };
  for (const Legal& row : rows) {
    auto url = ParseUrl(row.text);
    ASSERT_TRUE(url) << row.text << ": " << url.error().Text();
    EXPECT_EQ(url->host, row.host) << row.text;
    EXPECT_EQ(url->port, row.port) << row.text;
    EXPECT_EQ(url->target, row.target) << row.text;
    EXPECT_EQ(url->HostHeader(), row.host_header) << row.text;
  }
}

TEST(ParseUrl, RefusesWhatCouldMeanSomethingElseToAnotherReader) {
  const std::string rows[] = {
      "",
      "http",
      "http:",
      "http:/",
      "http://",
      "http:///x",
      "https://?x",
      "ftp://h/",
      "//h/",
      "h/x",
      "http:h",
      "httpx://h/",
      "http://user@h/",
      "http://user:pass@h/",
      "http://h@evil/",
      "http://h\\@evil/",
      "http:\\\\h/",
      "http://h/#part",
      "http://h/a b",
      " http://h/",
      "http://h/\n",
      "http://h/\tx",
      std::string("http://h/\0x", 11),
      "http://h\x7f/",
      "http://b\xc3\xbc"
      "cher.example/",
      "http://h/\xc3\xbc",
      "http://h:/",
      "http://h:0/",
      "http://h:65536/",
      "http://h:-1/",
      "http://h:+80/",
      "http://h:80x/",
      "http://h:080808/",
      "http://h:80:80/",
      "http://.h/",
      "http://h./",
      "http://localhost./",
      "http://a..b/",
      "http://%31/",
      "http://a,b/",
      "http://[::1/",
      "http://[::1]x/",
      "http://[::1]x:80/",
      "http://[1.2.3.4]/",
      "http://[fe80::1%25eth0]/",
      "http://[]/",
      "http://::1/",
      "http://[::ffff:1.2.3]/",
      "http://" + std::string(64, 'a') + ".example/",
      "http://" + std::string(254, 'a') + "/",
      "http://h/" + std::string(2048, 'x'),
  };
  for (const std::string& text : rows) EXPECT_FALSE(ParseUrl(text)) << text;
}

TEST(ParseUrl, RefusesNumericHostsInEverySpellingButDottedDecimal) {
  const char* hosts[] = {"2130706433", "0x7f000001",    "0X7F.1",      "017700000001", "127.1",       "127.0.1",
                         "0x7f.0.0.1", "0177.0.0.1",    "127.0.0.01",  "127.0.0.0x1",  "256.1.1.1",   "1.2.3.4.5",
                         "127.0.0.1.", "1.2.3",         "0",           "00",           "127.0.0.256", "example.0x1",
                         "example.1",  "169.254.43518", "１２７.0.0.1"};
  for (const char* host : hosts) {
    EXPECT_FALSE(ParseUrl(std::string("http://") + host + "/")) << host;
    EXPECT_FALSE(ParseUrl(std::string("http://") + host + ":80/")) << host;
  }
}

TEST(Url, ShowsItselfWithoutItsQuery) {
  EXPECT_EQ(ParseUrl("https://h:8443/hook/a?token=secret")->Redacted(), "https://h:8443/hook/a");
  EXPECT_EQ(ParseUrl("http://[::1]/?token=secret")->Redacted(), "http://[::1]/");
  EXPECT_EQ(ParseUrl("http://h?token")->Redacted(), "http://h/");
  EXPECT_EQ(ParseUrl("http://h")->HostKey(), "h:80");
}

TEST(ParseAddress, IsStrict) {
  for (const char* text : {"1.2.3.4", "0.0.0.0", "255.255.255.255", "::", "::1", "fe80::1", "::ffff:1.2.3.4",
                           "2001:db8:0:0:0:0:0:1", "64:ff9b::1.2.3.4"}) {
    EXPECT_TRUE(ParseAddress(text)) << text;
  }
  for (const char* text :
       {"", " 1.2.3.4", "1.2.3.4 ", "1.2.3", "01.2.3.4", "0x1.2.3.4", "1.2.3.256", "1.2.3.4.5", "[::1]", "::1%lo",
        ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "::1.2.3", "localhost"}) {
    EXPECT_FALSE(ParseAddress(text)) << text;
  }
  EXPECT_FALSE(ParseAddress(std::string_view("1.2.3.4\0", 8)));
  EXPECT_EQ(ParseAddress("2001:DB8:0:0::1")->Text(), "2001:db8::1");
  EXPECT_EQ(ParseAddress("10.0.0.1")->Text(), "10.0.0.1");
}

TEST(FindHeader, TakesTheFirstOfThatNameWithoutCase) {
  const std::string lines = "Date: now\r\nX-Date-Other: no\r\nRETRY-after: \t 120 \r\nRetry-After: 5\r\nEmpty:\r\n";
  EXPECT_EQ(FindHeader(lines, "Retry-After"), "120");
  EXPECT_EQ(FindHeader(lines, "date"), "now");
  EXPECT_EQ(FindHeader(lines, "empty"), "");
  EXPECT_EQ(FindHeader(lines, "X-Date"), std::nullopt);
  EXPECT_EQ(FindHeader("", "X"), std::nullopt);
}

TEST(Percent, DecodesAndEncodes) {
  EXPECT_EQ(DecodePercent("a%2Fb%20c+d", false), "a/b c+d");
  EXPECT_EQ(DecodePercent("a+b%2b", true), "a b+");
  for (const char* text : {"%", "%4", "%zz", "%4g", "a%00b", "%-1"})
    EXPECT_EQ(DecodePercent(text, false), std::nullopt);
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(DecodePercent(EncodePercent(all), true), all);
  EXPECT_EQ(EncodePercent("a-._~Z9/ ü"), "a-._~Z9%2F%20%C3%BC");
}

}  // namespace
}  // namespace net
