// What a resource looks like in documents, as a table: from it come parsing and checking with error pointers, the
// document with sparse fields and includes, and the create, read, update, delete and list handlers.
//
// Attributes that the table knows but cannot set are read only: they are ignored when a client sends back what it read.
// `kept` ones are documented by the contract and decide nothing here: checked, stored in the row's `extra`, given back.
// Anything the table does not know is refused by name. A relationship without `set` is one the contract documents and
// this server has nothing for: only "none" is accepted for it.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "serve/document.h"
#include "serve/routes.h"

namespace serve {

// For whom and why a document is made.
struct View {
  Context& context;
  const base::Principal& who;
  Fields fields;
  std::vector<std::string> include;  // relationships whose linkage is needed, shown or not
  bool created = false;              // the answer to a creation: shows what is shown only once
  std::map<base::WebhookId, store::WebhookStatistics> statistics;

  View(Context& c, const base::Principal& w, const Params& params)
      : context(c), who(w), fields(params.fields), include(params.include) {}

  bool Shows(std::string_view type, std::string_view name) const;
  bool AsksFor(std::string_view type, std::string_view name) const;  // by name, in fields[type]
  bool Includes(std::string_view relationship) const;
  std::string Link(std::string_view path) const;  // with the server's external address
};

template <class T>
struct Attribute {
  std::string_view name;
  Rule rule{};
  base::json::value (*get)(const T& row, const View& view) = nullptr;  // null: never shown
  void (*set)(T& row, const base::json::value& value) = nullptr;       // null: read only; `value` fits the rule
  base::Status (*check)(const base::json::value& value) = nullptr;     // what the rule cannot say; not for null
  bool required = false;
  bool kept = false;
  bool on_request = false;       // shown only when asked for by name
  base::json::value fallback{};  // of a kept one
};

template <class T>
struct Relationship {
  std::string_view name, type;
  std::vector<std::string> (*get)(const T& row, const View& view) = nullptr;
  // False when an id cannot be one of this type.
  bool (*set)(T& row, const std::vector<std::string>& ids, const View& view) = nullptr;
  bool many = false;
  bool required = false;
  bool fixed = false;  // set at creation, never changed
};

template <class T>
struct Resource {
  std::string_view type;      // "environments"
  std::string_view singular;  // "Environment"
  std::string_view path;      // "/environments"
  std::vector<Attribute<T>> attributes;
  std::vector<Relationship<T>> relationships;
  // Judges the whole row and fills in what follows from other things. `before` is null for a creation; for a change
  // only the verdict counts.
  base::Status (*finish)(T& row, const T* before, const Input& input, const View& view) = nullptr;
};

// The tables, one per kind of row.
template <class T>
const Resource<T>& Describe();
template <>
const Resource<store::Environment>& Describe();
template <>
const Resource<store::Workspace>& Describe();
template <>
const Resource<store::Endpoint>& Describe();
template <>
const Resource<store::Webhook>& Describe();
template <>
const Resource<store::Run>& Describe();
template <>
const Resource<store::Token>& Describe();
template <>
const Resource<store::DeliveryDetail>& Describe();

template <class T>
Attribute<T> Kept(std::string_view name, Rule rule, base::json::value fallback = nullptr) {
  Attribute<T> attribute;
  attribute.name = name;
  attribute.rule = std::move(rule);
  attribute.kept = true;
  attribute.fallback = std::move(fallback);
  return attribute;
}

// A relationship of the contract that this server has nothing for.
template <class T>
Relationship<T> Absent(std::string_view name, std::string_view type, bool many = false) {
  Relationship<T> relationship;
  relationship.name = name;
  relationship.type = type;
  relationship.many = many;
  return relationship;
}

// {"permissions": {"webhooks:update": true, ...}}: whether `who` may write at the place that decides over the action.
base::json::value Permissions(std::string_view type, const base::Principal& who, const base::Place& update,
                              const base::Place& deletion);
std::string SingularOf(std::string_view type);  // the type itself when it is not known
bool IsType(std::string_view type);
std::vector<std::string> UserOf(base::TokenId token);  // who acted; tokens act as users
template <class Kind>
std::vector<std::string> One(base::Id<Kind> id) {
  if (!id) return {};
  return {base::Format(id)};
}
bool IsOwnAccount(const std::vector<std::string>& ids, const View& view);
base::json::value TimeOrNull(const std::optional<base::WallTime>& time);
base::json::value TextOrNull(const std::string& text);

// Sets a to-one id; an empty list is "none".
template <class IdType>
bool SetId(IdType& target, const std::vector<std::string>& ids) {
  target = IdType{};
  if (ids.empty()) return true;
  auto id = base::Parse<IdType>(ids.front());
  if (id) target = *id;
  return id.has_value();
}

// The row, or the contract's "not found" for the relationship `name`.
template <class T>
base::Result<T> Require(const View& view, typename T::Id id, std::string_view name) {
  auto row = view.context.store.Get<T>(view.who, id);
  if (row) return row;
  if (row.error().code != base::Code::kNotFound && row.error().code != base::Code::kDenied) return row;
  return NotFound(Describe<T>().singular, base::Format(id), name);
}

// ---- serialising ----

template <class T>
base::json::value ValueOf(const Attribute<T>& attribute, const T& row, const View& view) {
  if (!attribute.kept) return attribute.get(row, view);
  if constexpr (requires { row.extra; }) {
    if (const auto* value = row.extra.if_contains(attribute.name)) return *value;
  }
  return attribute.fallback;
}

base::json::object RelationshipObject(std::string_view type, bool many, const std::vector<std::string>& ids);

template <class T>
base::json::object Serialize(const T& row, std::string_view id, const View& view) {
  const auto& resource = Describe<T>();
  base::json::object attributes;
  for (const auto& attribute : resource.attributes) {
    if (attribute.get == nullptr && !attribute.kept) continue;
    bool shown =
        attribute.on_request ? view.AsksFor(resource.type, attribute.name) : view.Shows(resource.type, attribute.name);
    if (shown) attributes[attribute.name] = ValueOf(attribute, row, view);
  }
  base::json::object relationships;
  for (const auto& relationship : resource.relationships) {
    if (!view.Shows(resource.type, relationship.name) && !view.Includes(relationship.name)) continue;
    auto ids = relationship.get == nullptr ? std::vector<std::string>() : relationship.get(row, view);
    relationships[relationship.name] = RelationshipObject(relationship.type, relationship.many, ids);
  }
  std::string path = std::string(kApiRoot) + std::string(resource.path) + "/" + std::string(id);
  return {{"type", resource.type},
          {"id", id},
          {"attributes", std::move(attributes)},
          {"relationships", std::move(relationships)},
          {"links", base::json::object{{"self", view.Link(path)}}}};
}

template <class T>
base::json::object Serialize(const T& row, const View& view) {
  return Serialize(row, base::Format(row.id), view);
}

// ---- including ----

// Adds "included" to `document`: what the named relationships of its primary data point to, each once. Their linkage
// then goes again where the fields that were asked for leave it out.
base::Status AddIncluded(base::json::object& document, const Params& params, const View& view);

// kInvalid for includes and fields that the resource does not have.
template <class T>
base::Status CheckNames(const Params& params) {
  const auto& resource = Describe<T>();
  auto is_relationship = [&](std::string_view name) {
    return std::any_of(resource.relationships.begin(), resource.relationships.end(),
                       [&](const auto& known) { return known.name == name; });
  };
  for (const auto& name : params.include) {
    if (!is_relationship(name)) return InvalidParameter("include", "unknown relationship '" + name + "'");
  }
  for (const auto& [type, names] : params.fields) {
    if (!IsType(type)) return InvalidParameter("fields[" + type + "]", "unknown type '" + type + "'");
  }
  auto fields = params.fields.find(resource.type);
  if (fields == params.fields.end()) return {};
  for (const auto& name : fields->second) {
    bool known = is_relationship(name) || std::any_of(resource.attributes.begin(), resource.attributes.end(),
                                                      [&](const auto& a) { return a.name == name; });
    if (!known) return InvalidParameter("fields[" + fields->first + "]", "unknown field '" + name + "'");
  }
  return {};
}

// ---- parsing ----

// The checked parts of a request's resource object, ready to be applied to a row.
template <class T>
struct Patch {
  std::vector<std::pair<const Attribute<T>*, base::json::value>> attributes;
  std::vector<std::pair<const Relationship<T>*, std::vector<std::string>>> relationships;

  // kInvalid or kNotFound for ids that cannot be.
  base::Status Apply(T& row, const View& view) const;
};

// The ids of a relationship in a request.
base::Result<std::vector<std::string>> ParseLinkage(std::string_view name, std::string_view type, bool many,
                                                    const base::json::value& given);

template <class T>
base::Status TakeAttributes(Patch<T>& patch, const base::json::object& given) {
  const auto& table = Describe<T>().attributes;
  for (const auto& [key, value] : given) {
    std::string_view name = key;
    auto known =
        std::find_if(table.begin(), table.end(), [&](const auto& attribute) { return attribute.name == name; });
    if (known == table.end()) return InvalidAttribute(name, "unknown attribute '" + std::string(name) + "'");
    if (known->set == nullptr && !known->kept) continue;
    RB_TRY(Check(known->rule, name, value));
    if (known->check != nullptr && !value.is_null()) {
      if (auto status = known->check(value); !status) {
        return InvalidAttribute(std::string(name) + status.error().where, status.error().message);
      }
    }
    patch.attributes.emplace_back(&*known, value);
  }
  return {};
}

template <class T>
base::Status TakeRelationships(Patch<T>& patch, const base::json::object& given) {
  const auto& table = Describe<T>().relationships;
  for (const auto& [key, value] : given) {
    std::string_view name = key;
    auto known = std::find_if(table.begin(), table.end(), [&](const auto& one) { return one.name == name; });
    if (known == table.end()) return InvalidRelationship(name, "unknown relationship '" + std::string(name) + "'");
    RB_ASSIGN(auto ids, ParseLinkage(name, known->type, known->many, value));
    if (known->set != nullptr) {
      patch.relationships.emplace_back(&*known, std::move(ids));
    } else if (known->get == nullptr && !ids.empty()) {
      return InvalidRelationship(name, "this server has no " + std::string(known->type) + " to relate to");
    }
  }
  return {};
}

template <class T>
base::Status CheckRequired(const Input& input) {
  for (const auto& attribute : Describe<T>().attributes) {
    if (attribute.required && !input.Has(attribute.name)) {
      return InvalidAttribute(attribute.name, std::string(attribute.name) + " is required");
    }
  }
  for (const auto& relationship : Describe<T>().relationships) {
    if (relationship.required && !input.relationships.contains(relationship.name)) {
      return InvalidRelationship(relationship.name, std::string(relationship.name) + " is required");
    }
  }
  return {};
}

template <class T>
base::Result<Patch<T>> ParsePatch(const Input& input) {
  Patch<T> patch;
  RB_TRY(TakeAttributes(patch, input.attributes));
  RB_TRY(TakeRelationships(patch, input.relationships));
  return patch;
}

template <class T>
base::Status Patch<T>::Apply(T& row, const View& view) const {
  for (const auto& [attribute, value] : attributes) {
    if (!attribute->kept) {
      attribute->set(row, value);
    } else if constexpr (requires { row.extra; }) {
      row.extra[attribute->name] = value;
    }
  }
  for (const auto& [relationship, ids] : relationships) {
    if (relationship->required && ids.empty()) {
      return InvalidRelationship(relationship->name, std::string(relationship->name) + " is required");
    }
    if (!relationship->set(row, ids, view)) {
      return NotFound(SingularOf(relationship->type), ids.empty() ? "" : ids.front(), relationship->name);
    }
  }
  return {};
}

// Takes what cannot be changed out of a change, after seeing that it would not be changed.
template <class T>
base::Status DropFixed(Patch<T>& patch, const T& row, const View& view) {
  for (const auto& [relationship, ids] : patch.relationships) {
    if (relationship->fixed && !ids.empty() && relationship->get(row, view) != ids) {
      return InvalidRelationship(relationship->name, std::string(relationship->name) + " cannot be changed");
    }
  }
  std::erase_if(patch.relationships, [](const auto& one) { return one.first->fixed; });
  return {};
}

// ---- handlers ----

template <class T>
base::Result<net::Response> DocumentOf(int status, const T& row, const Params& params, View& view) {
  base::json::object document{{"data", Serialize(row, view)}};
  RB_TRY(AddIncluded(document, params, view));
  return DocumentResponse(status, document);
}

template <class T>
base::Result<typename T::Id> IdOf(const Call& call) {
  auto id = base::Parse<typename T::Id>(call.ids.front());
  if (!id) return base::Error(base::Code::kNotFound, "not an id");
  return *id;
}

// What a view needs beyond its rows; for most kinds nothing.
template <class T>
base::Status Prepare(View&, const std::vector<T>&) {
  return {};
}
base::Status Prepare(View& view, const std::vector<store::Webhook>& rows);  // statistics, when asked for

template <class T>
base::Result<net::Response> ListOf(Call& call) {
  RB_ASSIGN(auto params, ParseParams(call.request.query, Accepts::kList));
  RB_TRY(CheckNames<T>(params));
  View view{call.context, call.who(), params};
  RB_ASSIGN(auto page, call.context.store.List<T>(call.who(), params.list));
  RB_TRY(Prepare(view, page.items));
  base::json::array data;
  for (const auto& row : page.items) data.push_back(Serialize(row, view));
  auto document = ListDocument(std::move(data), view.Link(call.request.path), params, page.total);
  RB_TRY(AddIncluded(document, params, view));
  return DocumentResponse(200, document);
}

template <class T>
base::Result<net::Response> ReadOf(Call& call) {
  RB_ASSIGN(auto params, ParseParams(call.request.query, Accepts::kDocument));
  RB_TRY(CheckNames<T>(params));
  RB_ASSIGN(auto id, IdOf<T>(call));
  RB_ASSIGN(auto row, call.context.store.Get<T>(call.who(), id));
  View view{call.context, call.who(), params};
  RB_TRY(Prepare(view, std::vector<T>{row}));
  return DocumentOf(200, row, params, view);
}

template <class T>
base::Result<net::Response> CreateOf(Call& call) {
  RB_ASSIGN(auto params, ParseParams(call.request.query, Accepts::kDocument));
  RB_TRY(CheckNames<T>(params));
  RB_ASSIGN(auto input, ParseInput(call.request.body, Describe<T>().type, ""));
  RB_ASSIGN(auto patch, ParsePatch<T>(input));
  RB_TRY(CheckRequired<T>(input));
  View view{call.context, call.who(), params};
  view.created = true;
  T row;
  RB_TRY(patch.Apply(row, view));
  if (Describe<T>().finish != nullptr) RB_TRY(Describe<T>().finish(row, nullptr, input, view));
  RB_ASSIGN(row, call.context.store.Create<T>(call.who(), std::move(row)));
  int status = 201;
  if constexpr (requires { row.repeated; }) {
    if (row.repeated) status = 200;
  }
  return DocumentOf(status, row, params, view);
}

template <class T>
base::Result<net::Response> UpdateOf(Call& call) {
  RB_ASSIGN(auto params, ParseParams(call.request.query, Accepts::kDocument));
  RB_TRY(CheckNames<T>(params));
  RB_ASSIGN(auto id, IdOf<T>(call));
  RB_ASSIGN(auto before, call.context.store.Get<T>(call.who(), id));
  RB_ASSIGN(auto input, ParseInput(call.request.body, Describe<T>().type, call.ids.front()));
  RB_ASSIGN(auto patch, ParsePatch<T>(input));
  View view{call.context, call.who(), params};
  RB_TRY(DropFixed(patch, before, view));
  T after = before;
  RB_TRY(patch.Apply(after, view));
  if (Describe<T>().finish != nullptr) RB_TRY(Describe<T>().finish(after, &before, input, view));
  RB_ASSIGN(after, call.context.store.Update<T>(call.who(), id, [&](T& row) { return patch.Apply(row, view); }));
  return DocumentOf(200, after, params, view);
}

template <class T>
base::Result<net::Response> DeleteOf(Call& call) {
  RB_ASSIGN(auto id, IdOf<T>(call));
  RB_TRY(call.context.store.Delete<T>(call.who(), id));
  return net::Response{204, "", "", ""};
}

}  // namespace serve
