// How commands reach a server, and how they read what it answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/command.h"
#include "base/json.h"
#include "runner/runner.h"

namespace app {

struct ServerArguments {
  std::string server, token_file, ca_file;
};
// --server, --token-file and --ca-file. `arguments` must outlive the options.
std::vector<Option> MakeServerOptions(ServerArguments& arguments);
// `options`, then those of the server.
std::vector<Option> WithServer(ServerArguments& arguments, std::vector<Option> options);

// Flags win over RUNBELL_SERVER and RUNBELL_TOKEN. kInvalid says how to give what is missing. Warns on standard error
// when the token is to cross a network without TLS.
base::Result<std::unique_ptr<runner::ApiClient>> Connect(const Context& context, const ServerArguments& arguments);

// The id of what a person named. A workspace's name needs its environment, or is written ENVIRONMENT/WORKSPACE. A name
// that several have is kInvalid, and the message has their ids.
base::Result<std::string> FindEnvironment(runner::ApiClient& api, const std::string& name_or_id);
base::Result<std::string> FindWorkspace(runner::ApiClient& api, const std::string& environment,
                                        const std::string& name_or_id);
base::Result<std::string> FindWebhook(runner::ApiClient& api, const std::string& name_or_id);
base::Result<std::string> FindToken(runner::ApiClient& api, const std::string& name_or_id);
struct PlaceIds {
  std::string environment, workspace;  // of a workspace both; of the account none
};
// Among the endpoints that a webhook of `place` may use, or among all.
base::Result<std::string> FindEndpoint(runner::ApiClient& api, const std::string& name_or_id,
                                       const std::optional<PlaceIds>& place);

// The resources of a list, page after page, at most `limit`. `path` has its query already, or ends with '?'.
base::Result<base::json::array> FetchAll(runner::ApiClient& api, const std::string& path, int limit);

// The text at a path, numbers and truths as they are written; empty when it is null or not there.
std::string TextAt(const base::json::value& value, std::initializer_list<std::string_view> path);
// The id that a to-one relationship of `resource` points to; empty when none.
std::string RelatedId(const base::json::value& resource, std::string_view relationship);
base::json::object Relation(std::string_view type, std::string_view id);

// The text of the file that `option` names, "-" being standard input. kNotFound, kTooLarge beyond 16 MiB.
base::Result<std::string> ReadInput(std::string_view option, const std::string& path);

// Asks the person at the terminal before something that cannot be undone. kInvalid when nobody sits there, and kDenied
// when the answer is not yes.
base::Status Confirm(Context& context, const std::string& question);

}  // namespace app
