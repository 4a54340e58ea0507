#include <gtest/gtest.h>

#include <set>

#include "run/run.h"

namespace run {
namespace {

TEST(RunNames, EveryStatusIsReadBackFromItsName) {
  std::set<std::string_view> seen;
  for (int i = 0; i < kStatusCount; ++i) {
    auto status = static_cast<Status>(i);
    EXPECT_TRUE(seen.insert(Name(status)).second) << Name(status);
    EXPECT_EQ(ParseStatus(Name(status)), status);
  }
  EXPECT_EQ(Name(Status::kPlannedAndFinished), "planned_and_finished");
  EXPECT_EQ(Name(Status::kCanceled), "canceled");
  EXPECT_EQ(ParseStatus("cancelled"), std::nullopt);
  EXPECT_EQ(ParseStatus(""), std::nullopt);
  EXPECT_EQ(ParseStatus("Planned"), std::nullopt);
}

TEST(RunNames, FinalStatesAreTheFiveEnds) {
  std::set<std::string_view> final_names;
  for (int i = 0; i < kStatusCount; ++i) {
    if (IsFinal(static_cast<Status>(i))) final_names.insert(Name(static_cast<Status>(i)));
  }
  EXPECT_EQ(final_names,
            (std::set<std::string_view>{"applied", "planned_and_finished", "errored", "discarded", "canceled"}));
}

TEST(RunNames, EventsAreThoseOfThePublicContract) {
  std::set<std::string_view> names;
  for (auto kind : kAllEvents) {
    names.insert(Name(kind));
    EXPECT_EQ(ParseEventKind(Name(kind)), kind);
    EXPECT_FALSE(Description(kind).empty());
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"run:completed", "run:errored", "run:needs_attention"}));
  EXPECT_EQ(ParseEventKind("run:created"), std::nullopt);
}

TEST(RunNames, ReasonsAreReadBackAndNoneHasNoText) {
  for (int i = 1; i <= static_cast<int>(Reason::kExpired); ++i) {
    EXPECT_EQ(ParseReason(Name(static_cast<Reason>(i))), static_cast<Reason>(i));
  }
  EXPECT_EQ(Name(Reason::kNone), "");
  EXPECT_EQ(ParseReason(""), std::nullopt);
  EXPECT_EQ(Name(Reason::kExpired), "expired");
  EXPECT_EQ(Name(Reason::kPolicyOverride), "policy_override");
}

TEST(RunNames, DriversAreReadBack) {
  for (auto driver : {Driver::kReporter, Driver::kServer, Driver::kNone}) EXPECT_EQ(ParseDriver(Name(driver)), driver);
  EXPECT_EQ(Name(Action::kLose), "lose");
}

}  // namespace
}  // namespace run
