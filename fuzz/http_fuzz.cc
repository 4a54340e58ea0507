// Responses and requests of strangers, byte by byte: the pieces make no difference, and every limit is kept.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/log.h"
#include "net/http1.h"

namespace {

constexpr size_t kMaxHeader = 1024, kKeepBody = 256, kMaxBody = 256;

// Gives `bytes` to a reader in pieces for as long as it wants more.
template <class Reader>
typename Reader::Step Feed(Reader& reader, std::string_view bytes, size_t piece) {
  net::ReadBuffer buffer;
  auto step = Reader::Step::kMore;
  while (!bytes.empty() && step == Reader::Step::kMore) {
    net::ReadBuffer::Room room = buffer.Free();
    size_t size = std::min({piece, room.size, bytes.size()});
    std::memcpy(room.data, bytes.data(), size);
    buffer.Fill(size);
    bytes.remove_prefix(size);
    step = reader.Put(buffer);
  }
  return step;
}

// Whether a whole message was read. In pieces nonsense may be noticed later, so what is not a message may be called
// wrong or too short.
template <class Step>
bool IsWhole(Step step) {
  return step != Step::kMore && step != Step::kBad;
}

void TryResponse(std::string_view input) {
  net::ResponseReader once, pieces;
  for (net::ResponseReader* reader : {&once, &pieces}) reader->Reset({kMaxHeader, 4, kKeepBody}, false);
  auto a = Feed(once, input, input.size()), b = Feed(pieces, input, 3);
  if (a == net::ResponseReader::Step::kMore) a = once.PutEnd();
  if (b == net::ResponseReader::Step::kMore) b = pieces.PutEnd();
  RB_CHECK(IsWhole(a) == IsWhole(b));
  // A line may grow by the blank that is put behind its colon.
  RB_CHECK(once.body().size() <= kKeepBody && once.header_lines().size() <= 2 * kMaxHeader);
  if (!IsWhole(a)) return;
  RB_CHECK(a == b && once.headers_complete() && pieces.headers_complete());
  RB_CHECK(once.code() == pieces.code() && once.header_lines() == pieces.header_lines());
  RB_CHECK(once.body() == pieces.body());
}

void TryRequest(std::string_view input) {
  net::RequestReader once({kMaxHeader, kMaxBody}), pieces({kMaxHeader, kMaxBody});
  auto a = Feed(once, input, input.size()), b = Feed(pieces, input, 3);
  RB_CHECK(IsWhole(a) == IsWhole(b));
  RB_CHECK(once.body().size() <= kMaxBody);
  if (a == net::RequestReader::Step::kBad) RB_CHECK(once.bad_status() >= 400 && once.bad_status() < 600);
  if (!IsWhole(a)) return;
  RB_CHECK(once.method() == pieces.method() && once.target() == pieces.target() && once.body() == pieces.body());
  RB_CHECK(once.header_lines() == pieces.header_lines());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  TryResponse(input);
  TryRequest(input);
  return 0;
}
