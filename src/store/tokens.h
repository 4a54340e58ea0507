// Who a bearer token stands for.
#pragma once

#include "base/principal.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/resources.h"

namespace store {

struct Known {
  base::Principal who;
  bool use_is_news = false;  // worth writing down
};
base::Result<Known> FindToken(Reading r, const base::Secret& text);
void NoteUse(Writing& w, base::TokenId id);

}  // namespace store
