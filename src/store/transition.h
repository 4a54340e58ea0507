// Moving a run: the decision, the event, its deliveries, in one go.
#pragma once

#include <vector>

#include "store/run_rows.h"

namespace store {

base::Result<Transitioned> TransitionRun(Writing& w, const base::Principal& who, TransitionRequest request);
// Runs whose reporter fell silent, runs that nobody executes: moves what is due, a batch at most.
base::Result<Swept> SweepLiveRuns(Writing& w);

// Ends the live runs of a workspace that is about to be deleted, for whoever hears it from further up. One whose row is
// damaged stays as it is.
base::Status CancelLiveRuns(Writing& w, const base::Principal& who, base::WorkspaceId id);

struct Fired {
  base::EventId event;
  int deliveries = 0;
};
// Writes the event of a run that has just changed, and a delivery for every webhook that listens. No event when the
// workspace is gone.
Fired FireEvent(Writing& w, const Run& run, run::EventKind kind, base::EventId previous);

base::Result<std::vector<Event>> ReadEvents(Reading r, const base::Principal& who, base::RunId run);

}  // namespace store
