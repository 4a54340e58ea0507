// The tables, and how older ones become today's.
#pragma once

#include "base/result.h"
#include "store/sqlite.h"

namespace store {

// Makes or upgrades the tables, each step in a transaction of its own. kCorrupt when the file is damaged, not ours, or
// of a newer version.
base::Status PrepareSchema(Db& db);

}  // namespace store
