// The store: everything that is kept, in one SQLite database, and nothing but SQL behind it.
//
// Writing: one thread owns the only writing connection and commits in groups; a verb's answer comes after its commit is
// on disk. Reading: any thread, on a small pool of reading connections, always a consistent snapshot. After a failed
// commit or sync the store refuses writes until it is opened again (kUnavailable), because what is on disk is unknown.
//
// Every verb takes the Principal who acts. What it may not see does not exist for it (kNotFound); what it may see but
// not do is kDenied. Each write adds its row to the change feed, which is also the audit log, in the same transaction.
//
// Verbs that return a Result block for the disk and must not be called on an I/O thread; verbs that take a Done do not
// block, and call it on the writer's thread, where it must not block either.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/principal.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "hook/hook.h"
#include "run/run.h"
#include "store/rows.h"

namespace store {

struct Options {
  std::string directory;            // made 0700 when missing; holds runbell.db, secret.key (0600) and a lock
  std::string account_id;           // `acc-...`; empty: kept, or made on the first opening
  std::string account_name;         // empty: kept, or "main"
  base::Secret key;                 // 32 bytes that replace the key file; empty: the key file
  std::string vfs;                  // SQLite VFS by name; empty: the default
  bool discard_is_errored = false;  // setting events.discarded
  base::Micros keep_bodies{90LL * 86'400'000'000};    // of finished deliveries; then bodies and attempts go
  base::Micros keep_changes{400LL * 86'400'000'000};  // of the change feed
  base::Micros lost_after{15LL * 60'000'000};         // silence of a reporter before its run is lost
  base::Micros expire_after{30LL * 86'400'000'000};   // of runs without an executor
  size_t max_queued_writes = 20'000;                  // more are refused with kUnavailable
  int readers = 2;
};

template <class T>
using Done = std::function<void(base::Result<T>)>;

// What one group commit changed, told on the writer's thread after the commit and before the callers' answers.
struct Committed {
  std::vector<Waiting> waiting;             // deliveries that now wait, already claimed by this process
  std::vector<base::EndpointId> endpoints;  // whose settings or state changed: read their Target again
  std::vector<base::EndpointId> dropped;    // whose waiting deliveries have been failed
  int64_t last_change = 0;                  // newest sequence number of the feed; 0: none in this commit
};

class Store {
 public:
  // kConflict when another process holds the directory (the message says to use --server), or when the account or key
  // is not the one the directory was made with; kCorrupt when the file is damaged or of a newer version. Older
  // versions are upgraded.
  static base::Result<std::unique_ptr<Store>> Open(Options options, base::Clock& clock, base::Random& random);
  ~Store();  // commits what is queued, checkpoints and lets go of the directory

  void SetExternalUrl(std::string url);  // before the first run; links in payloads begin with it, paths follow
  void Listen(std::function<void(const Committed&)> listener);  // one listener; before the first write
  Account account() const;
  base::Status Health() const;  // an error once writes are refused

  // ---- resources: T is Environment, Workspace, Endpoint, Webhook, Token; Run, but for Update and Delete; Delivery,
  // for Get and List ----
  // Filter, sort and search names are those of the API; an unknown one is kInvalid, with `where` "filter[name]".
  template <class T>
  base::Result<T> Get(const base::Principal& who, typename T::Id id);
  template <class T>
  base::Result<Page<T>> List(const base::Principal& who, const Query& query);
  // The id and the times of `value` are set here. A run whose key this token used before in the workspace is not made
  // again: the answer is the one made first, `repeated`. kInvalid names the attribute as a JSON pointer
  // (/data/attributes/name, /data/relationships/environment); a taken name is kInvalid too.
  template <class T>
  base::Result<T> Create(const base::Principal& who, T value);
  // Read, change, write in one transaction; `change` runs on the writer's thread and may refuse.
  template <class T>
  base::Result<T> Update(const base::Principal& who, typename T::Id id, std::function<base::Status(T&)> change);
  // kConflict for an endpoint in use. An environment takes its workspaces, webhooks and endpoints along; the log stays
  // and waiting deliveries fail with `deleted`.
  template <class T>
  base::Status Delete(const base::Principal& who, typename T::Id id);

  // ---- runs and events ----
  // Moves a run, fires its event and makes its deliveries in one transaction. A key seen before gives the first
  // answer again. kConflict for an illegal move, and for leaving `pending` while another run of the workspace is
  // active.
  void Transition(const base::Principal& who, TransitionRequest request, Done<Transitioned> done);
  base::Result<std::vector<Event>> EventsOf(const base::Principal& who, base::RunId run);
  base::Result<std::vector<EffectiveWebhook>> EffectiveWebhooks(const base::Principal& who, base::WorkspaceId id);
  // Marks runs lost whose reporter was silent for `lost_after` while this process was there to hear it, and expires
  // those without an executor. For a clock timer.
  void SweepRuns(Done<Swept> done);

  // ---- deliveries, for people ----
  base::Result<DeliveryDetail> Detail(const base::Principal& who, base::DeliveryId id);
  base::Result<std::vector<Attempt>> Attempts(const base::Principal& who, base::DeliveryId id);
  // A new delivery with the same body, to where the webhook's endpoint is now. kGone when the body was purged,
  // kConflict when webhook or endpoint are gone or disabled.
  base::Result<Delivery> Resend(const base::Principal& who, base::DeliveryId id);
  base::Result<std::vector<WebhookStatistics>> Statistics(const base::Principal& who,
                                                          const std::vector<base::WebhookId>& ids);

  // ---- deliveries, for the dispatcher (the program itself) ----
  // Claims the waiting deliveries a former process left, a page at a time in the order of their ids; empty at the end.
  base::Result<std::vector<Waiting>> TakeOver(base::DeliveryId after, size_t limit);
  // What an attempt needs, for those that still wait under this process's claim; others are left out.
  base::Result<std::vector<Loaded>> Load(const std::vector<base::DeliveryId>& ids);
  base::Result<std::vector<Target>> Targets(const std::vector<base::EndpointId>& ids);
  // Writes attempts and decisions, and what these do to endpoints. One whose claim was lost is left out and counted.
  void Record(std::vector<AttemptRecord> records, Done<int> done);

  // ---- tokens, the feed, upkeep ----
  // kNotFound for an unknown or expired one. Tokens are stored as SHA-256; last use is written at most once a minute.
  base::Result<base::Principal> Authenticate(const base::Secret& token);
  // Grows whenever a token changes: what was cached under an older number is void.
  uint64_t token_generation() const;
  base::Result<std::vector<Change>> Changes(const base::Principal& who, const ChangesQuery& query);
  int64_t last_change() const;
  base::Result<Totals> CountAll();
  // Removes one bounded batch of what retention allows; true while there is more.
  base::Result<bool> Purge();
  base::Status Checkpoint();
  std::optional<base::WallTime> OldestDue();  // of waiting deliveries; for metrics

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace store
