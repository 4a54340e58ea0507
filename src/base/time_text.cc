#include "base/time_text.h"

#include <algorithm>
#include <array>
#include <limits>

namespace base {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr WallTime kFirst{sys_days{std::chrono::year(0) / 1 / 1}};
constexpr WallTime kLast{sys_days{std::chrono::year(10000) / 1 / 1} - Micros(1)};

constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// `value` in `width` digits.
char* PutDigits(char* at, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
  return at + width;
}

char* PutSeconds(char* at, WallTime t) {
  auto day = floor<days>(t);
  year_month_day date(day);
  auto second = static_cast<unsigned>(floor<seconds>(t - day).count());
  at = PutDigits(at, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  *at++ = '-';
  at = PutDigits(at, static_cast<unsigned>(date.month()), 2);
  *at++ = '-';
  at = PutDigits(at, static_cast<unsigned>(date.day()), 2);
  *at++ = 'T';
  at = PutDigits(at, second / 3600, 2);
  *at++ = ':';
  at = PutDigits(at, second / 60 % 60, 2);
  *at++ = ':';
  return PutDigits(at, second % 60, 2);
}

std::string WithSuffix(WallTime t, std::string_view suffix) {
  char text[32];
  char* end = PutSeconds(text, std::clamp(t, kFirst, kLast));
  end = std::copy(suffix.begin(), suffix.end(), end);
  return std::string(text, end);
}

// Reads a text from its front; any step that does not fit makes it fail for good.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  unsigned Digits(size_t width) {
    unsigned value = 0;
    for (size_t i = 0; i < width; ++i) {
      if (!AtDigit()) return Fail();
      value = value * 10 + static_cast<unsigned>(Take() - '0');
    }
    return value;
  }
  void Expect(std::string_view literal) {
    if (!text_.starts_with(literal)) {
      Fail();
      return;
    }
    text_.remove_prefix(literal.size());
  }
  // The index in `choices` of the one that comes next.
  template <size_t kCount>
  unsigned OneOf(const std::array<std::string_view, kCount>& choices) {
    for (unsigned i = 0; i < kCount; ++i) {
      if (text_.starts_with(choices[i])) {
        text_.remove_prefix(choices[i].size());
        return i;
      }
    }
    return Fail();
  }
  bool Accept(char c) {
    if (text_.empty() || text_[0] != c) return false;
    Take();
    return true;
  }
  bool AtDigit() const { return !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; }
  char Take() {
    char c = text_[0];
    text_.remove_prefix(1);
    return c;
  }
  unsigned Fail() {
    text_ = {};
    failed_ = true;
    return 0;
  }
  std::string_view Rest() const { return text_; }
  bool Done() const { return !failed_ && text_.empty(); }

 private:
  std::string_view text_;
  bool failed_ = false;
};

struct Fields {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

std::optional<WallTime> MakeTime(const Fields& f) {
  year_month_day date(std::chrono::year(static_cast<int>(f.year)), std::chrono::month(f.month),
                      std::chrono::day(f.day));
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 59) return std::nullopt;
  return sys_days(date) + hours(f.hour) + minutes(f.minute) + seconds(f.second);
}

Micros ReadFraction(Reader& reader) {
  if (!reader.AtDigit()) reader.Fail();
  int64_t micros = 0;
  int64_t unit = 100000;
  while (reader.AtDigit()) {
    micros += (reader.Take() - '0') * unit;
    unit /= 10;
  }
  return Micros(micros);
}

Micros ReadOffset(Reader& reader) {
  if (reader.Accept('Z') || reader.Accept('z')) return Micros(0);
  int sign = reader.Accept('-') ? -1 : 1;
  if (sign > 0) reader.Expect("+");
  unsigned hour = reader.Digits(2);
  reader.Accept(':');
  unsigned minute = reader.Digits(2);
  if (hour > 23 || minute > 59) reader.Fail();
  return sign * (hours(hour) + minutes(minute));
}

struct Unit {
  std::string_view name;
  Micros size;
};
constexpr Unit kUnits[] = {
    {"ms", milliseconds(1)}, {"d", days(1)}, {"h", hours(1)}, {"m", minutes(1)}, {"s", seconds(1)}};

}  // namespace

std::string FormatDateHeader(WallTime t) { return WithSuffix(t, "+0000"); }
std::string FormatNaive(WallTime t) { return WithSuffix(t, ""); }
std::string FormatIso(WallTime t) { return WithSuffix(t, "Z"); }

std::string FormatIsoMillis(WallTime t) {
  t = std::clamp(t, kFirst, kLast);
  char suffix[] = ".000Z";
  PutDigits(suffix + 1, static_cast<unsigned>(floor<milliseconds>(t - floor<seconds>(t)).count()), 3);
  return WithSuffix(t, {suffix, 5});
}

std::optional<WallTime> ParseTime(std::string_view text) {
  Reader reader(text);
  Fields f;
  f.year = reader.Digits(4);
  reader.Expect("-");
  f.month = reader.Digits(2);
  reader.Expect("-");
  f.day = reader.Digits(2);
  if (!reader.Accept('T')) reader.Expect("t");
  f.hour = reader.Digits(2);
  reader.Expect(":");
  f.minute = reader.Digits(2);
  reader.Expect(":");
  f.second = reader.Digits(2);
  Micros fraction = reader.Accept('.') ? ReadFraction(reader) : Micros(0);
  Micros offset = ReadOffset(reader);
  auto whole = MakeTime(f);
  if (!reader.Done() || !whole) return std::nullopt;
  return *whole + fraction - offset;
}

std::optional<WallTime> ParseHttpDate(std::string_view text) {
  Reader reader(text);
  Fields f;
  reader.OneOf(kDays);
  reader.Expect(", ");
  f.day = reader.Digits(2);
  reader.Expect(" ");
  f.month = reader.OneOf(kMonths) + 1;
  reader.Expect(" ");
  f.year = reader.Digits(4);
  reader.Expect(" ");
  f.hour = reader.Digits(2);
  reader.Expect(":");
  f.minute = reader.Digits(2);
  reader.Expect(":");
  f.second = reader.Digits(2);
  reader.Expect(" GMT");
  if (!reader.Done()) return std::nullopt;
  return MakeTime(f);
}

std::string FormatHttpDate(WallTime t) {
  const std::string iso = FormatIso(t);  // 1994-11-06T08:49:37Z
  const sys_days day = floor<days>(std::clamp(t, kFirst, kLast));
  const auto month = static_cast<unsigned>(year_month_day(day).month());
  std::string text(kDays[std::chrono::weekday(day).iso_encoding() - 1]);
  text.append(", ").append(iso, 8, 2).append(" ").append(kMonths[month - 1]).append(" ").append(iso, 0, 4);
  return text.append(" ").append(iso, 11, 8).append(" GMT");
}

std::optional<Micros> ParseDuration(std::string_view text) {
  if (text == "0") return Micros(0);
  Reader reader(text);
  if (!reader.AtDigit()) return std::nullopt;
  int64_t count = 0;
  while (reader.AtDigit()) {
    int digit = reader.Take() - '0';
    if (count > (std::numeric_limits<int64_t>::max() - digit) / 10) return std::nullopt;
    count = count * 10 + digit;
  }
  for (const Unit& unit : kUnits) {
    if (reader.Rest() != unit.name) continue;
    if (count > std::numeric_limits<int64_t>::max() / unit.size.count()) return std::nullopt;
    return count * unit.size;
  }
  return std::nullopt;
}

std::string FormatDuration(Micros d) {
  if (d < Micros(0)) return "-" + FormatDuration(d == Micros::min() ? Micros::max() : -d);
  if (d == Micros(0)) return "0s";
  if (d < milliseconds(1)) return std::to_string(d.count()) + "us";
  if (d < seconds(1)) return std::to_string(d / milliseconds(1)) + "ms";
  if (d < minutes(1)) {
    auto tenths = d / milliseconds(100);
    std::string text = std::to_string(tenths / 10);
    if (tenths % 10 != 0) text.append(".").append(std::to_string(tenths % 10));
    return text + "s";
  }
  static constexpr Unit kSteps[] = {{"d", days(1)}, {"h", hours(1)}, {"m", minutes(1)}, {"s", seconds(1)}};
  size_t first = 0;
  while (d < kSteps[first].size) ++first;
  std::string text = std::to_string(d / kSteps[first].size).append(kSteps[first].name);
  if (auto rest = d % kSteps[first].size / kSteps[first + 1].size; rest != 0) {
    text.append(" ").append(std::to_string(rest)).append(kSteps[first + 1].name);
  }
  return text;
}

}  // namespace base
