#include "support/store_fixture.h"

namespace store {
namespace {

using base::Code;
using base::Scope;
using std::chrono::minutes;
using std::chrono::seconds;

class TokensTest : public StoreTest {
 protected:
  Token MakeToken(std::vector<base::Grant> grants, const base::Principal& who = kSystem) {
    return Ok(store_->Create(who, TokenOf(std::move(grants))));
  }
  static Token TokenOf(std::vector<base::Grant> grants) {
    Token t;
    t.name = "ci";
    t.grants = std::move(grants);
    return t;
  }
};

TEST_F(TokensTest, ATokenAuthenticatesUntilItIsDeletedOrExpires) {
  const Environment e = MakeEnvironment("e");
  Token t = TokenOf({{Scope::kReport, {e.id, {}}}});
  t.expires_at = clock_.Now() + minutes(10);
  const uint64_t generation = store_->token_generation();
  t = Ok(store_->Create(kSystem, t));
  EXPECT_GT(store_->token_generation(), generation);
  EXPECT_EQ(t.text.Reveal().size(), 44u);
  EXPECT_EQ(t.text.Reveal().substr(0, 4), "rbt_");
  const base::Principal who = Ok(store_->Authenticate(t.text));
  EXPECT_EQ(who.token, t.id);
  EXPECT_EQ(who.name, "ci");
  EXPECT_TRUE(who.May(Scope::kReport, {e.id, {1}}));
  EXPECT_FALSE(who.May(Scope::kWrite, {e.id, {}}));
  EXPECT_TRUE(Ok(store_->Get<Token>(kSystem, t.id)).text.empty());
  for (const char* wrong : {"", "rbt_", "rbt_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_FALSE(store_->Authenticate(base::Secret(wrong)));
  }
  clock_.Advance(minutes(10));
  EXPECT_EQ(store_->Authenticate(t.text).error().code, Code::kNotFound);

  const Token other = MakeToken({{Scope::kAdmin, {}}});
  Ok(store_->Authenticate(other.text));
  Ok(store_->Delete<Token>(kSystem, other.id));
  EXPECT_FALSE(store_->Authenticate(other.text));
}

TEST_F(TokensTest, LastUseIsWrittenOnceAMinute) {
  const Token t = MakeToken({{Scope::kRead, {}}});
  const auto last_used = [&] {
    Ok(store_->Authenticate(t.text));
    Ok(Sweep());  // behind the note in the writer's queue
    return Ok(store_->Get<Token>(kSystem, t.id)).last_used_at;
  };
  const base::WallTime first = clock_.Now();
  EXPECT_EQ(last_used(), first);
  clock_.Advance(seconds(59));
  EXPECT_EQ(last_used(), first);
  clock_.Advance(seconds(1));
  EXPECT_EQ(last_used(), first + minutes(1));
}

TEST_F(TokensTest, NobodyHandsOutForLongerThanTheyHave) {
  Token maker;
  maker.name = "maker";
  maker.grants = {{Scope::kAdmin, {}}};
  maker.expires_at = clock_.Now() + std::chrono::hours(1);
  const auto who = Ok(store_->Authenticate(Ok(store_->Create(kSystem, maker)).text));
  const auto end_of = [&](std::optional<base::WallTime> wanted) {
    Token token;
    token.grants = {{Scope::kRead, {}}};
    token.expires_at = wanted;
    return Ok(store_->Create(who, token)).expires_at;
  };
  EXPECT_EQ(end_of(std::nullopt), maker.expires_at);
  EXPECT_EQ(end_of(clock_.Now() + std::chrono::hours(2)), maker.expires_at);
  const auto sooner = clock_.Now() + std::chrono::minutes(1);
  EXPECT_EQ(end_of(sooner), sooner);
}

TEST_F(TokensTest, NobodyHandsOutMoreThanTheyHave) {
  const Environment e = MakeEnvironment("e"), f = MakeEnvironment("f");
  const Workspace w = MakeWorkspace(e, "w");
  const auto admin_of_e = With({{Scope::kAdmin, {e.id, {}}}});
  const auto code = [&](std::vector<base::Grant> grants, const base::Principal& who) {
    auto made = store_->Create(who, TokenOf(std::move(grants)));
    return made ? "ok" : std::string(Name(made.error().code));
  };
  EXPECT_EQ(code({{Scope::kAdmin, {e.id, {}}}}, admin_of_e), "ok");
  EXPECT_EQ(code({{Scope::kReport, {{}, w.id}}}, admin_of_e), "ok");
  EXPECT_EQ(code({{Scope::kRead, {}}}, admin_of_e), Name(Code::kDenied));
  EXPECT_EQ(code({{Scope::kRead, {e.id, {}}}, {Scope::kRead, {f.id, {}}}}, admin_of_e), Name(Code::kInvalid))
      << "the other environment does not exist for them";
  EXPECT_EQ(code({{Scope::kRead, {e.id, {}}}}, With({{Scope::kWrite, {}}})), Name(Code::kDenied));
  EXPECT_EQ(code({}, kSystem), Name(Code::kInvalid));
  const Token above = MakeToken({{Scope::kAdmin, {}}});
  EXPECT_EQ(Ok(store_->List<Token>(admin_of_e, {})).total, 2);
  EXPECT_EQ(store_->Get<Token>(admin_of_e, above.id).error().code, Code::kNotFound);
  const Token mine = Ok(store_->List<Token>(admin_of_e, {})).items.front();
  EXPECT_EQ(store_
                ->Update<Token>(admin_of_e, mine.id,
                                [](Token& t) {
                                  t.grants = {{Scope::kAdmin, {}}};
                                  return base::Status();
                                })
                .error()
                .code,
            Code::kDenied);
}

}  // namespace
}  // namespace store
