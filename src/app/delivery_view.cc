#include "app/delivery_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/server_access.h"
#include "base/time_text.h"

namespace app {

namespace json = base::json;

namespace {

// "completed 200", "failed connect_refused", "pending server_error 503": what became of it, and by which answer.
std::string ResultOf(const json::value& delivery) {
  std::string outcome = TextAt(delivery, {"attributes", "outcome"});
  std::string code = TextAt(delivery, {"attributes", "response-code"});
  if (!code.empty()) outcome += (outcome.empty() ? "" : " ") + code;
  return outcome;
}

std::string Indented(const std::string& text, size_t by) {
  std::string out, indent(by, ' ');
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size());
    out += indent + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

std::string FormatHeaders(const json::value* headers) {
  if (headers == nullptr || !headers->is_object()) return "";
  std::string out;
  for (const auto& [name, value] : headers->get_object()) {
    std::string text = value.is_string() ? std::string(value.get_string()) : base::FormatJson(value);
    out += fmt::format("  {}: {}\n", Harmless(std::string_view(name)), Harmless(text));
  }
  return out;
}

// JSON is spread out over lines; anything else stays as it came.
std::string FormatBody(const std::string& body) {
  if (auto parsed = base::ParseJson(body); parsed && (parsed->is_object() || parsed->is_array())) {
    return Indented(HarmlessLines(base::FormatJsonPretty(*parsed)), 2);
  }
  return Indented(HarmlessLines(body), 2);
}

std::string FormatTimings(const json::value& attempt) {
  static constexpr std::string_view kSteps[] = {"resolve", "connect", "tls", "first-byte", "total"};
  std::string out;
  for (std::string_view step : kSteps) {
    auto us = base::IntAt(attempt, {"attributes", "timings-us", step});
    std::string text = us ? base::FormatDuration(base::Micros(*us)) : "-";
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", step, text);
  }
  return out;
}

std::string FormatAttempt(const json::value& attempt) {
  auto text = [&](std::initializer_list<std::string_view> path) { return Harmless(TextAt(attempt, path)); };
  std::string code = text({"attributes", "response-code"});
  std::string address = text({"attributes", "address"});
  std::string out = fmt::format("  {:>3}  {}  {}{}{}\n", text({"attributes", "number"}),
                                text({"attributes", "started-at"}), text({"attributes", "outcome"}),
                                code.empty() ? "" : " " + code, address.empty() ? "" : "  " + address);
  if (std::string detail = text({"attributes", "detail"}); !detail.empty()) out += fmt::format("       {}\n", detail);
  out += fmt::format("       {}\n", FormatTimings(attempt));
  std::string retry_at = text({"attributes", "decision", "retry-at"});
  out += fmt::format("       {}: {}{}\n", text({"attributes", "decision", "verb"}),
                     text({"attributes", "decision", "text"}), retry_at.empty() ? "" : " Next attempt " + retry_at);
  return out;
}

std::string FormatResponse(const json::value& attempt) {
  std::string code = Harmless(TextAt(attempt, {"attributes", "response-code"}));
  if (code.empty()) return "";
  std::string body = TextAt(attempt, {"attributes", "response-body"});
  bool cut = base::BoolAt(attempt, {"attributes", "response-cut"}).value_or(false);
  std::string out =
      fmt::format("\nResponse {}\n{}", code, FormatHeaders(base::At(attempt, {"attributes", "response-headers"})));
  if (!body.empty()) out += "\n" + FormatBody(body);
  if (cut) out += "  (cut: this is not the whole body)\n";
  return out;
}

std::string WithId(const std::string& name, const std::string& id) {
  return name.empty() ? id : fmt::format("{} ({})", name, id);
}

}  // namespace

void Details::Add(std::string label, std::string value) {
  if (!value.empty()) lines_.push_back({std::move(label), Harmless(value)});
}

std::string Details::Text() const {
  size_t widest = 0;
  for (const Line& line : lines_) widest = std::max(widest, line.label.size());
  std::string out;
  for (const Line& line : lines_) out += fmt::format("{:<{}}  {}\n", line.label, widest, line.value);
  return out;
}

std::string FormatDeliveries(const json::array& deliveries) {
  Table table(
      {"ID", "STATUS", "EVENT", "REASON", "WEBHOOK", "RUN", "LAST ANSWER", "ATTEMPTS", "TRIGGERED", "NEXT ATTEMPT"},
      32);
  for (const json::value& delivery : deliveries) {
    table.Add({TextAt(delivery, {"id"}), TextAt(delivery, {"attributes", "status"}), RelatedId(delivery, "event"),
               TextAt(delivery, {"attributes", "reason"}), TextAt(delivery, {"attributes", "webhook-name"}),
               RelatedId(delivery, "run"), ResultOf(delivery), TextAt(delivery, {"attributes", "attempts"}),
               TextAt(delivery, {"attributes", "triggered-at"}), TextAt(delivery, {"attributes", "next-attempt-at"})});
  }
  return table.Text();
}

std::string FormatDelivery(const json::value& delivery, const json::array& attempts) {
  auto attribute = [&](std::string_view name) { return TextAt(delivery, {"attributes", name}); };
  Details details;
  details.Add("Delivery", TextAt(delivery, {"id"}));
  std::string decision = attribute("decision-text");
  details.Add("Status", attribute("status") + (decision.empty() ? "" : ": " + decision));
  std::string reason = attribute("reason");
  details.Add("Event", RelatedId(delivery, "event") + (reason.empty() ? "" : ", " + reason));
  details.Add("Run", RelatedId(delivery, "run"));
  details.Add("Workspace", RelatedId(delivery, "workspace"));
  details.Add("Environment", RelatedId(delivery, "environment"));
  details.Add("Webhook", WithId(attribute("webhook-name"), RelatedId(delivery, "webhook")));
  details.Add("Endpoint", RelatedId(delivery, "endpoint"));
  details.Add("Resend of", RelatedId(delivery, "resend-of"));
  details.Add("Triggered", attribute("triggered-at"));
  details.Add("Attempts used", attribute("attempts"));
  details.Add("Next attempt", attribute("next-attempt-at"));
  std::string out = details.Text();

  out += attempts.empty() ? "\nNo attempt has been recorded.\n" : "\nAttempts\n";
  for (const json::value& attempt : attempts) out += FormatAttempt(attempt);
  if (base::BoolAt(delivery, {"attributes", "expired"}).value_or(false)) {
    return out + "\nPayload, headers and answers were removed: they are kept as long as retention.deliveries says.\n";
  }
  if (!attempts.empty()) {
    out += "\nRequest headers of the last attempt\n" +
           FormatHeaders(base::At(attempts.back(), {"attributes", "request-headers"}));
  }
  out += "\nPayload (on the wire it is on one line)\n" + FormatBody(attribute("request-body-raw"));
  if (!attempts.empty()) out += FormatResponse(attempts.back());
  return out;
}

std::string FormatDeliveryChange(const json::value& change, const json::value& delivery) {
  std::string action = TextAt(change, {"attributes", "action"});
  if (action.starts_with("delivery.")) action = action.substr(9);
  std::string next = TextAt(delivery, {"attributes", "next-attempt-at"});
  std::string line = fmt::format("{}  {:<10}  {}  {:<19}  {}  {}{}", TextAt(change, {"attributes", "at"}), action,
                                 TextAt(change, {"attributes", "target"}), RelatedId(delivery, "event"),
                                 TextAt(delivery, {"attributes", "webhook-name"}), ResultOf(delivery),
                                 next.empty() ? "" : "  next attempt " + next);
  return Harmless(line) + "\n";
}

}  // namespace app
