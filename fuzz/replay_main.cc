// Stands in for libFuzzer where it is not linked: feeds a target each file of a folder and the beginnings of it.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// In a block of its own size, so that a sanitizer sees a read beyond its end.
void Feed(const std::string& text, size_t size) {
  const std::vector<uint8_t> block(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(block.data(), block.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::printf("%s\n", entry.path().c_str());  // the last one shown is the one that failed
    std::fflush(stdout);
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    constexpr size_t kManyBeginnings = 512;  // the others of a long text are not worth their time
    for (size_t size = 0; size < text.size() && size < kManyBeginnings; ++size) Feed(text, size);
    Feed(text, text.size());
    ++files;
  }
  return files > 0 ? 0 : 1;
}
