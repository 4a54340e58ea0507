#include "store/writer.h"

#include <pthread.h>

#include <utility>

#include "base/log.h"

namespace store {

using base::Code;
using base::Error;
using base::Status;

namespace {

// Keeps the time that a group holds up the next one to a few milliseconds.
constexpr size_t kMaxGroupWeight = 512;

}  // namespace

Writer::Writer(Db& db, Hooks hooks, size_t max_queued)
    : db_(db), hooks_(std::move(hooks)), max_queued_(max_queued), thread_([this] { Run(); }) {}

Writer::~Writer() {
  queue_.Lock()->stop = true;
  queue_.NotifyAll();
  thread_.join();
}

bool Writer::Push(Job job, Admission admission) {
  {
    auto queue = queue_.Lock();
    if (admission == Admission::kLimited && queue->jobs.size() >= max_queued_) return false;
    queue->jobs.push_back(std::move(job));
  }
  queue_.NotifyAll();
  return true;
}

Status Writer::health() const {
  auto queue = queue_.Lock();
  if (queue->broken) return *queue->broken;
  return {};
}

void Writer::Run() {
  pthread_setname_np(pthread_self(), "store-write");
  while (true) {
    std::vector<Job> group = Take();
    if (group.empty()) return;
    RunGroup(group);
  }
}

std::vector<Writer::Job> Writer::Take() {
  auto queue = queue_.Lock();
  queue.Wait([&] { return queue->stop || !queue->jobs.empty(); });
  std::vector<Job> group;
  for (size_t weight = 0; !queue->jobs.empty() && weight < kMaxGroupWeight; queue->jobs.pop_front()) {
    weight += queue->jobs.front().weight;
    group.push_back(std::move(queue->jobs.front()));
  }
  return group;
}

void Writer::RunGroup(std::vector<Job>& group) {
  Status status = health();
  if (status) {
    status = Commit(group);
    if (status) {
      hooks_.committed();
    } else {
      hooks_.rolled_back();
      base::Log(base::LogLevel::kError, "nothing more is written until the store is opened again",
                {{"error", status.error().Text()}});
      const Code code = status.error().code == Code::kCorrupt ? Code::kCorrupt : Code::kUnavailable;
      status = Error(code, "writing has stopped after: " + status.error().message);
      queue_.Lock()->broken = status.error();
    }
  }
  for (Job& job : group) job.answer(status);
  if (status) hooks_.answered();
}

Status Writer::Commit(std::vector<Job>& group) {
  db_.Exec("BEGIN IMMEDIATE");
  for (Job& job : group) {
    if (!db_.ok()) break;
    job.run();
  }
  hooks_.before_commit();
  db_.Exec("COMMIT");
  if (db_.ok()) return {};
  Error error = db_.TakeError();
  db_.Exec("ROLLBACK");
  if (!db_.ok()) (void)db_.TakeError();  // some errors have rolled back already
  return error;
}

}  // namespace store
