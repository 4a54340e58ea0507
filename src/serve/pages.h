// What is not an API document: liveness and readiness, and the plain pages behind the stable links of payloads.
#pragma once

#include "serve/routes.h"

namespace serve {

void Healthz(const CallPtr& call);               // 200 while the process serves
base::Result<net::Response> Readyz(Call& call);  // 503 while shutting down or when writes are refused
void Ping(const CallPtr& call);                  // 204
void StartPage(const CallPtr& call);
// Says what the id is of and which command shows it. The page holds no data: it is open to anybody.
void RunPage(const CallPtr& call);
void WorkspacePage(const CallPtr& call);
void EnvironmentPage(const CallPtr& call);

}  // namespace serve
