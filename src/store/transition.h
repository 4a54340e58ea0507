// Moving a run: the decision, the event, its deliveries, in one go.
#pragma once

#include <vector>

#include "store/run_rows.h"

namespace store {

base::Result<Transitioned> TransitionRun(Writing& w, const base::Principal& who, TransitionRequest request);
// Runs whose reporter fell silent, runs that nobody executes: moves what is due, a batch at most, and says how many.
base::Result<int> SweepLiveRuns(Writing& w);

struct Fired {
  base::EventId event;
  int deliveries = 0;
};
// Writes the event of a run that has just changed, and a delivery for every webhook that listens. No event when the
// workspace is gone.
Fired FireEvent(Writing& w, const Run& run, run::EventKind kind, base::EventId previous);

base::Result<std::vector<Event>> ReadEvents(Reading r, const base::Principal& who, base::RunId run);

}  // namespace store
