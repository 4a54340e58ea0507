// What a run's events set off: the events with the webhooks considered, and the webhooks a workspace has.
#pragma once

#include "serve/resource.h"

namespace serve {

base::Result<net::Response> ListRunEvents(Call& call);
base::Result<net::Response> ListEffectiveWebhooks(Call& call);

}  // namespace serve
