// Result<T>: what a function that can fail returns. Method names follow std::expected.
//
// An Error says what the caller can do about it (code), the cause in words (message) and, when the fault lies in
// something the user wrote, where (a JSON pointer, a file and line, a flag). Context is added on the way up with In().
// What the world outside does (a receiver that answers 500, a refused connection) is an outcome, not an Error.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace base {

enum class Code {
  kInvalid,      // the input is wrong; sending it again unchanged cannot help
  kNotFound,     // no such thing, or the caller may not know of it
  kDenied,       // known caller, not allowed
  kConflict,     // right input, wrong state
  kGone,         // it existed and was removed on purpose
  kTooLarge,     // a size limit was passed
  kUnavailable,  // an outside fault or shutdown; trying again can help
  kTimeout,
  kCorrupt,  // stored bytes are not what was written
  kInternal,
};

std::string_view Name(Code code);

struct [[nodiscard]] Error {
  Code code = Code::kInternal;
  std::string message;
  std::string where;  // empty when it concerns no place in the input

  Error(Code c, std::string m, std::string w = {}) : code(c), message(std::move(m)), where(std::move(w)) {}

  // "claim due: disk I/O error": the outermost context comes first.
  Error In(std::string_view context) && {
    message = std::string(context) + ": " + message;
    return std::move(*this);
  }
  std::string Text() const { return where.empty() ? message : where + ": " + message; }
};

inline Error Invalid(std::string message, std::string where = {}) {
  return {Code::kInvalid, std::move(message), std::move(where)};
}

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor): return value;
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor): return error;

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & { return Checked(); }
  const T& value() const& { return const_cast<Result*>(this)->Checked(); }
  T&& value() && { return std::move(Checked()); }
  T& operator*() & { return Checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &value(); }
  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  T& Checked() {
    if (!has_value()) std::abort();
    return std::get<0>(state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor): return error;
  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace base

#define RB_CONCAT_(a, b) a##b
#define RB_CONCAT(a, b) RB_CONCAT_(a, b)

// Returns the error of `expr` from the enclosing function; carries on when there is none.
#define RB_TRY(expr)                                                              \
  do {                                                                            \
    if (auto rb_status = (expr); !rb_status) return std::move(rb_status).error(); \
  } while (false)

// RB_ASSIGN(auto x, Parse(text)): declares or assigns the value, or returns the error.
#define RB_ASSIGN(target, expr) RB_ASSIGN_(RB_CONCAT(rb_result_, __LINE__), target, expr)
#define RB_ASSIGN_(result, target, expr)         \
  auto result = (expr);                          \
  if (!result) return std::move(result).error(); \
  target = std::move(result).value()
