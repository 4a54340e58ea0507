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

const Dictionary& DictionaryOf(PackKind kind) {
  static const auto make = [](char version, std::string_view text) {
    auto dictionary = std::make_unique<Dictionary>();
    dictionary->version = version;
    dictionary->text = text;
    Note(dictionary->table, text.data(), 0, text.size());
    return dictionary;
  };
  static const auto payload = make(kPayloadVersion, kPayloadDictionary);
  static const auto headers = make(kHeadersVersion, kHeadersDictionary);
  return kind == PackKind::kPayload ? *payload : *headers;
}

void PutLength(std::string& out, size_t rest) {
  for (; rest >= 255; rest -= 255) out += static_cast<char>(255);
  out += static_cast<char>(rest);
}

void PutSequence(std::string& out, std::string_view literals, size_t copied, size_t back) {
  const size_t extra = copied == 0 ? 0 : copied - kMinMatch;
  out += static_cast<char>(std::min<size_t>(literals.size(), 15) << 4 | std::min<size_t>(extra, 15));
  if (literals.size() >= 15) PutLength(out, literals.size() - 15);
  out.append(literals);
  if (copied == 0) return;
  out += static_cast<char>(back & 255);
  out += static_cast<char>(back >> 8);
  if (extra >= 15) PutLength(out, extra - 15);
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

  std::string out(1, dictionary.version);
  out.reserve(text.size() / 2 + 16);
  PutLength(out, text.size());
  size_t literals = begin;
  size_t at = begin;
  while (at + kMinMatch <= window.size()) {
    uint16_t& slot = table[HashAt(window.data() + at)];
    const size_t candidate = std::exchange(slot, static_cast<uint16_t>(at));
    if (candidate == 0 || std::memcmp(window.data() + candidate, window.data() + at, kMinMatch) != 0) {
      ++at;
      continue;
    }
    size_t copied = kMinMatch;
    while (at + copied < window.size() && window[candidate + copied] == window[at + copied]) ++copied;
    PutSequence(out, std::string_view(window).substr(literals, at - literals), copied, at - candidate);
    Note(table, window.data(), at + 1, std::min(at + copied + kMinMatch - 1, window.size()));
    at += copied;
    literals = at;
  }
  PutSequence(out, std::string_view(window).substr(literals), 0, 0);
  return out.size() <= text.size() ? out : Raw(text);
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
    for (size_t from = window.size() - back, i = 0; i < copied; ++i) window += window[from + i];
  }
  if (input.bad || window.size() != begin + size) return corrupt;
  return window.substr(begin);
}

}  // namespace store
