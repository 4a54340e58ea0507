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

void TryResponse(std::string_view input) {
  net::ResponseReader whole, pieces;
  for (net::ResponseReader* reader : {&whole, &pieces}) reader->Reset({kMaxHeader, 4, kKeepBody}, false);
  auto a = Feed(whole, input, input.size()), b = Feed(pieces, input, 3);
  if (a == net::ResponseReader::Step::kMore) a = whole.PutEnd();
  if (b == net::ResponseReader::Step::kMore) b = pieces.PutEnd();
  RB_CHECK(a == b && whole.headers_complete() == pieces.headers_complete());
  // A line may grow by the blank that is put behind its colon.
  RB_CHECK(whole.body().size() <= kKeepBody && whole.header_lines().size() <= 2 * kMaxHeader);
  if (!whole.headers_complete()) return;
  RB_CHECK(whole.code() == pieces.code() && whole.header_lines() == pieces.header_lines());
  RB_CHECK(a == net::ResponseReader::Step::kBad || whole.body() == pieces.body());
}

void TryRequest(std::string_view input) {
  net::RequestReader whole({kMaxHeader, kMaxBody}), pieces({kMaxHeader, kMaxBody});
  auto a = Feed(whole, input, input.size()), b = Feed(pieces, input, 3);
  RB_CHECK(a == b);
  RB_CHECK(whole.body().size() <= kMaxBody);
  if (a == net::RequestReader::Step::kBad) RB_CHECK(whole.bad_status() >= 400 && whole.bad_status() < 600);
  if (a != net::RequestReader::Step::kDone) return;
  RB_CHECK(whole.method() == pieces.method() && whole.target() == pieces.target() && whole.body() == pieces.body());
  RB_CHECK(whole.header_lines() == pieces.header_lines());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  TryResponse(input);
  TryRequest(input);
  return 0;
}
