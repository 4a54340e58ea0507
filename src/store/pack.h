// Packs short texts that resemble each other: payloads and header lines.
//
// Byte for byte reversible. Both begin with text that is the same in every row, so each kind has a dictionary of it
// that the packed bytes refer to; only what differs is stored. zlib with a preset dictionary comes out a third smaller
// but takes four times as long (5 us for a payload), which the writer's thread would have to spend three times per
// delivery.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace store {

enum class PackKind { kPayload, kHeaders };

// `recall` is more text that is likely to appear (the delivery's id, say); Unpack needs the same.
std::string Pack(PackKind kind, std::string_view text, std::string_view recall = {});
// kCorrupt when the bytes were not made by Pack.
base::Result<std::string> Unpack(PackKind kind, std::string_view packed, std::string_view recall = {});

}  // namespace store
