// A plan as `show -json` writes it, or anything else that is JSON.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/log.h"
#include "run/run.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto document = base::ParseJson(input, 64);
  if (!document) return 0;
  auto summary = run::SummarizePlan(*document);
  if (!summary) return 0;
  for (size_t i = 1; i < summary->sensitive.values.size(); ++i) {
    RB_CHECK(summary->sensitive.values[i - 1].size() >= summary->sensitive.values[i].size());
  }
  (void)run::Mask(input, summary->sensitive);
  return 0;
}
