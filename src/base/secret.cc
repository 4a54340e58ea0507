#include "base/secret.h"

#include <openssl/crypto.h>

namespace base {

void Secret::Wipe(std::string& text) {
  // The whole capacity: a string that was moved from still has its short text in it.
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace base
