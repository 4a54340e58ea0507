#include "store/directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/log.h"
#include "support/store_fixture.h"

namespace store {
namespace {

namespace fs = std::filesystem;

class DirectoryTest : public testing::Test {
 protected:
  DirectoryTest() {
    base::SetLogSink([this](std::string_view line) { log_ += std::string(line) + "\n"; });
    umask(0022);
  }
  ~DirectoryTest() override { base::SetLogSink({}); }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  std::string Victim() {
    std::ofstream(temp_.path() + "/victim") << "precious";
    return temp_.path() + "/victim";
  }
  std::string Content(const std::string& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void ExpectRefused(const base::Error& error, const std::string& name, const std::string& says) {
    EXPECT_NE(error.message.find(File(name)), std::string::npos) << error.Text();
    EXPECT_NE(error.message.find(says), std::string::npos) << error.Text();
  }

  TempDirectory temp_;
  std::string path_ = temp_.path() + "/data";
  std::string log_;
};

TEST_F(DirectoryTest, FilesAreForTheOwnerWhateverTheDirectorysModeAndTheUmask) {
  fs::create_directory(path_);
  auto directory = Directory::Open(path_);
  ASSERT_TRUE(directory);
  EXPECT_NE(log_.find(path_), std::string::npos) << "said that others may enter";
  EXPECT_NE(log_.find("0755"), std::string::npos) << log_;
  ASSERT_TRUE(directory->MakeFile("db"));
  ASSERT_TRUE(directory->WriteFile("key", "k"));
  for (const char* name : {"db", "key", "lock"}) {
    struct stat what {};
    ASSERT_EQ(stat(File(name).c_str(), &what), 0);
    EXPECT_EQ(what.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(DirectoryTest, ADirectoryOfOurOwnIsNotComplainedOf) {
  ASSERT_TRUE(Directory::Open(path_));
  EXPECT_EQ(log_, "");
}

TEST_F(DirectoryTest, LinksAreNotFollowed) {
  fs::create_directory(path_);
  const std::string victim = Victim();
  fs::create_symlink(victim, File("lock"));
  auto refused = Directory::Open(path_);
  ASSERT_FALSE(refused);
  ExpectRefused(refused.error(), "lock", "symbolic link");
  fs::remove(File("lock"));

  auto directory = Directory::Open(path_);
  ASSERT_TRUE(directory);
  for (const char* name : {"key.new", "db", "key"}) fs::create_symlink(victim, File(name));
  auto made = directory->MakeFile("db");
  ASSERT_FALSE(made);
  ExpectRefused(made.error(), "db", "symbolic link");
  auto read = directory->ReadFile("key");
  ASSERT_FALSE(read);
  ExpectRefused(read.error(), "key", "symbolic link");
  EXPECT_TRUE(directory->WriteFile("key", "k"));
  EXPECT_EQ(*directory->ReadFile("key"), "k");
  EXPECT_EQ(Content(victim), "precious");
}

TEST_F(DirectoryTest, APipeIsRefusedAndNotWaitedFor) {
  auto directory = Directory::Open(path_);
  ASSERT_TRUE(directory);
  ASSERT_EQ(mkfifo(File("key").c_str(), 0600), 0);
  auto read = directory->ReadFile("key");
  ASSERT_FALSE(read);
  ExpectRefused(read.error(), "key", "not a regular file");
}

TEST_F(DirectoryTest, AFileThatWasLostIsToldFromAFirstOne) {
  {
    auto directory = Directory::Open(path_);
    ASSERT_TRUE(directory);
    EXPECT_EQ(*directory->MakeFile("db"), Directory::Made::kFirst);
    EXPECT_EQ(*directory->MakeFile("db"), Directory::Made::kNothing);
  }
  fs::remove(File("db"));
  auto directory = Directory::Open(path_);
  ASSERT_TRUE(directory);
  EXPECT_EQ(*directory->MakeFile("db"), Directory::Made::kAgain);
}

class LostDatabaseTest : public StoreTest {};

TEST_F(LostDatabaseTest, ANewOneIsNotBegunQuietly) {
  store_.reset();
  std::string log;
  base::SetLogSink([&log](std::string_view line) { log += line; });
  std::filesystem::remove(options_.directory + "/runbell.db");
  Open();
  base::SetLogSink({});
  EXPECT_NE(log.find("runbell.db"), std::string::npos) << log;
  EXPECT_NE(log.find("empty"), std::string::npos) << log;
}

}  // namespace
}  // namespace store
