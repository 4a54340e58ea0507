// One attempt: what is sent, and what its outcome means. Pure.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "hook/hook.h"
#include "net/net.h"
#include "store/store.h"

namespace deliver {

// The signed request for a loaded delivery. kInvalid when the endpoint's url or headers cannot be sent.
base::Result<net::SendRequest> Prepare(const store::Loaded& loaded, const store::Target& target, const net::Url& url,
                                       base::WallTime now, base::Micros max_timeout);

hook::Outcome OutcomeOf(const net::SendResult& result);

// The row to keep of an attempt that was sent as `sent_header_lines` at `started_at` and ended at `now`.
store::AttemptRecord Conclude(const store::Loaded& loaded, const store::Target& target, std::string sent_header_lines,
                              base::WallTime started_at, net::SendResult result, base::WallTime now, double chance);
// The same for one that could not be sent at all.
store::AttemptRecord Refuse(const store::Loaded& loaded, const store::Target& target, const base::Error& error,
                            base::WallTime now);

}  // namespace deliver
