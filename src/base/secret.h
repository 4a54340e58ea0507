// Secret: text that must not reach a log, an error, a page or a header by accident.
//
// It has no conversion, no formatter and no stream operator; the one way to the text is Reveal(), which a reader of the
// code can search for. The bytes are overwritten when the Secret goes.
#pragma once

#include <string>
#include <utility>

namespace base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) { Wipe(text); }
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { Wipe(other.text_); }
  Secret& operator=(const Secret& other) { return *this = Secret(other); }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    Wipe(text_);
    text_ = std::move(other.text_);
    Wipe(other.text_);
    return *this;
  }
  ~Secret() { Wipe(text_); }

  const std::string& Reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  static void Wipe(std::string& text);
  std::string text_;
};

}  // namespace base
