// Finding sensitive values in text that a tool wrote. The same value shows up in several spellings: as it is, quoted in
// JSON (Go escapes < > & there), percent-encoded in a URL, or inside something base64-encoded, where its spelling
// depends on how many bytes stand before it.
#include <algorithm>
#include <set>

#include "base/hex.h"
#include "base/utf8.h"
#include "run/run.h"

namespace run {
namespace {

constexpr std::string_view kMasked = "(sensitive)";
constexpr size_t kMinMaskBytes = 4;
constexpr size_t kMinLineBytes = 8;  // a shorter line of a longer value ("{", "true") says nothing by itself

std::string JsonEscaped(std::string_view text, bool html) {
  std::string out;
  base::AppendJsonString(out, text);
  out = out.substr(1, out.size() - 2);
  if (!html) return out;
  std::string escaped;
  for (char c : out) {
    if (c == '<')
      escaped += "\\u003c";
    else if (c == '>')
      escaped += "\\u003e";
    else if (c == '&')
      escaped += "\\u0026";
    else
      escaped += c;
  }
  return escaped;
}

std::string UrlEncoded(std::string_view text, std::string_view digits, std::string_view space) {
  static constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (unsigned char c : text) {
    if (kUnreserved.find(static_cast<char>(c)) != std::string_view::npos) {
      out += static_cast<char>(c);
    } else if (c == ' ') {
      out += space;
    } else {
      (out += '%') += digits[c >> 4];
      out += digits[c & 15];
    }
  }
  return out;
}

// The base64 characters that depend on `text` alone when `before` bytes stand before it in the encoded whole.
std::string Base64Inside(std::string_view text, size_t before) {
  const size_t first = (before * 8 + 5) / 6;
  const size_t last = (before + text.size()) * 8 / 6;
  std::string encoded = base::FormatBase64(std::string(before, '\0') + std::string(text));
  return first < last ? encoded.substr(first, last - first) : std::string();
}

void AddForms(std::string_view text, std::set<std::string>& forms) {
  forms.emplace(text);
  forms.insert(JsonEscaped(text, false));
  forms.insert(JsonEscaped(text, true));
  forms.insert(JsonEscaped(JsonEscaped(text, true), true));
  for (std::string_view digits : {"0123456789ABCDEF", "0123456789abcdef"}) {
    forms.insert(UrlEncoded(text, digits, "%20"));
    forms.insert(UrlEncoded(text, digits, "+"));
  }
  std::string hex = base::FormatHex(text);
  forms.insert(hex);
  std::transform(hex.begin(), hex.end(), hex.begin(), [](char c) { return c >= 'a' ? c - 'a' + 'A' : c; });
  forms.insert(hex);
  const std::string padded = base::FormatBase64(text);
  std::set<std::string> encoded = {padded, padded.substr(0, padded.find('='))};
  for (size_t before = 0; before < 3; ++before) encoded.insert(Base64Inside(text, before));
  for (std::string form : encoded) {
    if (form.size() < kMinMaskBytes) continue;
    forms.insert(form);
    std::replace(form.begin(), form.end(), '+', '-');
    std::replace(form.begin(), form.end(), '/', '_');
    forms.insert(form);
  }
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

void AddLines(std::string_view text, std::set<std::string>& forms) {
  if (text.find('\n') == std::string_view::npos) return;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    std::string_view line = Trimmed(text.substr(0, newline));
    if (line.size() >= kMinLineBytes) forms.emplace(line);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
}

// One line of valid UTF-8 without control characters; runs of blanks become one.
std::string OneLine(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const base::Rune rune = base::FirstRune(text);
    if (rune.bytes == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    const bool blank = rune.code <= 0x20 || (rune.code >= 0x7F && rune.code <= 0x9F);
    if (!blank) {
      out += text.substr(0, rune.bytes);
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
    text.remove_prefix(rune.bytes);
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string CutTo(std::string_view text, size_t max_chars) {
  size_t chars = 0, bytes_before_last = 0, bytes = 0;
  for (std::string_view rest = text; !rest.empty(); ++chars) {
    if (chars == max_chars) return std::string(text.substr(0, bytes_before_last)) + "\u2026";
    const base::Rune rune = base::FirstRune(rest);
    bytes_before_last = bytes;
    bytes += std::max<size_t>(rune.bytes, 1);
    rest.remove_prefix(std::max<size_t>(rune.bytes, 1));
  }
  return std::string(text);
}

std::string ErrorLine(const StreamLine& error, const Masker& masker) {
  auto clean = [&](std::string_view text) { return OneLine(masker.Mask(text)); };
  const std::string summary = clean(error.summary), detail = clean(error.detail);
  const std::string file = clean(error.file), address = clean(error.address);
  std::string line = "Error: " + (summary.empty() ? clean(error.text) : summary);
  if (!file.empty() || !address.empty()) {
    line += " (" + file + (file.empty() || address.empty() ? "" : ", ") + address + ")";
  }
  return detail.empty() ? line : line + ": " + detail;
}

}  // namespace

Masker::Masker(const SensitiveValues& sensitive) {
  std::set<std::string> forms;
  for (const auto& value : sensitive.values) {
    if (value.size() < kMinMaskBytes) continue;
    AddForms(value, forms);
    AddLines(value, forms);
  }
  forms_.assign(forms.begin(), forms.end());
}

std::string Masker::Mask(std::string_view text) const {
  std::vector<bool> hidden;
  for (const auto& form : forms_) {
    size_t done = 0;
    for (size_t at = text.find(form); at != std::string_view::npos; at = text.find(form, at + 1)) {
      if (hidden.empty()) hidden.resize(text.size());
      for (done = std::max(done, at); done < at + form.size(); ++done) hidden[done] = true;
    }
  }
  if (hidden.empty()) return std::string(text);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!hidden[i]) {
      out += text[i];
    } else if (i == 0 || !hidden[i - 1]) {
      out += kMasked;
    }
  }
  return out;
}

std::string Mask(std::string_view text, const SensitiveValues& sensitive) { return Masker(sensitive).Mask(text); }

std::string ErrorSummary(const std::vector<StreamLine>& errors, const SensitiveValues& sensitive) {
  const Masker masker(sensitive);
  std::string summary;
  std::string last;
  for (const auto& error : errors) {
    std::string line = ErrorLine(error, masker);
    if (line == last) continue;
    if (!summary.empty()) summary += '\n';
    summary += line;
    last = std::move(line);
    if (summary.size() > kErrorSummaryChars * 4) break;
  }
  return CutTo(summary, kErrorSummaryChars);
}

}  // namespace run
