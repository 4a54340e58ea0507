#include "app/server_access.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "app/table.h"
#include "net/net.h"

namespace app {

namespace json = base::json;
using base::Result;
using runner::ApiClient;

namespace {

constexpr std::string_view kDefaultServer = "http://127.0.0.1:8170";
constexpr size_t kMaxInput = size_t{16} << 20;
constexpr int kPage = 100;
constexpr int kMostNamesakes = 1000;

std::string FromEnvironment(const Context& context, const std::string& name) {
  auto found = context.environment.find(name);
  return found == context.environment.end() ? "" : found->second;
}

std::string Trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  return text;
}

Result<base::Secret> GivenToken(const Context& context, const ServerArguments& arguments) {
  if (!arguments.token_file.empty()) {
    RB_ASSIGN(std::string text, ReadInput("--token-file", arguments.token_file));
    base::Secret token(Trimmed(std::move(text)));
    if (token.empty()) return base::Invalid("there is no token in it", "--token-file " + arguments.token_file);
    return token;
  }
  base::Secret token(FromEnvironment(context, "RUNBELL_TOKEN"));
  if (!token.empty()) return token;
  return base::Invalid(
      "no token: give --token-file FILE or set RUNBELL_TOKEN; `runbell token create` on the server's machine makes "
      "one");
}

using Fits = std::function<bool(const json::value& resource)>;

bool TokenCrossesNetworkInClear(const std::string& server) {
  const auto url = net::ParseUrl(server);
  if (!url || url->tls || url->host == "localhost") return false;
  const auto address = net::ParseAddress(url->host);
  return !address || net::Egress().Judge(*address, url->port) != net::Refusal::kLoopback;
}

Result<std::string> FindByName(ApiClient& api, std::string_view kind, std::string_view path, const std::string& filter,
                               const std::string& name, const Fits& fits = nullptr) {
  RB_ASSIGN(json::array found,
            FetchAll(api, fmt::format("{}?filter[name]={}{}", path, net::EncodePercent(name), filter), kMostNamesakes));
  std::string ids;
  int count = 0;
  for (const json::value& resource : found) {
    if (fits && !fits(resource)) continue;
    ids += (ids.empty() ? "" : ", ") + TextAt(resource, {"id"});
    count++;
  }
  if (count == 1) return ids;
  if (count > 1) {
    return base::Invalid(
        fmt::format("there is more than one {} \"{}\": {}; say which by its id", kind, Harmless(name), ids));
  }
  return base::Error(base::Code::kNotFound, fmt::format("there is no {} \"{}\"{} on {}", kind, Harmless(name),
                                                        fits ? " that may be used there" : "", api.server()));
}

}  // namespace

std::vector<Option> MakeServerOptions(ServerArguments& arguments) {
  return {{"--server", "URL", &arguments.server,
           fmt::format("The server. Default: RUNBELL_SERVER, or {}.", kDefaultServer)},
          {"--token-file", "FILE", &arguments.token_file,
           "File that holds the access token; - is standard input. Default: the value of RUNBELL_TOKEN."},
          {"--ca-file", "FILE", &arguments.ca_file, "Certificate authorities for https. Default: the system's."}};
}

std::vector<Option> WithServer(ServerArguments& arguments, std::vector<Option> options) {
  for (Option& option : MakeServerOptions(arguments)) options.push_back(std::move(option));
  return options;
}

Result<std::unique_ptr<ApiClient>> Connect(const Context& context, const ServerArguments& arguments) {
  runner::ApiOptions options;
  options.server = arguments.server.empty() ? FromEnvironment(context, "RUNBELL_SERVER") : arguments.server;
  if (options.server.empty()) options.server = kDefaultServer;
  RB_ASSIGN(options.token, GivenToken(context, arguments));
  options.ca_file = arguments.ca_file;
  if (TokenCrossesNetworkInClear(options.server)) {
    context.err("runbell: warning: " + options.server +
                " is not https; the token crosses the network in clear, and whoever reads it can use it\n");
  }
  return ApiClient::Make(std::move(options), context.clock);
}

Result<std::string> FindEnvironment(ApiClient& api, const std::string& name_or_id) {
  if (base::Parse<base::EnvironmentId>(name_or_id)) return name_or_id;
  return FindByName(api, "environment", "environments", "", name_or_id);
}

Result<std::string> FindWorkspace(ApiClient& api, const std::string& environment, const std::string& name_or_id) {
  if (base::Parse<base::WorkspaceId>(name_or_id)) return name_or_id;
  std::string in = environment, name = name_or_id;
  if (size_t slash = name.find('/'); in.empty() && slash != std::string::npos) {
    in = name.substr(0, slash);
    name = name.substr(slash + 1);
  }
  if (in.empty()) {
    return base::Invalid(
        "a workspace's name needs its environment: write ENVIRONMENT/WORKSPACE, or give the "
        "workspace's id",
        name_or_id);
  }
  RB_ASSIGN(std::string id, FindEnvironment(api, in));
  return FindByName(api, "workspace", "workspaces", "&filter[environment]=" + id, name);
}

Result<std::string> FindWebhook(ApiClient& api, const std::string& name_or_id) {
  if (base::Parse<base::WebhookId>(name_or_id)) return name_or_id;
  return FindByName(api, "webhook", "webhooks", "", name_or_id);
}

Result<std::string> FindToken(ApiClient& api, const std::string& name_or_id) {
  if (base::Parse<base::TokenId>(name_or_id)) return name_or_id;
  return FindByName(api, "token", "access-tokens", "", name_or_id);
}

Result<std::string> FindEndpoint(ApiClient& api, const std::string& name_or_id, const std::optional<PlaceIds>& place) {
  if (base::Parse<base::EndpointId>(name_or_id)) return name_or_id;
  if (!place) return FindByName(api, "endpoint", "endpoints", "", name_or_id);
  // What stands wider than the webhook, or in the same place.
  auto fits = [&](const json::value& endpoint) {
    std::string environment = RelatedId(endpoint, "environment"), workspace = RelatedId(endpoint, "workspace");
    return workspace.empty() ? environment.empty() || environment == place->environment : workspace == place->workspace;
  };
  return FindByName(api, "endpoint", "endpoints", "", name_or_id, fits);
}

Result<json::array> FetchAll(ApiClient& api, const std::string& path, int limit) {
  json::array all;
  std::string_view join = path.find('?') == std::string::npos ? "?" : path.ends_with('?') ? "" : "&";
  int size = std::clamp(limit, 1, kPage);
  for (int page = 1; static_cast<int>(all.size()) < limit; page++) {
    RB_ASSIGN(json::value document, api.Get(fmt::format("{}{}page[number]={}&page[size]={}", path, join, page, size)));
    const json::value* data = base::At(document, {"data"});
    if (data == nullptr || !data->is_array()) {
      return base::Error(base::Code::kUnavailable, api.server() + " does not answer like a Runbell server");
    }
    for (const json::value& resource : data->get_array()) {
      if (static_cast<int>(all.size()) < limit) all.push_back(resource);
    }
    if (static_cast<int>(data->get_array().size()) < size) break;
  }
  return all;
}

std::string TextAt(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* found = base::At(value, path);
  if (found == nullptr || found->is_null()) return "";
  if (found->is_string()) return std::string(found->get_string());
  return base::FormatJson(*found);
}

std::string RelatedId(const json::value& resource, std::string_view relationship) {
  return TextAt(resource, {"relationships", relationship, "data", "id"});
}

json::object Relation(std::string_view type, std::string_view id) {
  return {{"data", json::object{{"type", type}, {"id", id}}}};
}

Result<std::string> ReadInput(std::string_view option, const std::string& path) {
  std::string where = fmt::format("{} {}", option, path);
  int fd = path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return base::Error(base::Code::kNotFound, std::strerror(errno), where);
  std::string text;
  char buffer[65536];
  ssize_t got;
  while ((got = read(fd, buffer, sizeof(buffer))) > 0 && text.size() <= kMaxInput) {
    text.append(buffer, static_cast<size_t>(got));
  }
  int fault = errno;
  if (fd != STDIN_FILENO) close(fd);
  if (got < 0) return base::Error(base::Code::kNotFound, std::strerror(fault), where);
  if (text.size() > kMaxInput) return base::Error(base::Code::kTooLarge, "more than 16 MiB", where);
  return text;
}

base::Status Confirm(Context& context, const std::string& question) {
  if (isatty(STDIN_FILENO) == 0) {
    return base::Invalid("this cannot be undone, and nobody is at a terminal to be asked; --yes does it unasked");
  }
  context.err(Harmless(question) + " [y/N] ");
  std::string answer;
  char c = 0;
  while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') answer += c;
  if (answer == "y" || answer == "yes" || answer == "Y") return {};
  return base::Error(base::Code::kDenied, "nothing was changed");
}

}  // namespace app
