// Deliveries: what the dispatcher claims, loads and records, and what people read back.
#pragma once

#include <vector>

#include "store/resources.h"

namespace store {

// For the dispatcher.
base::Result<std::vector<Waiting>> ClaimWaiting(Writing& w, const std::vector<base::DeliveryId>& ids);
base::Result<std::vector<base::DeliveryId>> ReadUnclaimed(Reading r, base::DeliveryId after);
base::Result<std::vector<Loaded>> ReadLoaded(Reading r, const std::vector<base::DeliveryId>& ids);
base::Result<int> RecordAttempts(Writing& w, const std::vector<AttemptRecord>& records);
std::optional<base::WallTime> ReadOldestDue(Reading r);

// For people.
base::Result<DeliveryDetail> ReadDetail(Reading r, const base::Principal& who, base::DeliveryId id);
base::Result<std::vector<Attempt>> ReadAllAttempts(Reading r, const base::Principal& who, base::DeliveryId id);
base::Result<Delivery> ResendDelivery(Writing& w, const base::Principal& who, base::DeliveryId id);
// Catches delivery_lists up with the deliveries once it is far enough behind.
void ListDeliveries(Writing& w);
base::Result<std::vector<WebhookStatistics>> ReadStatistics(Reading r, const base::Principal& who,
                                                            const std::vector<base::WebhookId>& ids);

}  // namespace store
