// Every write and every sync on the paths that matter is made to fail in turn; then the store is opened again without
// faults, and whatever was acknowledged must be there, whole and under the same ids.
#include <sqlite3.h>

#include <map>
#include <set>

#include "base/log.h"
#include "support/fault_vfs.h"
#include "support/store_fixture.h"

namespace store {
namespace {

using testing_support::FaultVfs;

constexpr int kMostSteps = 2000;  // a scenario that never gets through shows as an error

constexpr std::pair<FaultVfs::Fault, FaultVfs::Lasting> kKinds[] = {
    {FaultVfs::Fault::kIoError, FaultVfs::Lasting::kOnce},
    {FaultVfs::Fault::kIoError, FaultVfs::Lasting::kFromThenOn},
    {FaultVfs::Fault::kFull, FaultVfs::Lasting::kFromThenOn},
    {FaultVfs::Fault::kShortWrite, FaultVfs::Lasting::kOnce},
};

std::string Describe(int at, FaultVfs::Fault fault, FaultVfs::Lasting lasting) {
  constexpr const char* kFaults[] = {"I/O error", "disk full", "short write"};
  return "step " + std::to_string(at) + ", " + kFaults[static_cast<int>(fault)] +
         (lasting == FaultVfs::Lasting::kOnce ? ", once" : ", from then on");
}

class FaultTest : public StoreTest {
 protected:
  ~FaultTest() override { base::SetLogSink({}); }

  // Runs `scenario` with a fault at the first step, the second one, and so on, until it gets through untouched.
  template <class Scenario, class Check>
  void FailEachStep(Scenario scenario, Check check) {
    base::SetLogSink([](std::string_view) {});
    int tried = 0;
    for (const auto& [fault, lasting] : kKinds) {
      for (int at = 1;; ++at) {
        ASSERT_LT(at, kMostSteps);
        SCOPED_TRACE(Describe(at, fault, lasting));
        vfs_.Arm(at, fault, lasting);
        scenario();
        const bool fired = vfs_.fired();
        vfs_.Disarm();
        check();
        if (HasFailure()) return;
        if (!fired) break;
        ++tried;
      }
    }
    RecordProperty("faults", tried);
    EXPECT_GT(tried, 100);
  }

  void CheckIntegrity() {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((options_.directory + "/runbell.db").c_str(), &db), SQLITE_OK);
    std::string verdict;
    sqlite3_exec(
        db, "PRAGMA integrity_check",
        [](void* to, int, char** values, char**) {
          *static_cast<std::string*>(to) += values[0];
          return 0;
        },
        &verdict, nullptr);
    sqlite3_close(db);
    EXPECT_EQ(verdict, "ok");
  }

  std::string NextDirectory() {
    if (!options_.directory.empty()) std::filesystem::remove_all(options_.directory);
    return directory_.path() + "/" + std::to_string(++number_);
  }

  FaultVfs vfs_{"fault"};
  int number_ = 0;
};

// What the world outside was told.
struct Acknowledged {
  std::map<base::EventId, base::RunId> events;
  std::map<base::DeliveryId, std::string> bodies;
  std::set<base::DeliveryId> delivered, retried;
};

TEST_F(FaultTest, NothingAcknowledgedIsLost) {
  const Environment e = MakeEnvironment("e");
  const Workspace w = MakeWorkspace(e, "w");
  const Endpoint p = MakeEndpoint({e.id, {}}, "p"), q = MakeEndpoint({e.id, {}}, "q");
  MakeWebhook(p, "h");
  MakeWebhook(q, "i");
  Ring(w.id);
  store_.reset();
  const std::string origin = options_.directory;
  options_.directory.clear();
  const size_t before = 2;

  Acknowledged told;
  const auto scenario = [&] {
    told = {};
    options_.directory = NextDirectory();
    std::filesystem::copy(origin, options_.directory);
    options_.vfs = vfs_.name();
    auto opened = Store::Open(options_, clock_, *random_);
    if (!opened) return;
    store_ = std::move(*opened);
    std::vector<Waiting> waiting;
    store_->Listen([&](const Committed& c) { waiting.insert(waiting.end(), c.waiting.begin(), c.waiting.end()); });
    if (auto old = store_->TakeOver({}, 10)) {
      EXPECT_EQ(old->size(), before);
      waiting.insert(waiting.end(), old->begin(), old->end());
    }
    for (int i = 0; i < 2; ++i) {
      store::Run r;
      r.workspace = w.id;
      auto made = store_->Create(kSystem, r);
      if (!made) continue;
      auto rung = Move(Report(made->id, run::Status::kErrored, "key"));
      if (rung) told.events[*rung->event] = made->id;
    }
    for (size_t i = 0; i < waiting.size(); ++i) {
      auto loaded = store_->Load({waiting[i].id});
      if (loaded && !loaded->empty()) told.bodies[waiting[i].id] = loaded->front().body;
      Delivery delivery;
      delivery.id = waiting[i].id;
      delivery.endpoint = waiting[i].endpoint;
      const bool arrives = i % 3 != 0;
      if (i >= 20 || waiting[i].due > clock_.Now()) continue;
      auto recorded = Record({arrives ? Arrived(delivery) : Retried(delivery)});
      if (recorded && *recorded == 0) (arrives ? told.delivered : told.retried).insert(delivery.id);
    }
    store_.reset();
  };
  const auto check = [&] {
    store_.reset();
    options_.vfs.clear();
    Open();
    if (HasFatalFailure()) return;
    std::set<base::DeliveryId> all;
    for (const auto& [event, run] : told.events) {
      const auto events = Ok(store_->EventsOf(kSystem, run));
      ASSERT_EQ(events.size(), 1u);
      EXPECT_EQ(events[0].id, event);
      EXPECT_EQ(events[0].considered.size(), 2u);
      for (const Considered& one : events[0].considered) {
        EXPECT_TRUE(one.delivery);
        EXPECT_TRUE(store_->Get<Delivery>(kSystem, one.delivery));
      }
      EXPECT_TRUE(Ok(Move(Report(run, run::Status::kErrored, "key"))).repeated) << "the key is lost";
    }
    for (const auto& [id, body] : told.bodies) EXPECT_EQ(Ok(store_->Detail(kSystem, id)).body, body);
    for (auto id : told.delivered) {
      EXPECT_EQ(Ok(store_->Get<Delivery>(kSystem, id)).status, DeliveryStatus::kCompleted);
      EXPECT_EQ(Ok(store_->Attempts(kSystem, id)).size(), 1u);
    }
    for (auto id : told.retried) EXPECT_EQ(Ok(store_->Attempts(kSystem, id)).size(), 1u);
    // An event has both of its deliveries or none, also one that nobody was told of.
    EXPECT_EQ(Ok(store_->CountAll()).accepted, 2 * Ok(store_->CountAll()).events);
    EXPECT_GE(Deliveries().size(), before + 2 * told.events.size());
    CheckTotals();
    const Totals totals = Ok(store_->CountAll());
    EXPECT_EQ(static_cast<int64_t>(Ok(store_->TakeOver({}, 100)).size()), totals.waiting) << "some wait for nobody";
    store_.reset();
    CheckIntegrity();
  };
  FailEachStep(scenario, check);
}

TEST_F(FaultTest, ADirectoryIsMadeWholeOrMadeAgain) {
  store_.reset();
  bool opened = false;
  const auto scenario = [&] {
    options_.directory = NextDirectory();
    options_.vfs = vfs_.name();
    auto store = Store::Open(options_, clock_, *random_);
    opened = store.has_value();
    if (!store) return;
    store_ = std::move(*store);
    store_.reset();
  };
  const auto check = [&] {
    options_.vfs.clear();
    Open();
    if (HasFatalFailure()) return;
    const Workspace w = MakeWorkspace(MakeEnvironment("e"), "w");
    MakeWebhook(MakeEndpoint({}, "p"), "h");
    EXPECT_EQ(Ring(w.id).deliveries, 1);
    store_.reset();
    CheckIntegrity();
  };
  FailEachStep(scenario, check);
}

TEST_F(FaultTest, AfterAFaultWritesAreRefusedAndReadsGoOn) {
  base::SetLogSink([](std::string_view) {});
  store_.reset();
  options_.vfs = vfs_.name();
  vfs_.Disarm();
  Open();
  const Environment e = MakeEnvironment("e");
  vfs_.Arm(1, FaultVfs::Fault::kIoError, FaultVfs::Lasting::kOnce);
  Environment f;
  f.name = "f";
  EXPECT_EQ(store_->Create(kSystem, f).error().code, base::Code::kUnavailable);
  EXPECT_FALSE(store_->Health());
  EXPECT_EQ(store_->Create(kSystem, f).error().code, base::Code::kUnavailable);
  Ok(store_->Get<Environment>(kSystem, e.id));
  vfs_.Disarm();
  Reopen();
  Ok(store_->Create(kSystem, f));
  store_.reset();
}

}  // namespace
}  // namespace store
