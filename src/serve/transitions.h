// What moves a run: the reporter's status-transitions, and the actions of people. None of these blocks: the store
// answers on its own thread once the commit is on disk.
#pragma once

#include "serve/resource.h"

namespace serve {

// POST /runs/{id}/status-transitions, the hot route: 201, or 200 when it changed nothing (the key was seen before, or
// the run was there already).
void ReportStatus(const CallPtr& call);

// POST /runs/{id}/actions/...: 202; cancel of a run that is canceled already 204. The body may hold a comment.
void ApplyRun(const CallPtr& call);
void DiscardRun(const CallPtr& call);
void CancelRun(const CallPtr& call);
void OverridePolicy(const CallPtr& call);

}  // namespace serve
