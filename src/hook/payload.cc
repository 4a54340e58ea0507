// The body of a delivery. Written by appending to one string: every accepted event passes here while its caller waits,
// and a document tree would cost more than everything else that is done for it.
#include <initializer_list>

#include "base/time_text.h"
#include "hook/hook.h"

namespace hook {
namespace {

using base::AppendJsonString;

// Keys are given in the underscore form and are plain ASCII; the writer turns them into the wanted form.
class Writer {
 public:
  Writer(PayloadForm form, size_t bytes) : separator_(form == PayloadForm::kHyphen ? '-' : '_') { out_.reserve(bytes); }

  void Open() {
    out_ += '{';
    first_ = true;
  }
  void Open(std::string_view key) {
    Key(key);
    Open();
  }
  void Close() {
    out_ += '}';
    first_ = false;
  }
  void Continue() { first_ = false; }  // an object that is open already and has members
  void Key(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    for (char c : key) out_ += c == '_' ? separator_ : c;
    out_ += "\":";
  }
  void Text(std::string_view key, std::string_view value) {
    Key(key);
    AppendJsonString(out_, value);
  }
  void TextOrNull(std::string_view key, std::string_view value) {
    if (value.empty()) {
      Key(key);
      out_ += "null";
    } else {
      Text(key, value);
    }
  }
  void Int(std::string_view key, int64_t value) {
    Key(key);
    out_ += std::to_string(value);
  }
  void Bool(std::string_view key, bool value) {
    Key(key);
    out_ += value ? "true" : "false";
  }
  // Names are the user's own: they are not turned into the wanted form.
  void Variables(const base::json::object& variables) {
    Key("variables");
    out_ += '{';
    bool first = true;
    for (const auto& [name, value] : variables) {
      if (!first) out_ += ',';
      first = false;
      AppendJsonString(out_, name);
      out_ += ':';
      if (const auto* text = value.if_string()) {
        AppendJsonString(out_, *text);
      } else {
        out_ += base::FormatJson(value);
      }
    }
    out_ += '}';
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
  char separator_;
  bool first_ = true;
};

// Room for every fixed part of a head or a tail, whose keys, ids, times and numbers are under 600 bytes.
size_t Estimate(std::initializer_list<std::string_view> texts) {
  size_t bytes = 640;
  for (std::string_view text : texts) bytes += text.size() + text.size() / 8;
  return bytes;
}

void AppendPlace(Writer& out, std::string_view key, std::string_view id, std::string_view name, std::string_view url) {
  out.Open(key);
  out.Text("id", id);
  out.Text("name", name);
  out.Text("url", url);
  out.Close();
}

void AppendWorkspace(Writer& out, const Snapshot& s) {
  AppendPlace(out, "workspace", Format(s.workspace), s.workspace_name, s.workspace_url);
}

void AppendEnvironment(Writer& out, const Snapshot& s) {
  AppendPlace(out, "environment", Format(s.environment), s.environment_name, s.environment_url);
}

void AppendRunAsDocumented(Writer& out, const Snapshot& s) {
  out.Open("run");
  out.Text("id", Format(s.run));
  out.Text("message", s.message);
  out.Text("status", Name(s.status));
  out.Text("source", s.source);
  out.Text("url", s.run_url);
  out.Text("created_at", base::FormatNaive(s.created_at));
  out.Text("updated_at", base::FormatNaive(s.updated_at));
  out.Open("created_by");
  out.TextOrNull("id", s.created_by_id);
  out.TextOrNull("username", s.created_by_name);
  out.TextOrNull("email", s.created_by_email);
  out.Close();
  out.Close();
}

void AppendRunSorted(Writer& out, const Snapshot& s) {
  out.Open("run");
  out.Text("created_at", base::FormatNaive(s.created_at));
  out.Open("created_by");
  out.TextOrNull("email", s.created_by_email);
  out.TextOrNull("id", s.created_by_id);
  out.TextOrNull("username", s.created_by_name);
  out.Close();
  out.Text("id", Format(s.run));
  out.Text("message", s.message);
  out.Text("source", s.source);
  out.Text("status", Name(s.status));
  out.Text("updated_at", base::FormatNaive(s.updated_at));
  out.Text("url", s.run_url);
  out.Close();
}

void AppendExtras(Writer& out, const Snapshot& s) {
  out.Text("event_id", Format(s.event));
  out.Int("sequence", s.sequence);
  out.TextOrNull("reason", Name(s.reason));
  out.Bool("is_destroy", s.is_destroy);
  out.Bool("is_dry", s.is_dry);
  if (s.plan) {
    out.Open("plan");
    out.Int("add", s.plan->add);
    out.Int("change", s.plan->change);
    out.Int("destroy", s.plan->destroy);
    out.Int("import", s.plan->import);
    out.Close();
  }
  if (!s.error_summary.empty()) {
    out.Open("error");
    out.Text("summary", s.error_summary);
    out.Close();
  }
}

std::string Head(const Snapshot& s, PayloadForm form) {
  Writer out(form, Estimate({s.message, s.source, s.run_url, s.created_by_id, s.created_by_name, s.created_by_email,
                             s.environment_name, s.environment_url}));
  out.Open();
  if (form == PayloadForm::kUnderscore) {
    out.Int("payload_version", 1);
    out.Text("event_name", Name(s.kind));
    AppendRunAsDocumented(out, s);
  } else {
    AppendEnvironment(out, s);
    out.Text("event_name", Name(s.kind));
    out.Int("payload_version", 1);
    AppendRunSorted(out, s);
    out.Variables(s.variables);
  }
  out.Key("webhook");
  return out.Take();
}

std::string Tail(const Snapshot& s, PayloadForm form) {
  Writer out(form,
             Estimate({s.workspace_name, s.workspace_url, s.environment_name, s.environment_url, s.error_summary}));
  out.Continue();
  AppendWorkspace(out, s);
  if (form == PayloadForm::kUnderscore) {
    AppendEnvironment(out, s);
    out.Variables(s.variables);
  }
  AppendExtras(out, s);
  out.Close();
  return out.Take();
}

}  // namespace

std::string_view Name(PayloadForm form) { return form == PayloadForm::kHyphen ? "hyphen" : "underscore"; }

std::optional<PayloadForm> ParsePayloadForm(std::string_view text) {
  for (PayloadForm form : {PayloadForm::kUnderscore, PayloadForm::kHyphen}) {
    if (text == Name(form)) return form;
  }
  return std::nullopt;
}

Payload RenderPayload(const Snapshot& snapshot, PayloadForm form) {
  return {Head(snapshot, form), Tail(snapshot, form)};
}

std::string RenderWebhookPart(base::WebhookId id, std::string_view name) {
  Writer out(PayloadForm::kUnderscore, Estimate({name}));
  out.Open();
  out.Text("id", Format(id));
  out.Text("name", name);
  out.Close();
  return out.Take();
}

}  // namespace hook
