// The small resources that have no rows of their own to change: the account, its users, event definitions, and the
// merged form of a webhook as deliveries point to it.
#pragma once

#include "serve/resource.h"

namespace serve {

base::json::object Account(std::string_view id, const View& view);
// A token acts as a user: its name is the user name.
base::json::object User(std::string_view id, const View& view);
base::json::object EventDefinition(std::string_view id, const View& view);
base::Result<base::json::object> WebhookIntegration(std::string_view id, const View& view);

base::Result<net::Response> ReadAccount(Call& call);
base::Result<net::Response> ListEventDefinitions(Call& call);
base::Result<net::Response> ReadEventDefinition(Call& call);

}  // namespace serve
