#include "base/principal.h"

#include <gtest/gtest.h>

namespace base {
namespace {

constexpr EnvironmentId kProd{1};
constexpr EnvironmentId kTest{2};
constexpr Place kAccount{};
constexpr Place kProdEnvironment{kProd, {}};
constexpr Place kNetwork{kProd, WorkspaceId{11}};
constexpr Place kDatabase{kProd, WorkspaceId{12}};
constexpr Place kTestNetwork{kTest, WorkspaceId{21}};

Principal Holder(Scope scope, Place place) { return {TokenId{1}, "ci", {{scope, place}}}; }

TEST(Scope, NamesRoundTrip) {
  for (Scope scope : {Scope::kRead, Scope::kReport, Scope::kApprove, Scope::kWrite, Scope::kAdmin}) {
    EXPECT_EQ(ParseScope(Name(scope)), scope);
  }
  EXPECT_FALSE(ParseScope("owner"));
  EXPECT_FALSE(ParseScope(""));
}

TEST(Place, CoversItselfAndWhatLiesBelow) {
  EXPECT_TRUE(kAccount.Covers(kAccount));
  EXPECT_TRUE(kAccount.Covers(kNetwork));
  EXPECT_TRUE(kProdEnvironment.Covers(kNetwork));
  EXPECT_TRUE(kNetwork.Covers(kNetwork));
  EXPECT_FALSE(kProdEnvironment.Covers(kAccount));
  EXPECT_FALSE(kProdEnvironment.Covers(kTestNetwork));
  EXPECT_FALSE(kNetwork.Covers(kProdEnvironment));
  EXPECT_FALSE(kNetwork.Covers(kDatabase));
}

TEST(Principal, AdminImpliesAllOthersNothingButRead) {
  const Scope all[] = {Scope::kRead, Scope::kReport, Scope::kApprove, Scope::kWrite, Scope::kAdmin};
  for (Scope held : all) {
    for (Scope wanted : all) {
      bool expected = held == wanted || held == Scope::kAdmin || wanted == Scope::kRead;
      EXPECT_EQ(Holder(held, kAccount).May(wanted, kNetwork), expected) << Name(held) << " " << Name(wanted);
    }
  }
}

TEST(Principal, AReportTokenOfAWorkspaceReachesNothingElse) {
  Principal ci = Holder(Scope::kReport, kNetwork);
  EXPECT_TRUE(ci.May(Scope::kReport, kNetwork));
  EXPECT_FALSE(ci.May(Scope::kApprove, kNetwork));
  EXPECT_FALSE(ci.May(Scope::kRead, kDatabase));
  EXPECT_FALSE(ci.May(Scope::kRead, kProdEnvironment));
}

TEST(Principal, MayAnywhereInLooksBothWays) {
  Principal owner = Holder(Scope::kWrite, kNetwork);
  EXPECT_TRUE(owner.MayAnywhereIn(Scope::kRead, kAccount));
  EXPECT_TRUE(owner.MayAnywhereIn(Scope::kWrite, kProdEnvironment));
  EXPECT_FALSE(owner.MayAnywhereIn(Scope::kApprove, kProdEnvironment));
  EXPECT_FALSE(owner.MayAnywhereIn(Scope::kRead, kTestNetwork));
  EXPECT_TRUE(Holder(Scope::kRead, kAccount).MayAnywhereIn(Scope::kRead, kTestNetwork));
}

TEST(Principal, TheSystemMayEverythingANobodyNothing) {
  EXPECT_TRUE(Principal::System().May(Scope::kAdmin, kAccount));
  EXPECT_FALSE(Principal{}.MayAnywhereIn(Scope::kRead, kAccount));
}

}  // namespace
}  // namespace base
