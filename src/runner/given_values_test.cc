#include "runner/given_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace runner {
namespace {

using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

TEST(GivenValues, AreFoundInOptionsFilesAndTheEnvironment) {
  std::string directory = testing::TempDir() + "given-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const fs::path code = directory;
  fs::create_directory(code / "more");
  std::ofstream(code / "more/extra.tfvars")
      << "# it's \"here\nc = \"in \\\"file\"\nd = <<-EOT\n  first\n  second\n  EOT\n";
  std::ofstream(code / "terraform.tfvars") << "e = { f = \"in map\" }\n";
  std::ofstream(code / "x.auto.tfvars.json") << R"({"g": ["in json", true]})";
  std::ofstream(code / "other.tfvars") << "h = \"not read\"\n";
  ToolCommand command;
  command.directory = directory;
  command.plan_options = {"-var", "a=flag", "--var=b=[\"list\"]", "-var-file=more/extra.tfvars", "-var-file=missing"};
  EXPECT_THAT(GivenValues(command, {{"TF_VAR_i", "env"}, {"TF_VAR_on", "true"}, {"PLACE", "here"}}),
              UnorderedElementsAre("flag", "[\"list\"]", "list", "in \"file", "  first\n  second\n", "in map",
                                   "in json", "env"));
  fs::remove_all(code);
}

TEST(GivenValues, SecretsOfTheEnvironmentAreKnownByTheirNames) {
  EXPECT_THAT(SecretsIn({{"AWS_SECRET_ACCESS_KEY", "a"},
                         {"TF_TOKEN_registry_example_com", "b"},
                         {"db_password", "c"},
                         {"GOOGLE_CREDENTIALS", "d"},
                         {"HOME", "e"}}),
              UnorderedElementsAre("a", "b", "c", "d"));
}

}  // namespace
}  // namespace runner
