#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "support/store_fixture.h"

namespace store {
namespace {

using base::Code;

class OpenTest : public StoreTest {
 protected:
  base::Result<std::unique_ptr<Store>> Try(const Options& options) { return Store::Open(options, clock_, *random_); }
  void ExpectRefused(const Options& options, Code code, const std::string& says) {
    auto opened = Try(options);
    ASSERT_FALSE(opened);
    EXPECT_EQ(Name(opened.error().code), Name(code)) << opened.error().Text();
    EXPECT_NE(opened.error().message.find(says), std::string::npos) << opened.error().Text();
  }
  std::string File(const std::string& name) const { return options_.directory + "/" + name; }
  static int ModeOf(const std::string& path) {
    struct stat what {};
    EXPECT_EQ(stat(path.c_str(), &what), 0);
    return what.st_mode & 0777;
  }
  // Not opened again.
  void Script(const std::string& sql) {
    auto db = Db::Open(File("runbell.db"), "", Db::Mode::kWrite, 100);
    ASSERT_TRUE(db);
    (*db)->Run(sql);
    ASSERT_TRUE((*db)->ok());
  }
};

TEST_F(OpenTest, ASecondOneIsRefusedAndToldOfTheServer) {
  ExpectRefused(options_, Code::kConflict, "--server");
  store_.reset();
  Open();
}

TEST_F(OpenTest, TheDirectoryAndTheKeyAreForTheOwnerOnly) {
  EXPECT_EQ(ModeOf(options_.directory), 0700);
  EXPECT_EQ(ModeOf(File("secret.key")), 0600);
}

TEST_F(OpenTest, TheAccountIsMadeOnceAndKept) {
  const Account account = store_->account();
  EXPECT_EQ(account.name, "main");
  EXPECT_EQ(account.id.substr(0, 4), "acc-");
  Reopen();
  EXPECT_EQ(store_->account().id, account.id);
  store_.reset();
  Options options = options_;
  options.account_id = "acc-other";
  ExpectRefused(options, Code::kConflict, "acc-other");
  options = options_;
  options.account_name = "other";
  ExpectRefused(options, Code::kConflict, "other");
  options.account_name = "main";
  options.account_id = account.id;
  EXPECT_TRUE(Try(options));
}

TEST_F(OpenTest, AWrongOrMissingKeyIsRefused) {
  const Endpoint p = MakeEndpoint({}, "p");
  store_.reset();
  Options options = options_;
  options.key = base::Secret(std::string(32, 'k'));
  ExpectRefused(options, Code::kConflict, "not the key");
  options.key = base::Secret("short");
  ExpectRefused(options, Code::kConflict, "32 bytes");
  std::filesystem::rename(File("secret.key"), File("kept"));
  ExpectRefused(options_, Code::kConflict, "secret.key is missing");
  std::ofstream(File("secret.key")) << "no key\n";
  ExpectRefused(options_, Code::kConflict, "64 hexadecimal digits");
  std::ofstream(File("secret.key")) << std::string(64, 'a') << "\n";
  ExpectRefused(options_, Code::kConflict, "not the key");
  std::filesystem::rename(File("kept"), File("secret.key"));
  Open();
  EXPECT_EQ(Ok(store_->Get<Endpoint>(kSystem, p.id)).secret.Reveal(), p.secret.Reveal());
}

TEST_F(OpenTest, AGivenKeyNeedsNoFile) {
  store_.reset();
  options_.key = base::Secret(std::string(32, 'k'));
  options_.directory = directory_.path() + "/deep/er";
  Options options = options_;
  Ok(Try(options));
  EXPECT_FALSE(std::filesystem::exists(File("secret.key")));
  Ok(Try(options));
}

TEST_F(OpenTest, ANewerVersionIsRefused) {
  store_.reset();
  Script("PRAGMA user_version=99");
  ExpectRefused(options_, Code::kCorrupt, "newer version");
}

TEST_F(OpenTest, ADatabaseOfVersion1IsUpgraded) {
  store_.reset();
  options_.directory = directory_.path() + "/old";
  std::filesystem::create_directory(options_.directory);
  std::ifstream dump(RB_SOURCE_DIR "/tests/data/database-version-1.sql");
  Script(std::string(std::istreambuf_iterator<char>(dump), {}));
  Script(
      "INSERT INTO deliveries SELECT id + 1, 1, 1, id, workspace, 77, 78, 0, 0, 0, 'h', 2, 1, 1, 1, 0, 1, NULL, NULL, "
      "0, "
      "NULL, NULL, NULL, 0, 0 FROM runs");
  Open();
  const auto runs = Ok(store_->List<store::Run>(kSystem, {})).items;
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].message, "before");
  for (const auto& [owner, id] :
       {std::pair{"webhook", Format(base::WebhookId{77})}, std::pair{"workspace", Format(runs[0].workspace)}}) {
    Query query;
    query.filters = {{owner, {id}}};
    EXPECT_EQ(Deliveries(query).size(), 1u) << owner;
  }
  EXPECT_TRUE(Ok(Move(Report(runs[0].id, run::Status::kPlanning, "k"))).repeated);
  Ok(Move(Report(runs[0].id, run::Status::kErrored)));
  store::Run keyed;
  keyed.workspace = runs[0].workspace;
  keyed.key = "a";
  EXPECT_FALSE(Ok(store_->Create(kSystem, keyed)).repeated);
  EXPECT_TRUE(Ok(store_->Create(kSystem, keyed)).repeated);
}

TEST_F(OpenTest, AnotherProgramsDatabaseIsRefused) {
  store_.reset();
  std::filesystem::remove(File("runbell.db"));
  Script("CREATE TABLE somebody_elses(x)");
  ExpectRefused(options_, Code::kCorrupt, "not a database of runbell");
}

TEST_F(OpenTest, ADamagedFileIsRefused) {
  MakeEnvironment("e");
  store_.reset();
  {
    std::fstream file(File("runbell.db"), std::ios::in | std::ios::out | std::ios::binary);
    file.write("this is no database at all", 26);
  }
  ExpectRefused(options_, Code::kCorrupt, "");
}

TEST_F(OpenTest, DamageInsideIsReportedByWhoeverMeetsIt) {
  const Endpoint p = MakeEndpoint({}, "p");
  Damage("UPDATE endpoints SET secret = x'00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'");
  auto read = store_->Get<Endpoint>(kSystem, p.id);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kCorrupt);
  EXPECT_NE(read.error().message.find(Format(p.id)), std::string::npos);
  const auto targets = Ok(store_->Targets({p.id}));
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(targets[0].id, p.id);
  ASSERT_TRUE(targets[0].unreadable);
  EXPECT_NE(targets[0].unreadable->Text().find(Format(p.id)), std::string::npos);
  auto changed = store_->Update<Endpoint>(kSystem, p.id, [](Endpoint&) { return base::Status(); });
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, Code::kCorrupt);
  MakeEnvironment("the rest goes on");
}

TEST_F(OpenTest, ADamagedBodyKeepsNoOtherDeliveryBack) {
  const Workspace w = MakeWorkspace(MakeEnvironment("e"), "w");
  MakeWebhook(MakeEndpoint({}, "p"), "h");
  Ring(w.id);
  Ring(w.id);
  const auto deliveries = Deliveries();
  Damage("UPDATE events SET body = x'0102030405' WHERE id = (SELECT max(id) FROM events)");
  Ok(store_->TakeOver({}, 10));
  const auto loaded = Ok(store_->Load({deliveries[0].id, deliveries[1].id}));
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_TRUE(loaded[0].unreadable);
  EXPECT_FALSE(loaded[1].unreadable);
  EXPECT_EQ(store_->Detail(kSystem, deliveries[0].id).error().code, Code::kCorrupt);
}

TEST_F(OpenTest, ASealedSecretCannotBeMovedToAnotherRow) {
  const Endpoint p = MakeEndpoint({}, "p"), q = MakeEndpoint({}, "q");
  Damage("UPDATE endpoints SET secret = (SELECT secret FROM endpoints WHERE name = 'p') WHERE name = 'q'");
  EXPECT_TRUE(store_->Get<Endpoint>(kSystem, p.id));
  EXPECT_EQ(store_->Get<Endpoint>(kSystem, q.id).error().code, Code::kCorrupt);
}

TEST_F(OpenTest, IdsGrowAlsoWhenTheClockWasSetBack) {
  const Environment before = MakeEnvironment("before");
  store_.reset();
  testing_support::ManualClock earlier(testing_support::ManualClock::kStart - std::chrono::hours(100));
  auto store = Ok(Store::Open(options_, earlier, *random_));
  Environment after;
  after.name = "after";
  EXPECT_GT(Ok(store->Create(kSystem, after)).id, before.id);
}

TEST_F(OpenTest, ClosingLeavesNoLogBehind) {
  for (int i = 0; i < 50; ++i) MakeEnvironment(std::to_string(i));
  store_.reset();
  EXPECT_FALSE(std::filesystem::exists(File("runbell.db-wal")));
}

TEST_F(OpenTest, TooManyWritesAreRefused) {
  store_.reset();
  options_.max_queued_writes = 2;
  Open();
  const Workspace w = MakeWorkspace(MakeEnvironment("e"), "w");
  const store::Run r = MakeRun(w.id);
  // The writer stands still in an Update while the queue fills behind it.
  base::Signal entered, go_on;
  std::thread holder([&] {
    Ok(store_->Update<Workspace>(kSystem, w.id, [&](Workspace&) {
      entered.Raise();
      go_on.Wait();
      return base::Status();
    }));
  });
  entered.Wait();
  std::vector<std::future<base::Result<Transitioned>>> answers;
  std::vector<std::promise<base::Result<Transitioned>>> promises(3);
  for (auto& promise : promises) {
    answers.push_back(promise.get_future());
    store_->Transition(kSystem, Report(r.id, run::Status::kPlanning),
                       [&promise](base::Result<Transitioned> result) { promise.set_value(std::move(result)); });
  }
  auto refused = answers[2].get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  go_on.Raise();
  holder.join();
  EXPECT_TRUE(answers[0].get());
  EXPECT_TRUE(answers[1].get());
}

}  // namespace
}  // namespace store
