// What does not verify is tried again with the usual accidents undone, alone and in pairs and so on: a body saved with
// another ending, a secret in another spelling, a date that a proxy rewrote. The first combination that fits, fewest
// accidents first, is the explanation. All of it is done with the secret that the caller holds anyway, so nothing is
// revealed that a receiver could not compute.
#include "app/verification.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "app/table.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/time_text.h"
#include "hook/hook.h"
#include "net/net.h"

namespace app {
namespace {

// One way in which a part may differ from what was signed. An empty explanation: as given.
struct Variant {
  std::string value, explanation;
};
using Variants = std::vector<Variant>;

void AddVariant(Variants& variants, std::string value, std::string explanation) {
  bool known = std::any_of(variants.begin(), variants.end(), [&](const Variant& v) { return v.value == value; });
  if (!known) variants.push_back({std::move(value), std::move(explanation)});
}

std::string Replaced(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kBlank) - begin + 1));
}

Variants BodyVariants(const std::string& body) {
  Variants all{{body, ""}};
  std::string ended = body;
  ended.erase(ended.find_last_not_of("\r\n") + 1);
  AddVariant(
      all, ended,
      "Body: the file has a newline at its end that was not sent; an editor, `echo` or a here-document added it");
  AddVariant(all, body + "\n", "Body: the file lacks the newline at the end of what was sent");
  if (body.starts_with("\xef\xbb\xbf")) {
    AddVariant(all, ended.substr(3), "Body: the file begins with a byte order mark that was not sent");
  }
  AddVariant(all, Replaced(ended, "\r\n", "\n"), "Body: line ends were changed to CR LF");
  AddVariant(all, Replaced(ended, "\n", "\\n"),
             "Body: a \\n (two characters) became a newline; `echo` of sh does that, `printf '%s'` does not");
  if (auto parsed = base::ParseJson(ended)) {
    AddVariant(all, base::FormatJson(*parsed),
               "Body: it was parsed and written again (blanks, indentation or escapes differ); sign the raw bytes");
  }
  return all;
}

Variants SecretVariants(const base::Secret& secret, bool standard) {
  auto key = [&](const std::string& text) { return standard ? hook::StandardWebhooksKey(base::Secret(text)) : text; };
  const std::string& given = secret.Reveal();
  std::string trimmed = Trimmed(given);
  Variants all{{key(given), ""}};
  AddVariant(all, key(trimmed), "Key: the secret has blanks or a newline around it that do not belong to it");
  std::string spelled = hook::StandardWebhooksKey(base::Secret(trimmed));
  if (!standard) {
    AddVariant(all, spelled,
               "Key: this is the whsec_ spelling for Standard Webhooks libraries; X-Signature is made with "
               "the plain text that it decodes to");
  } else {
    AddVariant(all, trimmed, "Key: the text was used as it is, but a secret that begins with whsec_ has to be decoded");
  }
  if (auto decoded = base::ParseBase64(trimmed)) AddVariant(all, *decoded, "Key: the secret was decoded from base64");
  if (auto decoded = base::ParseHex(trimmed)) AddVariant(all, *decoded, "Key: the secret was decoded from hexadecimal");
  if (trimmed.size() > 2 && (trimmed.front() == '"' || trimmed.front() == '\'')) {
    AddVariant(all, key(trimmed.substr(1, trimmed.size() - 2)), "Key: the secret has quotes around it");
  }
  return all;
}

std::optional<base::WallTime> TimestampOf(std::string_view lines) {
  auto text = net::FindHeader(lines, "webhook-timestamp");
  int64_t seconds = 0;
  if (!text) return std::nullopt;
  auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (fault != std::errc() || end != text->data() + text->size() || text->size() > 11) return std::nullopt;
  return base::WallTime(std::chrono::seconds(seconds));
}

Variants DateVariants(const std::string& lines, const std::string& date) {
  Variants all{{date, ""}};
  constexpr std::string_view kRewritten =
      "Date: the header was rewritten on its way (a proxy or a framework); use Standard Webhooks behind it";
  if (auto time = base::ParseHttpDate(date)) AddVariant(all, base::FormatDateHeader(*time), std::string(kRewritten));
  if (auto time = base::ParseTime(date)) AddVariant(all, base::FormatDateHeader(*time), std::string(kRewritten));
  if (auto time = TimestampOf(lines)) AddVariant(all, base::FormatDateHeader(*time), std::string(kRewritten));
  AddVariant(all, "", "Date: only the body was signed; the value of Date belongs behind it");
  AddVariant(all, "\n" + date,
             "Date: something stands between body and date; they are signed without anything between");
  return all;
}

// The 32 bytes of an X-Signature however it is spelled.
std::optional<std::string> DigestOf(std::string text) {
  if (text.starts_with("sha256=")) text = text.substr(7);
  auto bytes = base::ParseHex(text);
  if (!bytes) bytes = base::ParseBase64(text);
  return bytes;
}

// The combination with the fewest accidents that `fits`, as its explanations; none when nothing does.
template <class Fits>
std::optional<std::vector<std::string>> Explain(const Variants& bodies, const Variants& keys, const Variants& dates,
                                                Fits fits) {
  std::optional<std::vector<std::string>> best;
  for (const Variant& body : bodies) {
    for (const Variant& key : keys) {
      for (const Variant& date : dates) {
        std::vector<std::string> reasons;
        for (const Variant* part : {&body, &key, &date}) {
          if (!part->explanation.empty()) reasons.push_back(part->explanation);
        }
        if (best && best->size() <= reasons.size()) continue;
        if (fits(body.value, key.value, date.value)) best = std::move(reasons);
      }
    }
  }
  return best;
}

constexpr std::string_view kNothingFits =
    "No usual accident explains it: the body is not the one that was sent, or another secret signed it. "
    "`runbell delivery show` of the delivery prints the bytes that were sent, and `runbell endpoint show` the "
    "endpoint.";

class Explainer {
 public:
  explicit Explainer(const VerificationInput& input) : input_(input), lines_(NormalHeaders(input.headers)) {}

  Verification Run() {
    if (lines_.empty()) {
      return {false, "There are no header lines; save them as `Name: value`, one to a line.\n"};
    }
    bool scalr_there = Has("X-Signature"), standard_there = Has("webhook-signature");
    auto scalr = hook::VerifyScalr({input_.secret}, lines_, input_.body, input_.now, input_.window);
    auto standard = hook::VerifyStandardWebhooks({input_.secret}, lines_, input_.body, input_.now, input_.window);
    if (scalr_there) Report("X-Signature", scalr);
    if (scalr_there && scalr.verdict == hook::Verdict::kValid) Age();
    if (scalr_there && scalr.verdict != hook::Verdict::kValid) WhyNotScalr(scalr);
    if (standard_there) Report("webhook-signature", standard);
    if (standard_there && standard.verdict != hook::Verdict::kValid) WhyNotStandard(standard);
    if (!scalr_there && !standard_there) {
      text_ +=
          "Neither X-Signature nor webhook-signature is among the headers: this request is not signed by Runbell, "
          "or its headers were not all saved.\n";
    }
    bool scalr_valid = scalr.verdict == hook::Verdict::kValid;
    bool standard_valid = standard.verdict == hook::Verdict::kValid;
    if (scalr_there && standard_there && scalr_valid != standard_valid) Compare(scalr_valid);
    bool valid =
        (scalr_there || standard_there) && (!scalr_there || scalr_valid) && (!standard_there || standard_valid);
    return {valid, std::move(text_)};
  }

 private:
  static std::string NormalHeaders(const std::string& given) {
    std::string lines;
    if (auto object = base::ParseJson(given); object && object->is_object()) {
      for (const auto& [name, value] : object->get_object()) {
        if (value.is_string()) lines += std::string(name) + ": " + std::string(value.get_string()) + "\r\n";
      }
      return lines;
    }
    std::string_view rest = given;
    while (!rest.empty()) {
      size_t end = std::min(rest.find('\n'), rest.size());
      std::string line = Trimmed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.starts_with("> ") || line.starts_with("< ")) line = line.substr(2);
      size_t colon = line.find(':');
      if (colon == std::string::npos || line.substr(0, colon).find(' ') != std::string::npos) continue;
      lines += line + "\r\n";
    }
    return lines;
  }

  bool Has(std::string_view name) const { return net::FindHeader(lines_, name).has_value(); }
  std::string Value(std::string_view name) const { return std::string(net::FindHeader(lines_, name).value_or("")); }

  void Report(std::string_view header, const hook::Check& check) {
    if (check.verdict == hook::Verdict::kValid) {
      text_ += fmt::format("{}: valid\n", header);
      return;
    }
    std::string detail = Harmless(check.detail);
    if (detail.starts_with(fmt::format("{}: ", header))) detail.erase(0, header.size() + 2);
    text_ += fmt::format("{}: NOT valid: {}\n", header, detail);
  }
  void Say(std::string_view text) { text_ += fmt::format("  {}\n", text); }

  void Age() {
    auto sent = base::ParseTime(Value("Date"));
    if (!sent || input_.window.count() > 0 || input_.now < *sent) return;
    base::Micros age = input_.now - *sent;
    if (age < std::chrono::minutes(5)) return;
    Say(fmt::format("It was signed {} ago; a receiver that allows 5 minutes would refuse it now.",
                    base::FormatDuration(age)));
  }

  void Accidents(const std::optional<std::vector<std::string>>& reasons) {
    if (!reasons) return Say(kNothingFits);
    for (const std::string& reason : *reasons) Say(reason + ".");
  }

  void WhyNotScalr(const hook::Check& check) {
    if (check.verdict == hook::Verdict::kTooOld || check.verdict == hook::Verdict::kTooNew) return;
    if (input_.secret.empty()) return Say("Key: the secret is empty.");
    std::string signature = Value("X-Signature");
    if (Has("Date") && WhyOtherDigest(signature)) return;
    auto digest = DigestOf(Trimmed(signature));
    if (!digest) return Say("Signature: the header is not a digest; it should be 64 lower-case hexadecimal digits.");
    if (base::FormatHex(*digest) != signature) {
      Say("Signature: it should be 64 lower-case hexadecimal digits and nothing else; it was changed on its way.");
    }
    auto reasons =
        Explain(BodyVariants(input_.body), SecretVariants(input_.secret, false), DateVariants(lines_, Value("Date")),
                [&](const std::string& body, const std::string& key, const std::string& date) {
                  return base::Hmac(base::Digest::kSha256, key, {body, date}) == *digest;
                });
    if (!Has("Date")) Say("Date: the header is missing; it is part of what is signed.");
    Accidents(reasons);
  }

  bool WhyOtherDigest(const std::string& signature) {
    auto bytes = DigestOf(signature);
    if (!bytes || bytes->size() == 32) return false;
    std::string secret = Trimmed(input_.secret.Reveal()), date = Value("Date");
    bool sha1 = base::Hmac(base::Digest::kSha1, secret, {input_.body, date}) == *bytes;
    bool sha512 = base::Hmac(base::Digest::kSha512, secret, {input_.body, date}) == *bytes;
    Say(fmt::format("Signature: it has {} bytes, HMAC-SHA256 has 32{}.", bytes->size(),
                    sha1     ? "; it fits as HMAC-SHA1, the scheme of an older product"
                    : sha512 ? "; it fits as HMAC-SHA512, another product's scheme"
                             : ""));
    return true;
  }

  void WhyNotStandard(const hook::Check& check) {
    if (check.verdict == hook::Verdict::kTooOld || check.verdict == hook::Verdict::kTooNew) return;
    if (input_.secret.empty()) return Say("Key: the secret is empty.");
    if (!Has("webhook-id")) return Say("The header webhook-id is missing; it is part of what is signed.");
    if (!Has("webhook-timestamp")) return Say("The header webhook-timestamp is missing; it is part of what is signed.");
    std::string prefix = Value("webhook-id") + "." + Value("webhook-timestamp") + ".";
    std::string signatures = " " + Value("webhook-signature") + " ";
    auto reasons = Explain(BodyVariants(input_.body), SecretVariants(input_.secret, true), {{"", ""}},
                           [&](const std::string& body, const std::string& key, const std::string&) {
                             std::string mac = base::Hmac(base::Digest::kSha256, key, {prefix, body});
                             return signatures.find(" v1," + base::FormatBase64(mac) + " ") != std::string::npos;
                           });
    Accidents(reasons);
  }

  void Compare(bool scalr_valid) {
    text_ += scalr_valid
                 ? "X-Signature fits, so body and secret are right: one of the webhook- headers was changed, or "
                   "the endpoint's secret is being rotated (X-Signature is made with the old one).\n"
                 : "webhook-signature fits, so body and secret are right: Date or X-Signature was changed, or "
                   "the endpoint's secret is being rotated (X-Signature is made with the old one).\n";
  }

  const VerificationInput& input_;
  std::string lines_, text_;
};

}  // namespace

Verification ExplainVerification(const VerificationInput& input) { return Explainer(input).Run(); }

}  // namespace app
