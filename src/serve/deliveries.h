// The deliveries log: type webhook-integration-deliveries of the contract, its attempts, and sending again.
#pragma once

#include "serve/resource.h"

namespace serve {

base::Result<net::Response> ListDeliveries(Call& call);
base::Result<net::Response> ReadDelivery(Call& call);
base::Result<net::Response> ListAttempts(Call& call);
base::Result<net::Response> ResendDelivery(Call& call);

}  // namespace serve
