// Attempts: a chain of rows per delivery, newest first.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "store/resources.h"

namespace store {

// Returns the new row's number in the chain. `previous` is 0 for the first.
int64_t InsertAttempt(Writing& w, base::DeliveryId delivery, int64_t previous, int number, const Attempt& attempt);
// Follows the chain from `last`; oldest first, at most `limit` of the newest.
base::Result<std::vector<Attempt>> ReadAttempts(Db& db, base::DeliveryId delivery, int64_t last, size_t limit);

}  // namespace store
