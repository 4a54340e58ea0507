// Retention.
#pragma once

#include "store/writing.h"

namespace store {

// Removes one bounded batch of what the options no longer keep; true while there is more.
base::Result<bool> PurgeBatch(Writing& w);

}  // namespace store
