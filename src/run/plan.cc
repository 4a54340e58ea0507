// Reads `show -json` of a saved plan. It holds sensitive values in clear; the marks beside them say which:
//   resource_changes, resource_drift, output_changes: before_sensitive, after_sensitive, shaped like the values
//   planned_values, prior_state: `sensitive` on outputs, sensitive_values on resources
//   variables: only `sensitive` on the variable's declaration in the configuration
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "run/run.h"

namespace run {
namespace {

using base::json::array;
using base::json::object;
using base::json::value;

constexpr size_t kMinMaskBytes = 4;

const object* ObjectAt(const value& root, std::initializer_list<std::string_view> path) {
  const value* found = base::At(root, path);
  return found ? found->if_object() : nullptr;
}
const array* ArrayAt(const value& root, std::initializer_list<std::string_view> path) {
  const value* found = base::At(root, path);
  return found ? found->if_array() : nullptr;
}

class Collector {
 public:
  void TakeAll(const value& from) {
    if (const auto* text = from.if_string()) Add(std::string(*text));
    if (from.is_int64()) Add(std::to_string(from.get_int64()));
    if (from.is_uint64()) Add(std::to_string(from.get_uint64()));
    if (from.is_double()) Add(fmt::format("{}", from.get_double()));
    if (const auto* list = from.if_array()) {
      for (const auto& item : *list) TakeAll(item);
    }
    if (const auto* fields = from.if_object()) {
      for (const auto& field : *fields) TakeAll(field.value());
    }
  }

  // Takes what `mask` marks. A mark whose shape does not fit the value covers all of it.
  void TakeMarked(const value& from, const value& mask) {
    if (mask.is_bool()) {
      if (mask.get_bool()) TakeAll(from);
    } else if (mask.is_object() && from.is_object()) {
      for (const auto& [key, inner] : mask.get_object()) {
        if (const value* field = from.get_object().if_contains(key)) TakeMarked(*field, inner);
      }
    } else if (mask.is_array() && from.is_array() && mask.get_array().size() <= from.get_array().size()) {
      for (size_t i = 0; i < mask.get_array().size(); ++i) TakeMarked(from.get_array()[i], mask.get_array()[i]);
    } else if (AnyMark(mask)) {
      TakeAll(from);
    }
  }

  SensitiveValues Finish() && {
    SensitiveValues out;
    for (const auto& text : seen_) (text.size() < kMinMaskBytes ? out.too_short : out.values).push_back(text);
    std::stable_sort(out.values.begin(), out.values.end(),
                     [](const auto& a, const auto& b) { return a.size() > b.size(); });
    return out;
  }

 private:
  static bool AnyMark(const value& mask) {
    if (mask.is_bool()) return mask.get_bool();
    if (const auto* list = mask.if_array()) return std::any_of(list->begin(), list->end(), AnyMark);
    if (const auto* fields = mask.if_object()) {
      return std::any_of(fields->begin(), fields->end(), [](const auto& field) { return AnyMark(field.value()); });
    }
    return false;
  }
  void Add(std::string text) {
    if (!text.empty()) seen_.insert(std::move(text));
  }

  std::set<std::string> seen_;
};

void CollectChange(const value& change, Collector& out) {
  for (auto [part, marks] : {std::pair{"before", "before_sensitive"}, std::pair{"after", "after_sensitive"}}) {
    const value* from = base::At(change, {part});
    const value* mask = base::At(change, {marks});
    if (from && mask) out.TakeMarked(*from, *mask);
  }
}

void CollectModule(const value& module, Collector& out) {
  if (const auto* resources = ArrayAt(module, {"resources"})) {
    for (const auto& resource : *resources) {
      const value* values = base::At(resource, {"values"});
      const value* mask = base::At(resource, {"sensitive_values"});
      if (values && mask) out.TakeMarked(*values, *mask);
    }
  }
  if (const auto* children = ArrayAt(module, {"child_modules"})) {
    for (const auto& child : *children) CollectModule(child, out);
  }
}

// `values` is a planned or prior state: outputs and a tree of modules.
void CollectState(const value* values, Collector& out) {
  if (!values) return;
  if (const auto* outputs = ObjectAt(*values, {"outputs"})) {
    for (const auto& field : *outputs) {
      const value* content = base::At(field.value(), {"value"});
      if (content && base::BoolAt(field.value(), {"sensitive"}).value_or(false)) out.TakeAll(*content);
    }
  }
  if (const value* module = base::At(*values, {"root_module"})) CollectModule(*module, out);
}

// Defaults of sensitive variables, here and in called modules; given values exist for the root module only.
void CollectVariables(const value& configuration, const value* given, Collector& out) {
  if (const auto* variables = ObjectAt(configuration, {"variables"})) {
    for (const auto& [name, declared] : *variables) {
      if (!base::BoolAt(declared, {"sensitive"}).value_or(false)) continue;
      if (const value* fallback = base::At(declared, {"default"})) out.TakeAll(*fallback);
      const value* content = given ? base::At(*given, {std::string_view(name), "value"}) : nullptr;
      if (content) out.TakeAll(*content);
    }
  }
  if (const auto* calls = ObjectAt(configuration, {"module_calls"})) {
    for (const auto& call : *calls) {
      if (const value* module = base::At(call.value(), {"module"})) CollectVariables(*module, nullptr, out);
    }
  }
}

SensitiveValues CollectSensitive(const value& plan) {
  Collector out;
  for (std::string_view list : {"resource_changes", "resource_drift"}) {
    if (const auto* changes = ArrayAt(plan, {list})) {
      for (const auto& entry : *changes) {
        if (const value* change = base::At(entry, {"change"})) CollectChange(*change, out);
      }
    }
  }
  if (const auto* outputs = ObjectAt(plan, {"output_changes"})) {
    for (const auto& field : *outputs) CollectChange(field.value(), out);
  }
  CollectState(base::At(plan, {"planned_values"}), out);
  CollectState(base::At(plan, {"prior_state", "values"}), out);
  if (const value* root = base::At(plan, {"configuration", "root_module"})) {
    CollectVariables(*root, base::At(plan, {"variables"}), out);
  }
  return std::move(out).Finish();
}

bool HasAction(const array& actions, std::string_view name) {
  return std::any_of(actions.begin(), actions.end(), [&](const value& action) {
    return action.is_string() && std::string_view(action.get_string()) == name;
  });
}

// The one word for a change's list of actions; empty when nothing happens.
std::string ActionOf(const array& actions, const value& entry) {
  if (HasAction(actions, "create") && HasAction(actions, "delete")) return "replace";
  for (std::string_view name : {"create", "update", "delete", "forget", "read"}) {
    if (HasAction(actions, name)) return std::string(name);
  }
  if (ObjectAt(entry, {"change", "importing"})) return "import";
  return base::StringAt(entry, {"previous_address"}) ? "move" : "";
}

void CountChange(const value& entry, PlanSummary& out) {
  const auto* actions = ArrayAt(entry, {"change", "actions"});
  if (!actions) return;
  const std::string action = ActionOf(*actions, entry);
  if (action.empty()) return;
  if (action == "create" || action == "replace") ++out.counts.add;
  if (action == "update") ++out.counts.change;
  if (action == "delete" || action == "replace") ++out.counts.destroy;
  if (ObjectAt(entry, {"change", "importing"})) ++out.counts.import;
  out.changes.push_back({base::StringAt(entry, {"address"}).value_or(""), action});
  out.has_changes = true;
}

bool OutputsChange(const value& plan) {
  const auto* outputs = ObjectAt(plan, {"output_changes"});
  if (!outputs) return false;
  return std::any_of(outputs->begin(), outputs->end(), [](const auto& field) {
    const auto* actions = ArrayAt(field.value(), {"actions"});
    return actions && !actions->empty() && !HasAction(*actions, "no-op");
  });
}

}  // namespace

base::Result<PlanSummary> SummarizePlan(const value& plan) {
  const auto version = base::StringAt(plan, {"format_version"});
  if (!version) return base::Invalid("this is not a plan in JSON: it has no format_version");
  if (!version->starts_with("0.") && !version->starts_with("1.")) {
    return base::Invalid("the plan has the format version " + *version + ", which is not understood (0 and 1 are)");
  }
  PlanSummary out;
  if (const auto* changes = ArrayAt(plan, {"resource_changes"})) {
    for (const auto& entry : *changes) CountChange(entry, out);
  }
  // `applyable` is what the tool says itself, which also knows of refresh-only plans; older versions leave it out.
  out.has_changes = base::BoolAt(plan, {"applyable"}).value_or(out.has_changes || OutputsChange(plan));
  out.sensitive = CollectSensitive(plan);
  return out;
}

}  // namespace run
