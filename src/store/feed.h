// The change feed: what is written to it, under which names, and how it is read.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/principal.h"
#include "base/result.h"
#include "run/run.h"
#include "store/rows.h"
#include "store/sqlite.h"

namespace store {

// The numbers are stored: they never change their meaning. A run's states follow kRunStates.
enum class Action : int {
  kRunCreated = 1,
  kRunUpdated,
  kRunCancelRequested,
  kDelivered = 20,
  kDeliveryRetry,
  kDeliveryFailed,
  kDeliveryResent,
  kEnvironmentCreated = 30,
  kEnvironmentUpdated,
  kEnvironmentDeleted,
  kWorkspaceCreated = 40,
  kWorkspaceUpdated,
  kWorkspaceDeleted,
  kEndpointCreated = 50,
  kEndpointUpdated,
  kEndpointDeleted,
  kEndpointPaused,
  kEndpointResumed,
  kEndpointDisabled,
  kEndpointEnabled,
  kEndpointHeld,
  kSecretRotated,
  kRotationEnded,
  kWebhookCreated = 70,
  kWebhookUpdated,
  kWebhookDeleted,
  kTokenCreated = 80,
  kTokenUpdated,
  kTokenDeleted,
  kRunStates = 100,
};
Action RunReached(run::Status status);
std::string ActionName(Action action);

// A change about to be written. The target of a run's change is the run.
struct NewChange {
  Action action{};
  int64_t target = 0;
  base::RunId run;
  base::Place place;  // where it can be seen; of runs and deliveries the run says it
  std::string detail;
};

base::Result<std::vector<Change>> ReadChanges(Db& db, const base::Principal& who, const ChangesQuery& query);

}  // namespace store
