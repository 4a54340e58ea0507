#include "store/store.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/log.h"
#include "store/checkpointer.h"
#include "store/deliveries.h"
#include "store/directory.h"
#include "store/purge.h"
#include "store/schema.h"
#include "store/tokens.h"
#include "store/transition.h"
#include "store/writer.h"

namespace store {

using base::Code;
using base::Error;
using base::Principal;
using base::Result;
using base::Status;

namespace {

constexpr std::string_view kFile = "runbell.db";
// The writer meets old pages only where deliveries are retried; what it appends stays in a few of them.
constexpr int kWriterCacheKib = 16 * 1024;
constexpr int kReaderCacheKib = 2 * 1024;
constexpr int kCheckpointCacheKib = 256;
constexpr int kCheckpointPages = 2'000;  // about 8 MB of log
constexpr int kOvergrownPages = 8'000;   // the checkpoint thread cannot keep up: the writer lends a hand

struct AccountKind {
  static constexpr std::string_view kPrefix = "acc-";
};
using AccountId = base::Id<AccountKind>;

Error Differs(std::string_view what, const std::string& wanted, const std::string& kept) {
  return {Code::kConflict,
          "the data directory belongs to the account " + std::string(what) + " " + kept + ", not " + wanted};
}

// The account of the directory: made on the first opening, never changed after.
Result<Account> OpenAccount(Writing& w, const Options& options) {
  Account account;
  bool known = false;
  if (Rows rows = w.db.Query("SELECT id, name FROM accounts WHERE key = ?", kAccount); rows.Next()) {
    rows.Read(account.id, account.name);
    known = true;
  }
  if (!known) {
    account.id = options.account_id.empty() ? Format(w.NewId<AccountId>()) : options.account_id;
    account.name = options.account_name.empty() ? "main" : options.account_name;
    w.db.Exec("INSERT INTO accounts VALUES (?, ?, ?)", kAccount, account.id, account.name);
    return account;
  }
  if (!options.account_id.empty() && options.account_id != account.id)
    return Differs("id", options.account_id, account.id);
  if (!options.account_name.empty() && options.account_name != account.name) {
    return Differs("name", options.account_name, account.name);
  }
  return account;
}

int64_t LastId(Db& db) {
  return db.Number(
      "SELECT max(id) FROM (SELECT max(id) AS id FROM tokens UNION ALL SELECT max(id) FROM environments UNION ALL "
      "SELECT "
      "max(id) FROM workspaces UNION ALL SELECT max(id) FROM endpoints UNION ALL SELECT max(id) FROM webhooks UNION "
      "ALL "
      "SELECT max(id) FROM runs UNION ALL SELECT max(id) FROM events UNION ALL SELECT max(id) FROM deliveries)");
}

// Claims the directory for this process: every delivery still waiting belongs to a lower epoch.
Status Claim(Writing& w) {
  w.db.Exec("BEGIN IMMEDIATE");
  auto account = OpenAccount(w, w.shared.options);
  if (!account && w.db.ok()) {
    w.db.Exec("ROLLBACK");
    return std::move(account).error();
  }
  if (account) w.shared.account = std::move(*account);
  w.shared.epoch = w.db.Number("SELECT value FROM meta WHERE name = 'epoch'") + 1;
  w.db.Exec("INSERT OR REPLACE INTO meta VALUES ('epoch', ?)", w.shared.epoch);
  w.last_change = w.db.Number("SELECT max(sequence) FROM changes");
  w.last_id = std::max(w.last_id, LastId(w.db));
  w.unlisted = static_cast<int>(
      w.db.Number("SELECT count(*) FROM deliveries WHERE id > (SELECT value FROM meta WHERE name = 'listed to')"));
  w.db.Exec("COMMIT");
  if (!w.db.ok()) return w.db.TakeError();
  return {};
}

}  // namespace

struct Store::Impl {
  // The order is that of making; what goes first is at the end.
  Directory directory;
  std::unique_ptr<Db> db;  // the writing connection
  Shared shared;
  Writing writing;
  base::Guarded<std::vector<std::unique_ptr<Db>>> readers;
  std::unique_ptr<Checkpointer> checkpointer;
  std::function<void(const Committed&)> listener;
  std::atomic<int64_t> last_change{0};
  std::atomic<uint64_t> token_generation{1};
  base::Guarded<std::vector<base::DeliveryId>> unclaimed;  // what TakeOver has still to hand out, last one first
  std::unique_ptr<Writer> writer;

  Impl(Directory d, std::unique_ptr<Db> w, base::Clock& clock, base::Random& random, Options options, Sealer sealer)
      : directory(std::move(d)),
        db(std::move(w)),
        shared(clock, std::move(options), std::move(sealer)),
        writing(*db, shared, random) {}

  ~Impl() {
    writer.reset();
    checkpointer.reset();
    readers.Lock()->clear();
    if (auto status = db->Checkpoint(Db::CheckpointMode::kTruncate); !status) {
      base::Log(base::LogLevel::kWarn, "last checkpoint failed; the next opening makes up for it",
                {{"error", status.error().Text()}});
    }
  }

  Status Start() {
    const Options& options = shared.options;
    const std::string path = directory.File(kFile);
    for (int i = 0; i < std::max(options.readers, 1); ++i) {
      RB_ASSIGN(auto reader, Db::Open(path, options.vfs, Db::Mode::kRead, kReaderCacheKib));
      readers.Lock()->push_back(std::move(reader));
    }
    RB_ASSIGN(auto second, Db::Open(path, options.vfs, Db::Mode::kWrite, kCheckpointCacheKib));
    checkpointer = std::make_unique<Checkpointer>(std::move(second));
    last_change = writing.last_change;
    Writer::Hooks hooks{[this] { BeforeCommit(); }, [this] { AfterCommit(); }, [this] { AfterAnswers(); },
                        [this] { AfterRollback(); }};
    writer = std::make_unique<Writer>(*db, std::move(hooks), options.max_queued_writes);
    return {};
  }

  // ---- on the writer's thread ----

  void BeforeCommit() {
    writing.sums.Write(*db);
    writing.caches.Write(*db);
    ListDeliveries(writing);
  }

  void AfterCommit() {
    const Committed committed = std::exchange(writing.committed, {});
    if (committed.last_change != 0) last_change = committed.last_change;
    if (std::exchange(writing.tokens_changed, false)) ++token_generation;
    if (listener) listener(committed);
  }

  void AfterAnswers() {
    if (db->wal_pages() > kCheckpointPages) checkpointer->Ask();
    // Here nobody can append meanwhile, so this pass ends and the next commit begins the log anew.
    if (db->wal_pages() > kOvergrownPages) {
      if (auto status = db->Checkpoint(Db::CheckpointMode::kPassive); !status) {
        base::Log(base::LogLevel::kWarn, "checkpoint failed", {{"error", status.error().Text()}});
      }
    }
  }

  void AfterRollback() {
    writing.committed = {};
    writing.sums = {};
    writing.caches.Clear();
    writing.tokens_changed = false;
  }

  // ---- verbs ----

  template <class T, class Verb>
  void Push(Verb verb, Done<T> done, size_t weight, Writer::Admission admission) {
    auto result = std::make_shared<std::optional<Result<T>>>();
    Writer::Job job;
    job.weight = weight;
    job.run = [this, verb = std::move(verb), result]() mutable {
      writing.now = shared.clock.Now();
      result->emplace(verb(writing));
    };
    job.answer = [result, done](const Status& status) {
      done(status ? std::move(**result) : Result<T>(status.error()));
    };
    if (writer->Push(std::move(job), admission)) return;
    done(Error(Code::kUnavailable, "too many writes are waiting for the disk"));
  }

  // Verbs that check before they write leave nothing behind when they fail. These need not be so careful: a failure,
  // also of a constraint or of a damaged row, undoes what they did and nothing else.
  template <class T, class Verb>
  static Result<T> InSavepoint(Writing& w, Verb& verb) {
    const Writing::Mark mark = w.TakeMark();
    w.caches.Write(w.db);  // what former verbs of the group took must not be undone with this one
    w.db.Exec("SAVEPOINT verb");
    Result<T> result = verb(w);
    if (!w.db.ok() && w.db.is_local()) result = w.db.TakeError();
    if (!result) {
      w.db.Exec("ROLLBACK TO verb");
      w.Return(mark);
    }
    w.db.Exec("RELEASE verb");
    return result;
  }

  template <class T, class Verb>
  Result<T> Write(Verb verb) {
    std::optional<Result<T>> answer;
    base::Signal signal;
    Push<T>([&verb](Writing& w) { return InSavepoint<T>(w, verb); },
            [&](Result<T> result) {
              answer.emplace(std::move(result));
              signal.Raise();
            },
            1, Writer::Admission::kLimited);
    signal.Wait();
    return std::move(*answer);
  }

  template <class T, class Verb>
  Result<T> Read(Verb verb) {
    std::unique_ptr<Db> reader;
    {
      auto idle = readers.Lock();
      idle.Wait([&] { return !idle->empty(); });
      reader = std::move(idle->back());
      idle->pop_back();
    }
    reader->Exec("BEGIN");
    Result<T> result = verb(Reading{*reader, shared});
    reader->Exec("COMMIT");
    if (!reader->ok()) {
      result = reader->TakeError();
      reader->Exec("ROLLBACK");
      if (!reader->ok()) (void)reader->TakeError();
    }
    readers.Lock()->push_back(std::move(reader));
    readers.NotifyOne();
    return result;
  }
};

// ---- opening ----

Result<std::unique_ptr<Store>> Store::Open(Options options, base::Clock& clock, base::Random& random) {
  RB_ASSIGN(Directory directory, Directory::Open(options.directory));
  RB_ASSIGN(const auto made, directory.MakeFile(kFile));
  if (made == Directory::Made::kAgain) {
    base::Log(base::LogLevel::kError, "the database of a data directory that was in use is gone: an empty one is begun",
              {{"database", directory.File(kFile)}});
  }
  RB_ASSIGN(auto db, Db::Open(directory.File(kFile), options.vfs, Db::Mode::kWrite, kWriterCacheKib));
  RB_TRY(PrepareSchema(*db));
  RB_ASSIGN(Sealer sealer, Sealer::Open(directory, *db, options.key, random));
  auto impl =
      std::make_unique<Impl>(std::move(directory), std::move(db), clock, random, std::move(options), std::move(sealer));
  RB_TRY(Claim(impl->writing));
  RB_TRY(impl->Start());
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

void Store::SetExternalUrl(std::string url) { *impl_->shared.external_url.Lock() = std::move(url); }
void Store::Listen(std::function<void(const Committed&)> listener) { impl_->listener = std::move(listener); }
Account Store::account() const { return impl_->shared.account; }
Status Store::Health() const { return impl_->writer->health(); }
uint64_t Store::token_generation() const { return impl_->token_generation; }
int64_t Store::last_change() const { return impl_->last_change; }
Status Store::Checkpoint() { return impl_->checkpointer->RunNow(); }

// ---- resources ----

template <class T>
Result<T> Store::Get(const Principal& who, typename T::Id id) {
  return impl_->Read<T>([&](Reading r) { return GetRow(r, who, id); });
}

template <class T>
Result<Page<T>> Store::List(const Principal& who, const Query& query) {
  return impl_->Read<Page<T>>([&](Reading r) -> Result<Page<T>> {
    Page<T> page;
    RB_TRY(ListRows(r, who, query, page));
    return page;
  });
}

template <class T>
Result<T> Store::Create(const Principal& who, T value) {
  return impl_->Write<T>([&](Writing& w) { return CreateRow(w, who, std::move(value)); });
}

template <class T>
Result<T> Store::Update(const Principal& who, typename T::Id id, std::function<Status(T&)> change) {
  return impl_->Write<T>([&](Writing& w) { return UpdateRow(w, who, id, change); });
}

template <class T>
Status Store::Delete(const Principal& who, typename T::Id id) {
  return impl_->Write<void>([&](Writing& w) { return DeleteRow(w, who, id); });
}

#define RB_INSTANTIATE(T)                                                                  \
  template Result<T> Store::Get<T>(const Principal&, T::Id);                               \
  template Result<Page<T>> Store::List<T>(const Principal&, const Query&);                 \
  template Result<T> Store::Create<T>(const Principal&, T);                                \
  template Result<T> Store::Update<T>(const Principal&, T::Id, std::function<Status(T&)>); \
  template Status Store::Delete<T>(const Principal&, T::Id)
RB_INSTANTIATE(Environment);
RB_INSTANTIATE(Workspace);
RB_INSTANTIATE(Endpoint);
RB_INSTANTIATE(Webhook);
RB_INSTANTIATE(Token);
#undef RB_INSTANTIATE
template Result<Run> Store::Get<Run>(const Principal&, base::RunId);
template Result<Page<Run>> Store::List<Run>(const Principal&, const Query&);
template Result<Run> Store::Create<Run>(const Principal&, Run);
template Result<Delivery> Store::Get<Delivery>(const Principal&, base::DeliveryId);
template Result<Page<Delivery>> Store::List<Delivery>(const Principal&, const Query&);

// ---- runs and events ----

void Store::Transition(const Principal& who, TransitionRequest request, Done<Transitioned> done) {
  impl_->Push<Transitioned>(
      [who, request = std::move(request)](Writing& w) mutable {
        return FailingAlone(w, [&] { return TransitionRun(w, who, std::move(request)); });
      },
      std::move(done), 1, Writer::Admission::kLimited);
}

Result<std::vector<Event>> Store::EventsOf(const Principal& who, base::RunId run) {
  return impl_->Read<std::vector<Event>>([&](Reading r) { return ReadEvents(r, who, run); });
}

Result<std::vector<EffectiveWebhook>> Store::EffectiveWebhooks(const Principal& who, base::WorkspaceId id) {
  return impl_->Read<std::vector<EffectiveWebhook>>([&](Reading r) { return ReadEffective(r, who, id); });
}

void Store::SweepRuns(Done<Swept> done) {
  impl_->Push<Swept>(
      [](Writing& w) {
        EndRotations(w);
        return SweepLiveRuns(w);
      },
      std::move(done), 1, Writer::Admission::kAlways);
}

// ---- deliveries ----

Result<DeliveryDetail> Store::Detail(const Principal& who, base::DeliveryId id) {
  return impl_->Read<DeliveryDetail>([&](Reading r) { return ReadDetail(r, who, id); });
}

Result<std::vector<Attempt>> Store::Attempts(const Principal& who, base::DeliveryId id) {
  return impl_->Read<std::vector<Attempt>>([&](Reading r) { return ReadAllAttempts(r, who, id); });
}

Result<Delivery> Store::Resend(const Principal& who, base::DeliveryId id) {
  return impl_->Write<Delivery>([&](Writing& w) { return ResendDelivery(w, who, id); });
}

Result<std::vector<WebhookStatistics>> Store::Statistics(const Principal& who,
                                                         const std::vector<base::WebhookId>& ids) {
  return impl_->Read<std::vector<WebhookStatistics>>([&](Reading r) { return ReadStatistics(r, who, ids); });
}

Result<std::vector<Waiting>> Store::TakeOver(base::DeliveryId after, size_t limit) {
  std::vector<base::DeliveryId> page;
  {
    // Read once and handed out in pages: finding them again for each page would sort all that waits each time. Nothing
    // can join them later.
    auto unclaimed = impl_->unclaimed.Lock();
    if (!after) {
      RB_ASSIGN(*unclaimed, impl_->Read<std::vector<base::DeliveryId>>([](Reading r) { return ReadUnclaimed(r, {}); }));
      std::reverse(unclaimed->begin(), unclaimed->end());
    }
    for (; !unclaimed->empty() && page.size() < limit; unclaimed->pop_back()) {
      if (unclaimed->back() > after) page.push_back(unclaimed->back());
    }
    if (unclaimed->empty()) unclaimed->shrink_to_fit();
  }
  if (page.empty()) return std::vector<Waiting>();
  return impl_->Write<std::vector<Waiting>>([&](Writing& w) { return ClaimWaiting(w, page); });
}

Result<std::vector<Loaded>> Store::Load(const std::vector<base::DeliveryId>& ids) {
  return impl_->Read<std::vector<Loaded>>([&](Reading r) { return ReadLoaded(r, ids); });
}

Result<std::vector<Target>> Store::Targets(const std::vector<base::EndpointId>& ids) {
  return impl_->Read<std::vector<Target>>([&](Reading r) { return ReadTargets(r, ids); });
}

void Store::Record(std::vector<AttemptRecord> records, Done<int> done) {
  const size_t weight = records.size();
  impl_->Push<int>([records = std::move(records)](Writing& w) { return RecordAttempts(w, records); }, std::move(done),
                   weight, Writer::Admission::kAlways);
}

// ---- tokens, the feed, upkeep ----

Result<Principal> Store::Authenticate(const base::Secret& token) {
  RB_ASSIGN(Known known, impl_->Read<Known>([&](Reading r) { return FindToken(r, token); }));
  if (known.use_is_news) {
    const base::TokenId id = known.who.token;
    impl_->Push<int>(
        [id](Writing& w) {
          NoteUse(w, id);
          return Result<int>(1);
        },
        [](const Result<int>&) {}, 1, Writer::Admission::kLimited);
  }
  return std::move(known.who);
}

Result<std::vector<Change>> Store::Changes(const Principal& who, const ChangesQuery& query) {
  return impl_->Read<std::vector<Change>>([&](Reading r) { return ReadChanges(r.db, who, query); });
}

Result<Totals> Store::CountAll() {
  return impl_->Read<Totals>([](Reading r) -> Result<Totals> {
    Totals totals;
    Rows rows =
        r.db.Query("SELECT events, accepted, delivered, waiting, failed FROM totals WHERE account = ?", kAccount);
    if (rows.Next()) rows.Read(totals.events, totals.accepted, totals.delivered, totals.waiting, totals.failed);
    return totals;
  });
}

Result<bool> Store::Purge() {
  return impl_->Write<bool>([](Writing& w) { return PurgeBatch(w); });
}

std::optional<base::WallTime> Store::OldestDue() {
  auto due = impl_->Read<std::optional<base::WallTime>>(
      [](Reading r) -> Result<std::optional<base::WallTime>> { return ReadOldestDue(r); });
  return due ? *due : std::nullopt;
}

}  // namespace store
