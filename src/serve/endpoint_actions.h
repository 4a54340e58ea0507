// POST /endpoints/{id}/actions/...: rotation of the secret, and whether deliveries are sent. All answer 200 with the
// endpoint; what fits the endpoint's state already changes nothing.
#pragma once

#include "serve/resource.h"

namespace serve {

// Attributes: secret-key (none: made here), overlap-seconds (86,400 when not given). kConflict while a rotation is
// under way: a third secret would cut off receivers that still hold the first.
base::Result<net::Response> RotateSecret(Call& call);
base::Result<net::Response> EndRotation(Call& call);
base::Result<net::Response> PauseEndpoint(Call& call);   // kConflict for a disabled one
base::Result<net::Response> ResumeEndpoint(Call& call);  // kConflict for a disabled one; ends a Retry-After as well
base::Result<net::Response> EnableEndpoint(Call& call);
base::Result<net::Response> DisableEndpoint(Call& call);  // fails what waits

}  // namespace serve
