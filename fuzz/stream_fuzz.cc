// The JSON stream of a Terraform run: the pieces it comes in make no difference, and an error summary keeps its limit.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "run/run.h"

namespace {

std::vector<run::StreamLine> InPieces(std::string_view bytes, size_t piece) {
  run::StreamParser parser;
  std::vector<run::StreamLine> lines;
  auto keep = [&](std::vector<run::StreamLine> more) {
    for (run::StreamLine& line : more) lines.push_back(std::move(line));
  };
  for (; bytes.size() > piece; bytes.remove_prefix(piece)) keep(parser.Feed(bytes.substr(0, piece)));
  keep(parser.Feed(bytes));
  keep(parser.Finish());
  return lines;
}

size_t CodePoints(std::string_view text) {
  size_t count = 0;
  for (unsigned char c : text) count += (c & 0xC0) != 0x80;
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<run::StreamLine> whole = InPieces(input, input.size() + 1), pieces = InPieces(input, 7);
  RB_CHECK(whole.size() == pieces.size());
  run::StreamTracker tracker;
  for (size_t i = 0; i < whole.size(); ++i) {
    RB_CHECK(whole[i].type == pieces[i].type && whole[i].text == pieces[i].text);
    tracker.Take(whole[i]);
  }
  const run::Counts& counts = tracker.counts();
  RB_CHECK(counts.add >= 0 && counts.change >= 0 && counts.destroy >= 0 && counts.import >= 0);
  run::SensitiveValues sensitive;
  sensitive.values = {"hunter22"};
  std::string summary = run::ErrorSummary(tracker.errors(), sensitive);
  RB_CHECK(CodePoints(summary) <= run::kErrorSummaryChars);
  RB_CHECK(summary.find("hunter22") == std::string::npos);
  return 0;
}
