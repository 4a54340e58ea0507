// Compound documents: the resources that an `include` asks for.
#include <optional>
#include <set>

#include "serve/account.h"
#include "serve/resource.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Code;
using base::Result;
using base::Status;

using Loaded = Result<std::optional<json::object>>;

// Something that is gone, or not for this token, is left out of a document: the linkage still names it.
Loaded LeftOut(const base::Error& error) {
  if (error.code == Code::kNotFound || error.code == Code::kDenied) return std::optional<json::object>();
  return error;
}

template <class T>
Loaded LoadRow(std::string_view id, const View& view) {
  auto parsed = base::Parse<typename T::Id>(id);
  if (!parsed) return std::optional<json::object>();
  auto row = view.context.store.Get<T>(view.who, *parsed);
  if (!row) return LeftOut(row.error());
  return std::optional(Serialize(*row, view));
}

Loaded LoadDelivery(std::string_view id, const View& view) {
  auto parsed = base::Parse<base::DeliveryId>(id);
  if (!parsed) return std::optional<json::object>();
  auto detail = view.context.store.Detail(view.who, *parsed);
  if (!detail) return LeftOut(detail.error());
  return std::optional(Serialize(*detail, id, view));
}

Loaded LoadKnown(std::string_view id, json::object (*make)(std::string_view, const View&), const View& view) {
  return std::optional(make(id, view));
}

Loaded Load(std::string_view type, std::string_view id, const View& view) {
  if (type == "environments") return LoadRow<store::Environment>(id, view);
  if (type == "workspaces") return LoadRow<store::Workspace>(id, view);
  if (type == "endpoints") return LoadRow<store::Endpoint>(id, view);
  if (type == "webhooks") return LoadRow<store::Webhook>(id, view);
  if (type == "runs") return LoadRow<store::Run>(id, view);
  if (type == "webhook-integration-deliveries") return LoadDelivery(id, view);
  if (type == "webhook-integrations") {
    auto integration = WebhookIntegration(id, view);
    return integration ? Loaded(std::move(*integration)) : LeftOut(integration.error());
  }
  if (type == "event-definitions") return LoadKnown(id, EventDefinition, view);
  if (type == "accounts") return LoadKnown(id, Account, view);
  if (type == "users") return LoadKnown(id, User, view);
  return std::optional<json::object>();
}

class Collector {
 public:
  explicit Collector(const View& view) : view_(view) {}

  Status TakeFrom(const json::value& resource, const std::vector<std::string>& names) {
    for (const auto& name : names) {
      const auto* data = base::At(resource, {"relationships", name, "data"});
      if (data == nullptr) continue;
      if (data->is_object()) RB_TRY(Take(*data));
      if (!data->is_array()) continue;
      for (const auto& one : data->get_array()) RB_TRY(Take(one));
    }
    return {};
  }
  json::array included;

 private:
  Status Take(const json::value& identifier) {
    std::string type = *base::StringAt(identifier, {"type"});
    std::string id = *base::StringAt(identifier, {"id"});
    if (!seen_.insert(type + "/" + id).second) return {};
    RB_ASSIGN(auto resource, Load(type, id, view_));
    if (resource) included.push_back(std::move(*resource));
    return {};
  }

  const View& view_;
  std::set<std::string> seen_;
};

void DropHidden(json::value& data, const View& view) {
  if (data.is_array()) {
    for (auto& resource : data.get_array()) DropHidden(resource, view);
  }
  auto* resource = data.if_object();
  auto* relationships = resource == nullptr ? nullptr : resource->if_contains("relationships");
  if (relationships == nullptr || !relationships->is_object()) return;
  const std::string type = base::StringAt(data, {"type"}).value_or("");
  for (const auto& name : view.include) {
    if (!view.Shows(type, name)) relationships->get_object().erase(name);
  }
}

}  // namespace

Status AddIncluded(json::object& document, const Params& params, const View& view) {
  if (params.include.empty()) return {};
  View plain = view;
  plain.include.clear();
  plain.created = false;
  Collector collector(plain);
  const auto& data = document["data"];
  if (data.is_object()) RB_TRY(collector.TakeFrom(data, params.include));
  if (data.is_array()) {
    for (const auto& resource : data.get_array()) RB_TRY(collector.TakeFrom(resource, params.include));
  }
  DropHidden(document["data"], view);
  document["included"] = std::move(collector.included);
  return {};
}

}  // namespace serve
