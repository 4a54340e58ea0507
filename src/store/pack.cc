// The form: a version byte, then for kRaw the text itself, for a dictionary's number the length of the text and a row
// of sequences. A sequence is a byte with two nibbles (literals, copied bytes - kMinMatch; 15 goes on in further
// bytes), the literals, and, unless the text ends here, two bytes that say how far back the copied bytes begin. The
// dictionary and `recall` lie before the text.
#include "store/pack.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

namespace store {

using base::Code;
using base::Error;
using base::Result;

namespace {

// Changing a dictionary makes what was packed with it unreadable: add a new one with a new version instead.
constexpr std::string_view kPayloadDictionary =
    "\",\"username\":\"\",\"email\":null,\"created-at\":\"2026-created-by\":{\"email\":null,\"id\":\"\",\"updated-at\":"
    "\""
    "{\"environment\":{\"id\":\"\"},\"event-name\":\"\",\"payload-version\":1,\"plan_only\",\"no_changes\","
    "\"destroyed\","
    "\"init_failed\",\"plan_failed\",\"apply_failed\",\"policy_failed\",\"lost\",\"canceled\",\"policy_override\","
    "\"approval\",\"status\":\"planned_and_finished\",\"status\":\"canceled\",\"status\":\"errored\",\"status\":"
    "\"policy_checked\","
    "\"status\":\"planned\",\"source\":\"cli\",\"source\":\"vcs\",\"status\":\"applied\",\"source\":\"api\",\"error\":{"
    "\"summary\":\"Error: "
    "\"event-id\":\"\",\"is-destroy\":false,\"is-dry\":false,\"plan\":{\"add\":0,\"change\":0,\"destroy\":0,\"import\":"
    "0},"
    "https://http://localhost:8170/runs/run-v0/workspaces/ws-v0/environments/env-v0"
    "{\"payload_version\":1,\"event_name\":\"run:needs_attention\",\"event_name\":\"run:errored\",\"event_name\":\"run:"
    "completed\","
    "\"run\":{\"id\":\"run-v0\",\"message\":\"Updated "
    "instance\\n\",\"status\":\"\",\"source\":\"\",\"url\":\"http://127.0.0.1:8170"
    "/runs/"
    "run-v0\",\"created_at\":\"2026-\",\"updated_at\":\"2026-\",\"created_by\":{\"id\":\"at-v0\",\"username\":\"\","
    "\"email\":null}},\"webhook\":},\"workspace\":{\"id\":\"ws-v0\",\"name\":\"\",\"url\":\"/workspaces/ws-v0"
    "\"},\"environment\":{\"id\":\"env-v0\",\"name\":\"\",\"url\":\"/environments/env-v0\"},\"variables\":{},"
    "\"event_id\":\"evt-v0\",\"sequence\":,\"reason\":\"applied\",\"is_destroy\":false,\"is_dry\":false,"
    "\"plan\":{\"add\":1,\"change\":0,\"destroy\":0,\"import\":0}}";

constexpr std::string_view kHeadersDictionary =
    "Strict-Transport-Security: max-age=\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: \r\nTransfer-Encoding: "
    "chunked\r\n"
    "Vary: Accept-Encoding\r\nCache-Control: no-cache\r\nSet-Cookie: \r\nContent-Type: text/html; charset=utf-8\r\n"
    "Content-Type: text/plain\r\nLocation: https://\r\nRetry-After: \r\nServer: nginx\r\nConnection: close\r\n"
    "Mon, Tue, Wed, Thu, Fri, Sat, Sun, Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec 2026 :00 GMT\r\n"
    "Date: \r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"
    "Host: localhost:\r\nHost: 127.0.0.1:8\r\nContent-Type: application/json\r\nContent-Length: 1\r\nDate: 2026-"
    "T:+0000\r\nX-Scalr-Delivery-Id: wd-v0\r\nX-Signature: \r\nwebhook-id: wd-v0\r\nwebhook-timestamp: 17"
    "\r\nwebhook-signature: v1,=\r\nAccept: */*\r\nAccept-Encoding: identity\r\nUser-Agent: Runbell/0.1.0\r\n"
    "Connection: keep-alive\r\n";

constexpr char kRaw = 0;
constexpr char kPayloadVersion = 1;
constexpr char kHeadersVersion = 2;

constexpr size_t kMinMatch = 4;
constexpr int kHashBits = 12;
constexpr size_t kMaxWindow = 60'000;  // positions fit into 16 bits
using HashTable = std::array<uint16_t, size_t{1} << kHashBits>;

uint32_t HashAt(const char* at) {
  uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word * 2654435761U >> (32 - kHashBits);
}

// Position 0 stands for "none", so the dictionary's first byte is never referred to.
void Note(HashTable& table, const char* text, size_t from, size_t to) {
  for (size_t i = from; i + kMinMatch <= to; ++i) table[HashAt(text + i)] = static_cast<uint16_t>(i);
}

struct Dictionary {
  char version;
  std::string_view text;
  HashTable table{};
};

std::unique_ptr<const Dictionary> MakeDictionary(char version, std::string_view text) {
  auto dictionary = std::make_unique<Dictionary>();
  dictionary->version = version;
  dictionary->text = text;
  Note(dictionary->table, text.data(), 0, text.size());
  return dictionary;
}

const Dictionary& DictionaryOf(PackKind kind) {
  static const auto kPayload = MakeDictionary(kPayloadVersion, kPayloadDictionary);
  static const auto kHeaders = MakeDictionary(kHeadersVersion, kHeadersDictionary);
  return kind == PackKind::kPayload ? *kPayload : *kHeaders;
}

// The most that packing makes of a text. A sequence takes three bytes beside its literals and stands for at least four
// more; what can come on top is one byte in 255 for the length of the text, and one in 255 for those of the literals.
size_t MostBytes(size_t text) { return text + text / 100 + 16; }

// Writes into room that the caller has measured: the packed text is made a few bytes at a time.
struct Output {
  char* at;

  void Byte(size_t byte) { *at++ = static_cast<char>(byte); }
  void Length(size_t rest) {
    for (; rest >= 255; rest -= 255) Byte(255);
    Byte(rest);
  }
  void Sequence(std::string_view literals, size_t copied, size_t back) {
    const size_t extra = copied == 0 ? 0 : copied - kMinMatch;
    Byte(std::min<size_t>(literals.size(), 15) << 4 | std::min<size_t>(extra, 15));
    if (literals.size() >= 15) Length(literals.size() - 15);
    std::memcpy(at, literals.data(), literals.size());
    at += literals.size();
    if (copied == 0) return;
    Byte(back & 255);
    Byte(back >> 8);
    if (extra >= 15) Length(extra - 15);
  }
};

// How many bytes are the same from `a` and from `b` on, up to `end`, which lies behind `b`.
size_t SameBytes(const char* a, const char* b, const char* end) {
  const char* const begin = b;
  while (b + sizeof(uint64_t) <= end && std::memcmp(a, b, sizeof(uint64_t)) == 0) {
    a += sizeof(uint64_t);
    b += sizeof(uint64_t);
  }
  while (b < end && *a == *b) ++a, ++b;
  return static_cast<size_t>(b - begin);
}

std::string Raw(std::string_view text) { return std::string(1, kRaw).append(text); }

// What Unpack reads from; every step is checked, because the bytes come from a disk.
struct Input {
  std::string_view rest;
  bool bad = false;

  uint8_t Byte() {
    if (rest.empty()) {
      bad = true;
      return 0;
    }
    auto byte = static_cast<uint8_t>(rest.front());
    rest.remove_prefix(1);
    return byte;
  }
  size_t Length(size_t nibble) {
    size_t length = nibble;
    if (nibble < 15) return length;
    for (uint8_t byte = 255; byte == 255 && !bad;) length += byte = Byte();
    return length;
  }
  std::string_view Take(size_t size) {
    if (size > rest.size()) {
      bad = true;
      return {};
    }
    std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(size);
    return taken;
  }
};

// Appends `copied` bytes that begin `back` before the end. They may run into what they make: then it repeats.
void AppendAgain(std::string& window, size_t back, size_t copied) {
  const size_t from = window.size() - back;
  while (copied > 0) {
    const size_t piece = std::min(copied, window.size() - from);
    window.append(window, from, piece);
    copied -= piece;
  }
}

}  // namespace

std::string Pack(PackKind kind, std::string_view text, std::string_view recall) {
  const Dictionary& dictionary = DictionaryOf(kind);
  const size_t begin = dictionary.text.size() + recall.size();
  if (begin + text.size() > kMaxWindow) return Raw(text);
  std::string window;
  window.reserve(begin + text.size());
  window.append(dictionary.text).append(recall).append(text);
  HashTable table = dictionary.table;
  Note(table, window.data(), dictionary.text.size(), begin);

  const char* const base = window.data();
  const char* const end = base + window.size();
  std::string packed(MostBytes(text.size()), '\0');
  Output out{packed.data()};
  out.Byte(static_cast<unsigned char>(dictionary.version));
  out.Length(text.size());
  const char* literals = base + begin;
  const char* at = literals;
  const auto unsent = [&] { return std::string_view(literals, static_cast<size_t>(at - literals)); };
  while (at + kMinMatch <= end) {
    uint16_t& slot = table[HashAt(at)];
    const char* const candidate = base + std::exchange(slot, static_cast<uint16_t>(at - base));
    if (candidate == base || std::memcmp(candidate, at, kMinMatch) != 0) {
      ++at;
      continue;
    }
    const size_t copied = kMinMatch + SameBytes(candidate + kMinMatch, at + kMinMatch, end);
    out.Sequence(unsent(), copied, static_cast<size_t>(at - candidate));
    const auto here = static_cast<size_t>(at - base);
    Note(table, base, here + 1, std::min(here + copied + kMinMatch - 1, window.size()));
    at += copied;
    literals = at;
  }
  at = end;
  out.Sequence(unsent(), 0, 0);
  packed.resize(static_cast<size_t>(out.at - packed.data()));
  return packed.size() <= text.size() ? packed : Raw(text);
}

Result<std::string> Unpack(PackKind kind, std::string_view packed, std::string_view recall) {
  if (packed.empty()) return std::string();
  const Dictionary& dictionary = DictionaryOf(kind);
  if (packed.front() == kRaw) return std::string(packed.substr(1));
  const Error corrupt(Code::kCorrupt, "packed text is damaged");
  if (packed.front() != dictionary.version) return corrupt;
  Input input{packed.substr(1)};
  const size_t size = input.Length(15) - 15;
  if (size > kMaxWindow) return corrupt;
  const size_t begin = dictionary.text.size() + recall.size();
  std::string window;
  window.reserve(begin + size);
  window.append(dictionary.text).append(recall);
  while (!input.bad) {
    const uint8_t token = input.Byte();
    window.append(input.Take(input.Length(token >> 4)));
    if (input.bad || input.rest.empty()) break;
    const size_t low = input.Byte();
    const size_t back = low | static_cast<size_t>(input.Byte()) << 8;
    const size_t copied = input.Length(token & 15) + kMinMatch;
    if (input.bad || back == 0 || back > window.size() || window.size() + copied > begin + size) return corrupt;
    AppendAgain(window, back, copied);
  }
  if (input.bad || window.size() != begin + size) return corrupt;
  return window.substr(begin);
}

}  // namespace store
