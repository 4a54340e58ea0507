#include "base/ids.h"

#include <algorithm>

#include "base/guarded.h"
#include "base/log.h"

namespace base {
namespace {

constexpr WallTime kEpoch{std::chrono::sys_days{std::chrono::January / 1 / 2020}};
constexpr int kCountBits = 22;
constexpr int64_t kCountMask = (int64_t{1} << kCountBits) - 1;
constexpr int64_t kLastMillis = (int64_t{1} << 41) - 1;  // in the year 2089

constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuv";
constexpr std::string_view kVersion = "v0";
constexpr size_t kDigitCount = 13;

int64_t MillisOf(WallTime t) {
  auto since = std::chrono::floor<std::chrono::milliseconds>(std::max(t, kEpoch) - kEpoch).count();
  return std::min(since, kLastMillis);
}

}  // namespace

std::string FormatId(std::string_view prefix, int64_t value) {
  std::string text;
  text.reserve(prefix.size() + kVersion.size() + kDigitCount);
  text.append(prefix).append(kVersion);
  for (int shift = 5 * (kDigitCount - 1); shift >= 0; shift -= 5) {
    text += kDigits[static_cast<uint64_t>(value) >> shift & 31];
  }
  return text;
}

std::optional<int64_t> ParseId(std::string_view prefix, std::string_view text) {
  if (text.size() != prefix.size() + kVersion.size() + kDigitCount || !text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (!text.starts_with(kVersion)) return std::nullopt;
  text.remove_prefix(kVersion.size());
  if (text[0] > '7') return std::nullopt;  // 65 bits hold more than an id has
  uint64_t value = 0;
  for (char c : text) {
    size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 5 | digit;
  }
  if (value == 0) return std::nullopt;
  return static_cast<int64_t>(value);
}

struct IdMaker::State {
  Clock& clock;
  Random& random;
  Guarded<int64_t> last;
};

IdMaker::IdMaker(Clock& clock, Random& random) : state_(new State{clock, random, {}}) {}
IdMaker::~IdMaker() = default;

int64_t IdMaker::Next() {
  int64_t now = MillisOf(state_->clock.Now());
  auto last = state_->last.Lock();
  // A full millisecond runs over into the next one, and a clock that was set back is outwaited by counting on.
  if (now > *last >> kCountBits) {
    *last = now << kCountBits | static_cast<int64_t>(state_->random.Next() & kCountMask);
  } else {
    ++*last;
  }
  RB_CHECK(*last > 0);
  return *last;
}

int64_t FirstIdAt(WallTime t) { return MillisOf(t) << kCountBits; }

WallTime TimeOfId(int64_t id) { return kEpoch + std::chrono::milliseconds(id >> kCountBits); }

}  // namespace base
