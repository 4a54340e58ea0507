// The real binary as a server: started on a directory, found by its first line, spoken to with an admin token.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "support/http.h"
#include "support/program.h"

namespace testing_support {

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "runbell-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class ServerProgram {
 public:
  explicit ServerProgram(std::string data) : data_(std::move(data)) {
    const Ended made = RunProgram({RB_BINARY, "token", "create", "--data", data_, "--name", "e2e", "--scope", "admin"});
    EXPECT_EQ(made.code, 0) << made.err;
    token_ = made.out.substr(0, made.out.find('\n'));
  }

  // `more` are further flags.
  void Start(std::vector<std::string> more = {}) {
    std::vector<std::string> argv = {RB_BINARY, "serve", "--listen",       "127.0.0.1:0",
                                     "--data",  data_,   "--egress-allow", "127.0.0.0/8"};
    argv.insert(argv.end(), more.begin(), more.end());
    program_ = std::make_unique<Program>(argv);
    const std::string line = program_->WaitForLine("listening on http://");
    ASSERT_FALSE(line.empty()) << program_->err();
    port_ = static_cast<uint16_t>(std::atoi(line.c_str() + line.rfind(':') + 1));
  }
  void Kill() {
    program_->Send(SIGKILL);
    program_->Wait();
  }
  int Stop() {
    program_->Send(SIGTERM);
    return program_->Wait();
  }

  Program& program() { return *program_; }
  uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  const std::string& data() const { return data_; }
  const std::string& token() const { return token_; }
  ApiCaller Api() const { return ApiCaller(port_, token_); }

 private:
  std::string data_, token_;
  std::unique_ptr<Program> program_;
  uint16_t port_ = 0;
};

}  // namespace testing_support
