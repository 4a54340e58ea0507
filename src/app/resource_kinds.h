// What the commands for environments, workspaces, endpoints and webhooks know of each kind: one row of a table each.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "app/server_access.h"

namespace app {

inline constexpr int kNotGiven = std::numeric_limits<int>::min();

// What a person can say of a resource. What is not given is the server's default at creation, and stays in an update.
struct ResourceArguments {
  ServerArguments server;
  bool json = false, yes = false, show_secret = false;
  std::string which;  // the id or name of one that is there already
  std::string name;
  std::string environment, workspace;  // where it belongs, or where to look
  bool account = false;
  bool auto_apply = false, no_auto_apply = false;
  std::string url, payload_form, secret_file, overlap;
  std::vector<std::string> headers, secret_headers, removed_headers;
  int max_attempts = kNotGiven, timeout = kNotGiven;
  std::string endpoint;
  std::vector<std::string> events;
  bool enabled = false, disabled = false;
};

struct Column {
  std::string title, attribute;  // an attribute, or "->relationship"
};

// A command of its own for one of the API's actions.
struct ResourceAction {
  std::string name, summary;
  std::string done = {};  // what is said afterwards; empty: the state it is in now
  bool makes_secret = false;
};

struct Kind {
  std::string name, type;  // "endpoint", "endpoints"
  std::vector<Column> columns;
  bool in_environment = false, in_workspace = false;                       // what lists can be limited to
  std::vector<Option> (*place)(ResourceArguments& arguments) = nullptr;    // where it belongs, fixed at creation
  std::vector<Option> (*options)(ResourceArguments& arguments) = nullptr;  // of creations and updates
  std::string required = {};                                               // of `options`, at creation
  base::Result<std::string> (*find)(runner::ApiClient& api, const ResourceArguments& arguments) = nullptr;
  // What to send: of a creation, or of a change when `id` is not empty.
  base::Result<base::json::object> (*relate)(runner::ApiClient& api, const ResourceArguments& arguments,
                                             const std::string& id) = nullptr;
  std::string which_help = {}, deleting = {}, details = {};
  std::vector<ResourceAction> actions = {};
};
const std::vector<Kind>& AllKinds();

// The attributes that were given, whatever the kind. `id` as in Kind::relate.
base::Result<base::json::object> GivenAttributes(runner::ApiClient& api, const ResourceArguments& arguments,
                                                 const std::string& id);
std::vector<Option> RotationOptions(ResourceArguments& arguments);
base::Result<base::json::object> RotationAttributes(const ResourceArguments& arguments);

// The headers of `--header` whose values should not stand on a command line.
std::vector<std::string> SecretsOnCommandLine(const ResourceArguments& arguments);

}  // namespace app
