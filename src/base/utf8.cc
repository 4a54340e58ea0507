#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace base {

Rune FirstRune(std::string_view text) {
  if (text.empty()) return {};
  auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  char32_t code = lead & (0x7f >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    code = code << 6 | (next & 0x3f);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[bytes] || code > 0x10ffff || surrogate) return {};
  return {code, bytes};
}

bool IsTreacherous(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c >= 0xe0000;
}

namespace {

enum class Lines { kEscape, kKeep };

std::string Neutralised(std::string_view text, Lines lines) {
  std::string out;
  while (!text.empty()) {
    Rune rune = FirstRune(text);
    size_t bytes = std::max<size_t>(rune.bytes, 1);
    bool kept = lines == Lines::kKeep && (rune.code == '\n' || rune.code == '\t');
    if (rune.bytes == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (rune.code == '\n' && !kept) {
      out += "\\n";
    } else if (IsTreacherous(rune.code) && !kept) {
      out += fmt::format("\\u{{{:x}}}", static_cast<uint32_t>(rune.code));
    } else {
      out += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return out;
}

}  // namespace

std::string Harmless(std::string_view text) { return Neutralised(text, Lines::kEscape); }
std::string HarmlessLines(std::string_view text) { return Neutralised(text, Lines::kKeep); }

}  // namespace base
