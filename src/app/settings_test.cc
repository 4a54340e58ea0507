#include "app/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace app {
namespace {

using testing::HasSubstr;

class SettingsTest : public testing::Test {
 protected:
  SettingsTest() : path_(testing::TempDir() + "settings_test." + std::to_string(getpid()) + ".toml") {}
  ~SettingsTest() override { unlink(path_.c_str()); }

  base::Result<LoadedSettings> Load(const std::string& file, Environment environment = {},
                                    std::map<std::string, std::vector<std::string>> flags = {}) {
    if (!file.empty()) std::ofstream(path_) << file;
    return LoadSettings({file.empty() ? "" : path_, std::move(environment), std::move(flags)});
  }
  // All complaints, with the file called FILE.
  std::string Complaints(const std::string& file, Environment environment = {},
                         std::map<std::string, std::vector<std::string>> flags = {}) {
    auto loaded = Load(file, std::move(environment), std::move(flags));
    if (loaded) return "none";
    std::string text = loaded.error().message;
    for (size_t at; (at = text.find(path_)) != std::string::npos;) text.replace(at, path_.size(), "FILE");
    return text;
  }
  static std::string SourceOf(const LoadedSettings& loaded, std::string_view key) {
    for (size_t i = 0; i < loaded.origins.size(); i++) {
      if (AllSettings()[i].key == key) return loaded.origins[i].source;
    }
    return "";
  }

  std::string path_;
};

TEST_F(SettingsTest, DefaultsAreThoseOfTheTable) {
  Settings settings = DefaultSettings();
  EXPECT_EQ(settings.listen, "127.0.0.1:8170");
  EXPECT_EQ(settings.store.directory, "./runbell-data");
  EXPECT_TRUE(settings.egress_allow.empty());
  EXPECT_EQ(settings.store.keep_bodies, std::chrono::hours(90 * 24));
  EXPECT_FALSE(settings.store.discard_is_errored);
  EXPECT_EQ(settings.log_level, base::LogLevel::kInfo);
}

TEST_F(SettingsTest, EveryRowTakesItsOwnDefault) {
  for (const Setting& row : AllSettings()) {
    if (row.is_list()) continue;
    auto loaded = Load("", {{row.Variable(), std::string(row.fallback)}});
    EXPECT_TRUE(loaded.has_value()) << row.key;
    EXPECT_EQ(SourceOf(*loaded, row.key), row.Variable());
  }
}

TEST_F(SettingsTest, NamesFollowFromTheKey) {
  const Setting* row = FindSetting("deliver.per_endpoint");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->Variable(), "RUNBELL_DELIVER_PER_ENDPOINT");
  EXPECT_EQ(row->Flag(), "--deliver-per-endpoint");
  EXPECT_EQ(FindSetting("server.listen")->Flag(), "--listen");
  EXPECT_EQ(FindSetting("secrets.key")->Flag(), "");
}

TEST_F(SettingsTest, FlagWinsOverEnvironmentOverFile) {
  std::string file = "[server]\nlisten = \"127.0.0.1:1\"\n";
  Environment environment{{"RUNBELL_SERVER_LISTEN", "127.0.0.1:2"}};
  auto all = Load(file, environment, {{"server.listen", {"127.0.0.1:3"}}});
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->settings.listen, "127.0.0.1:3");
  EXPECT_EQ(SourceOf(*all, "server.listen"), "--listen");
  auto two = Load(file, environment);
  EXPECT_EQ(two->settings.listen, "127.0.0.1:2");
  EXPECT_EQ(SourceOf(*two, "server.listen"), "RUNBELL_SERVER_LISTEN");
  auto one = Load(file);
  EXPECT_EQ(one->settings.listen, "127.0.0.1:1");
  EXPECT_EQ(SourceOf(*one, "server.listen"), path_ + ":2");
  EXPECT_EQ(SourceOf(*one, "data.directory"), "default");
}

TEST_F(SettingsTest, ReadsEveryKindOfValue) {
  auto loaded = Load(R"(
[egress]
allow = ["10.0.0.0/8", "127.0.0.1/32:9000"]
[deliver]
per_host = 7
max_timeout = "90s"
[events]
discarded = "errored"
[log]
level = "debug"
)");
  ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
  const Settings& settings = loaded->settings;
  EXPECT_THAT(settings.egress_allow, testing::ElementsAre("10.0.0.0/8", "127.0.0.1/32:9000"));
  EXPECT_EQ(settings.deliver.per_host, 7);
  EXPECT_EQ(settings.deliver.max_timeout, std::chrono::seconds(90));
  EXPECT_TRUE(settings.store.discard_is_errored);
  EXPECT_EQ(settings.log_level, base::LogLevel::kDebug);
}

TEST_F(SettingsTest, ListInTheEnvironmentIsSeparatedByCommas) {
  auto loaded = Load("", {{"RUNBELL_EGRESS_ALLOW", "10.0.0.0/8, 127.0.0.1/32:9000"}});
  ASSERT_TRUE(loaded.has_value());
  EXPECT_THAT(loaded->settings.egress_allow, testing::ElementsAre("10.0.0.0/8", "127.0.0.1/32:9000"));
}

TEST_F(SettingsTest, EverythingWrongIsListedAtOnceWithItsPlace) {
  std::string complaints = Complaints(
      "[server]\nlistn = \"127.0.0.1:1\"\n[deliver]\nper_host = 0\nper_endpoint = \"many\"\n",
      {{"RUNBELL_LOG_LEVEL", "loud"}, {"RUNBELL_EGRES_ALLOW", "10.0.0.0/8"}}, {{"server.listen", {"nowhere"}}});
  EXPECT_THAT(complaints, HasSubstr("FILE:2: server.listn: no such setting; did you mean server.listen?"));
  EXPECT_THAT(complaints, HasSubstr("FILE:4: deliver.per_host: \"0\": not a whole number from 1 to 10000"));
  EXPECT_THAT(complaints, HasSubstr("FILE:5: deliver.per_endpoint: it must be written as a number"));
  EXPECT_THAT(complaints, HasSubstr("RUNBELL_LOG_LEVEL: log.level: \"loud\": not `debug` or"));
  EXPECT_THAT(complaints, HasSubstr("RUNBELL_EGRES_ALLOW: no such setting; did you mean RUNBELL_EGRESS_ALLOW?"));
  EXPECT_THAT(complaints, HasSubstr("--listen: server.listen: \"nowhere\": it is not HOST:PORT"));
}

struct WrongRow {
  std::string file, complaint;
};

TEST_F(SettingsTest, WrongValues) {
  const WrongRow rows[] = {
      {"x = ", "FILE:1: "},
      {"[sever]\nlisten = \"x\"", "FILE:2: sever.listen: no such setting; did you mean server.listen?"},
      {"listen = \"x\"", "FILE:1: listen: no such setting; did you mean server.listen?"},
      {"server = \"x\"", "FILE:1: server: no such setting"},
      {"[server.listen]\n", "FILE:1: server.listen: it must be written as a text in quotes"},
      {"[server]\nlisten = 8170", "FILE:2: server.listen: it must be written as a text in quotes"},
      {"[server]\nlisten = \"example.com:80\"", "HOST must be an address"},
      {"[server]\nlisten = \"127.0.0.1:65536\"", "it is not HOST:PORT"},
      {"[server]\nexternal_url = \"example.com\"", "server.external_url: \"example.com\": "},
      {"[egress]\nallow = \"10.0.0.0/8\"", "FILE:2: egress.allow: it must be written as a list"},
      {"[egress]\nallow = [\"10.0.0.0/8\", \"ten\"]", "FILE:2: egress.allow: \"ten\": "},
      {"[deliver]\nmax_timeout = \"2h\"", "not a duration from 1s to 1h"},
      {"[account]\nid = \"acme\"", "account.id: \"acme\": it must be acc-"},
      {"[secrets]\nkey = \"00\"", "FILE:2: secrets.key: a secret does not belong into this file"},
  };
  for (const WrongRow& row : rows) EXPECT_THAT(Complaints(row.file), HasSubstr(row.complaint)) << row.file;
}

TEST_F(SettingsTest, EmptySectionIsNoError) { EXPECT_TRUE(Load("[server]\n[egress]\n").has_value()); }

TEST_F(SettingsTest, MissingFileIsAnError) {
  auto loaded = LoadSettings({"/nonexistent/runbell.toml", {}, {}});
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, base::Code::kInvalid);
  EXPECT_THAT(loaded.error().message, HasSubstr("/nonexistent/runbell.toml: the settings file cannot be read"));
}

TEST_F(SettingsTest, ForeignVariablesAreLeftAlone) {
  EXPECT_EQ(Complaints("", {{"RUNBELL_VERSION", "1"},
                            {"RUNBELL_SERVER", "http://127.0.0.1"},
                            {"RUNBELL_TOKEN", "t"},
                            {"RUNBELL_PORT", "tcp://10.0.0.1:80"},
                            {"RUNBELL_SERVER_SERVICE_HOST", "10.0.0.1"},
                            {"RUNBELL_SERVER_PORT_80_TCP_ADDR", "10.0.0.1"}}),
            "none");
  EXPECT_THAT(Complaints("", {{"RUNBELL_SERVER_PORT", "80"}}), HasSubstr("RUNBELL_SERVER_PORT: no such setting"));
}

TEST_F(SettingsTest, KeyIsReadInEitherFormAndNeverShown) {
  std::string hex(64, 'a');
  auto loaded = Load("", {{"RUNBELL_SECRETS_KEY", hex}});
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->settings.store.key.Reveal(), std::string(32, '\xaa'));
  EXPECT_THAT(FormatSettingsTable(*loaded), testing::Not(HasSubstr(hex)));
  EXPECT_THAT(FormatSettingsTable(*loaded), HasSubstr("(secret)"));

  std::string key_file = path_ + ".key";
  std::ofstream(key_file) << "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n";
  auto from_file = Load("[secrets]\nkey = \"file:" + key_file + "\"\n");
  unlink(key_file.c_str());
  ASSERT_TRUE(from_file.has_value()) << from_file.error().message;
  EXPECT_EQ(from_file->settings.store.key.Reveal(), std::string(32, '\xaa'));
}

TEST_F(SettingsTest, WrongKeyIsNotRepeatedInTheError) {
  std::string complaints = Complaints("", {{"RUNBELL_SECRETS_KEY", "hunter2"}});
  EXPECT_THAT(complaints, HasSubstr("RUNBELL_SECRETS_KEY: secrets.key: it is not 32 bytes"));
  EXPECT_THAT(complaints, testing::Not(HasSubstr("hunter2")));
}

TEST_F(SettingsTest, FlagGivenTwiceIsAnErrorUnlessItIsAList) {
  EXPECT_THAT(Complaints("", {}, {{"server.listen", {"127.0.0.1:1", "127.0.0.1:2"}}}),
              HasSubstr("--listen: given more than once"));
  EXPECT_EQ(Complaints("", {}, {{"egress.allow", {"10.0.0.0/8", "172.16.0.0/12"}}}), "none");
}

TEST_F(SettingsTest, HostAndPort) {
  EXPECT_EQ(ParseHostPort("[::1]:0")->host, "::1");
  EXPECT_EQ(ParseHostPort("localhost:80")->host, "127.0.0.1");
  EXPECT_EQ(ParseHostPort("0.0.0.0:65535")->port, 65535);
  for (const char* wrong :
       {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1", "::1:80", "[127.0.0.1]:80"}) {
    EXPECT_FALSE(ParseHostPort(wrong).has_value()) << wrong;
  }
}

// `runbell config docs > docs/configuration.md` makes it.
TEST(SettingsPage, IsUpToDate) {
  std::ifstream file(std::string(RB_SOURCE_DIR) + "/docs/configuration.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), FormatSettingsPage());
}

}  // namespace
}  // namespace app
