#include <fstream>
#include <iterator>

#include "support/store_fixture.h"

namespace store {
namespace {

using base::Code;
using base::Scope;

class ResourcesTest : public StoreTest {
 protected:
  template <class T>
  void ExpectInvalid(const base::Result<T>& result, const std::string& where) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kInvalid) << result.error().Text();
    EXPECT_EQ(result.error().where, where) << result.error().Text();
  }
  template <class T>
  void ExpectCode(const base::Result<T>& result, Code code) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().Text();
  }
  std::vector<Change> Feed(const std::string& kind) {
    ChangesQuery query;
    query.kind = kind;
    return Ok(store_->Changes(kSystem, query));
  }
  template <class T>
  static std::vector<std::string> NamesOf(const Page<T>& page) {
    std::vector<std::string> names;
    for (const T& item : page.items) names.push_back(item.name);
    return names;
  }
};

TEST_F(ResourcesTest, WhatIsCreatedIsReadBack) {
  Environment e;
  e.name = "prod";
  e.extra["cost-estimation-enabled"] = true;
  e = Ok(store_->Create(kSystem, e));
  Workspace w;
  w.environment = e.id;
  w.name = "network";
  w.auto_apply = true;
  w.extra["terraform-version"] = "1.11.4";
  w = Ok(store_->Create(kSystem, w));
  Endpoint p;
  p.place = {e.id, w.id};
  p.name = "chat";
  p.url = "https://example.com/x";
  p.secret = base::Secret("auphee1ieshaeQu8");
  p.headers = {{"X-Team", "blue", false}, {"Authorization", "Bearer t0ken", true}};
  p.form = hook::PayloadForm::kHyphen;
  p = Ok(store_->Create(kSystem, p));
  Webhook h = Ok(store_->Create(kSystem, WebhookOn(p, "w", {run::EventKind::kErrored})));
  Reopen();

  EXPECT_EQ(Ok(store_->Get<Environment>(kSystem, e.id)).extra, e.extra);
  EXPECT_EQ(Ok(store_->Get<Environment>(kSystem, e.id)).created_at, clock_.Now());
  const Workspace workspace = Ok(store_->Get<Workspace>(kSystem, w.id));
  EXPECT_EQ(workspace.environment, e.id);
  EXPECT_TRUE(workspace.auto_apply);
  EXPECT_EQ(workspace.extra, w.extra);
  EXPECT_FALSE(workspace.latest_run);
  const Endpoint endpoint = Ok(store_->Get<Endpoint>(kSystem, p.id));
  EXPECT_EQ(endpoint.place, p.place);
  EXPECT_EQ(endpoint.secret.Reveal(), "auphee1ieshaeQu8");
  EXPECT_EQ(endpoint.headers, p.headers);
  EXPECT_EQ(endpoint.form, hook::PayloadForm::kHyphen);
  const Webhook webhook = Ok(store_->Get<Webhook>(kSystem, h.id));
  EXPECT_EQ(webhook.reach, Reach::kWorkspace);
  EXPECT_EQ(webhook.workspace, w.id);
  EXPECT_EQ(webhook.environments, std::vector{e.id});
  EXPECT_EQ(webhook.events, std::vector{run::EventKind::kErrored});
}

TEST_F(ResourcesTest, NamesAreTakenOncePerPlace) {
  const Environment a = MakeEnvironment("a"), b = MakeEnvironment("b");
  Environment again;
  again.name = "a";
  ExpectInvalid(store_->Create(kSystem, again), "/data/attributes/name");
  const Workspace wa = MakeWorkspace(a, "same"), wb = MakeWorkspace(b, "same");
  Workspace twice;
  twice.environment = a.id;
  twice.name = "same";
  ExpectInvalid(store_->Create(kSystem, twice), "/data/attributes/name");

  const Endpoint pa = MakeEndpoint({a.id, {}}, "same"), pb = MakeEndpoint({b.id, {}}, "same");
  const Endpoint pw = MakeEndpoint({a.id, wa.id}, "same");
  MakeWebhook(pa, "same");
  MakeWebhook(pb, "same");
  MakeWebhook(pw, "same");
  ExpectInvalid(store_->Create(kSystem, WebhookOn(pa, "same")), "/data/attributes/name");
  ExpectInvalid(store_->Create(kSystem, WebhookOn(pw, "same")), "/data/attributes/name");
  Endpoint taken = pa;
  ExpectInvalid(store_->Create(kSystem, taken), "/data/attributes/name");

  Ok(store_->Delete<Workspace>(kSystem, wa.id));
  MakeWorkspace(a, "same");
}

TEST_F(ResourcesTest, BadValuesAreNamed) {
  const Environment e = MakeEnvironment("e");
  Environment bad;
  ExpectInvalid(store_->Create(kSystem, bad), "/data/attributes/name");
  bad.name = std::string(256, 'x');
  ExpectInvalid(store_->Create(kSystem, bad), "/data/attributes/name");
  bad.name = "\xff";
  ExpectInvalid(store_->Create(kSystem, bad), "/data/attributes/name");
  Workspace w;
  w.name = "w";
  ExpectInvalid(store_->Create(kSystem, w), "/data/relationships/environment");
  w.environment = {1};
  ExpectInvalid(store_->Create(kSystem, w), "/data/relationships/environment");
  w.environment = e.id;
  w.name = "white space";
  ExpectInvalid(store_->Create(kSystem, w), "/data/attributes/name");

  const auto with = [&](auto set) {
    Endpoint p;
    p.place.environment = e.id;
    p.name = "p";
    p.url = "http://x";
    set(p);
    return store_->Create(kSystem, p);
  };
  ExpectInvalid(with([](Endpoint& p) { p.url = ""; }), "/data/attributes/url");
  ExpectInvalid(with([](Endpoint& p) { p.url = std::string(2049, 'u'); }), "/data/attributes/url");
  ExpectInvalid(with([](Endpoint& p) { p.max_attempts = 0; }), "/data/attributes/max-attempts");
  ExpectInvalid(with([](Endpoint& p) { p.timeout_s = -1; }), "/data/attributes/timeout");
  ExpectInvalid(with([](Endpoint& p) { p.headers = {{"Content-Length", "1", false}}; }), "/data/attributes/headers/0");
  ExpectInvalid(with([](Endpoint& p) { p.secret = base::Secret(std::string(1025, 's')); }),
                "/data/attributes/secret-key");

  const Workspace other = MakeWorkspace(MakeEnvironment("other"), "w");
  const Endpoint p = MakeEndpoint({e.id, {}}, "p");
  Webhook h = WebhookOn(p, "h");
  h.endpoint = {};
  ExpectInvalid(store_->Create(kSystem, h), "/data/relationships/endpoint");
  h = WebhookOn(p, "h");
  h.reach = Reach::kWorkspace;
  h.workspace = other.id;
  ExpectInvalid(store_->Create(kSystem, h), "/data/relationships/workspace");
  h.environments.clear();
  ExpectInvalid(store_->Create(kSystem, h), "/data/relationships/endpoint");
}

TEST_F(ResourcesTest, SecretsAreMadeWhenNoneIsGivenAndNeverStoredInPlain) {
  const Endpoint p = MakeEndpoint({}, "p");
  EXPECT_EQ(p.secret.Reveal().size(), 32u);
  Endpoint named;
  named.name = "q";
  named.url = "http://x";
  named.secret = base::Secret("plain-to-be-looked-for");
  named.headers = {{"X-Key", "header-to-be-looked-for", true}};
  Ok(store_->Create(kSystem, named));
  store_.reset();
  std::string all;
  for (const auto& file : std::filesystem::directory_iterator(options_.directory)) {
    std::ifstream in(file.path(), std::ios::binary);
    all.append(std::istreambuf_iterator<char>(in), {});
  }
  EXPECT_NE(all.find("endpoint_names"), std::string::npos) << "the database was not read";
  EXPECT_EQ(all.find("plain-to-be-looked-for"), std::string::npos);
  EXPECT_EQ(all.find("header-to-be-looked-for"), std::string::npos);
  EXPECT_EQ(all.find(p.secret.Reveal()), std::string::npos);
}

TEST_F(ResourcesTest, RotationKeepsTheOldSecretUntilTheOverlapEnds) {
  Endpoint p = MakeEndpoint({}, "p");
  const std::string old = p.secret.Reveal();
  p = Ok(store_->Update<Endpoint>(kSystem, p.id, [&](Endpoint& e) -> base::Status {
    e.previous_secret = e.secret;
    e.secret = base::Secret("fresh");
    e.overlap_ends = clock_.Now() + std::chrono::hours(24);
    return {};
  }));
  auto target = Ok(store_->Targets({p.id})).at(0);
  EXPECT_EQ(target.keys.current.Reveal(), "fresh");
  ASSERT_TRUE(target.keys.previous);
  EXPECT_EQ(target.keys.previous->Reveal(), old);
  clock_.Advance(std::chrono::hours(24));
  EXPECT_FALSE(Ok(store_->Targets({p.id})).at(0).keys.previous);
  seen_.Lock()->endpoints.clear();
  Ok(Sweep());
  EXPECT_EQ(seen_.Lock()->endpoints, std::vector{p.id}) << "whoever sends is told to read it again";
  const auto changes = Feed("endpoint");
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[1].action, "endpoint.secret_rotated");
  EXPECT_EQ(changes[2].action, "endpoint.rotation_ended");
}

TEST_F(ResourcesTest, AnUpdateThatRefusesWritesNothing) {
  const Environment e = MakeEnvironment("e");
  const int64_t before = store_->last_change();
  auto refused = store_->Update<Environment>(kSystem, e.id, [](Environment& value) -> base::Status {
    value.name = "other";
    return base::Invalid("no", "/data/attributes/name");
  });
  ExpectInvalid(refused, "/data/attributes/name");
  EXPECT_EQ(Ok(store_->Get<Environment>(kSystem, e.id)).name, "e");
  EXPECT_EQ(store_->last_change(), before);
}

TEST_F(ResourcesTest, AnEndpointInUseStays) {
  const Endpoint p = MakeEndpoint({}, "p");
  const Webhook h = MakeWebhook(p, "h");
  ExpectCode(store_->Delete<Endpoint>(kSystem, p.id), Code::kConflict);
  Ok(store_->Delete<Webhook>(kSystem, h.id));
  Ok(store_->Delete<Endpoint>(kSystem, p.id));
  ExpectCode(store_->Get<Endpoint>(kSystem, p.id), Code::kNotFound);
  ExpectCode(store_->Delete<Endpoint>(kSystem, p.id), Code::kNotFound);
}

TEST_F(ResourcesTest, AnEnvironmentTakesWhatIsInItAlong) {
  const Environment e = MakeEnvironment("e"), f = MakeEnvironment("f");
  const Workspace w = MakeWorkspace(e, "w");
  const Endpoint account = MakeEndpoint({}, "account");
  const Endpoint p = MakeEndpoint({e.id, {}}, "p"), q = MakeEndpoint({e.id, w.id}, "q");
  const Webhook h = MakeWebhook(p, "h"), i = MakeWebhook(q, "i");
  Webhook both = WebhookOn(account, "both");
  both.reach = Reach::kEnvironments;
  both.environments = {e.id, f.id};
  both = Ok(store_->Create(kSystem, both));
  Webhook nowhere = both;
  nowhere.name = "nowhere";
  nowhere.environments.clear();
  nowhere = Ok(store_->Create(kSystem, nowhere));

  Ok(store_->Delete<Environment>(kSystem, e.id));
  ExpectCode(store_->Get<Environment>(kSystem, e.id), Code::kNotFound);
  ExpectCode(store_->Get<Workspace>(kSystem, w.id), Code::kNotFound);
  ExpectCode(store_->Get<Endpoint>(kSystem, p.id), Code::kNotFound);
  ExpectCode(store_->Get<Endpoint>(kSystem, q.id), Code::kNotFound);
  ExpectCode(store_->Get<Webhook>(kSystem, h.id), Code::kNotFound);
  ExpectCode(store_->Get<Webhook>(kSystem, i.id), Code::kNotFound);
  EXPECT_EQ(Ok(store_->Get<Webhook>(kSystem, both.id)).environments, std::vector{f.id});
  Ok(store_->Get<Webhook>(kSystem, nowhere.id));
  Ok(store_->Get<Environment>(kSystem, f.id));
  EXPECT_EQ(Ok(store_->List<Workspace>(kSystem, {})).total, 0);
}

TEST_F(ResourcesTest, ListsFilterSortSearchAndPage) {
  const Environment e = MakeEnvironment("prod"), f = MakeEnvironment("test");
  for (const char* name : {"b-two", "a-one", "c-three"}) MakeWorkspace(e, name);
  MakeWorkspace(f, "a-one");
  Query query;
  EXPECT_EQ(NamesOf(Ok(store_->List<Workspace>(kSystem, query))),
            (std::vector<std::string>{"a-one", "c-three", "a-one", "b-two"}))
      << "the newest come first";
  query.filters = {{"environment", {Format(e.id)}, false}};
  query.sort = {{"name", false}};
  query.size = 2;
  auto page = Ok(store_->List<Workspace>(kSystem, query));
  EXPECT_EQ(NamesOf(page), (std::vector<std::string>{"a-one", "b-two"}));
  EXPECT_EQ(page.total, 3);
  query.page = 2;
  EXPECT_EQ(NamesOf(Ok(store_->List<Workspace>(kSystem, query))), std::vector<std::string>{"c-three"});
  query.page = 999;
  EXPECT_EQ(Ok(store_->List<Workspace>(kSystem, query)).total, 3);

  query = {};
  query.text = "ON";
  EXPECT_EQ(Ok(store_->List<Workspace>(kSystem, query)).total, 2);
  query.text = "%";
  EXPECT_EQ(Ok(store_->List<Workspace>(kSystem, query)).total, 0);
  query.text = Format(Ok(store_->List<Workspace>(kSystem, {})).items.front().id);
  EXPECT_EQ(Ok(store_->List<Workspace>(kSystem, query)).total, 1);
  query = {};
  query.filters = {{"name", {"a-one", "c-three"}, false}};
  EXPECT_EQ(Ok(store_->List<Workspace>(kSystem, query)).total, 3);
  query.filters = {{"environment", {"garbage"}, false}};
  EXPECT_EQ(Ok(store_->List<Workspace>(kSystem, query)).total, 0);
  query.filters = {{"account", {store_->account().id}, false}};
  EXPECT_EQ(Ok(store_->List<Workspace>(kSystem, query)).total, 4);
  query.filters = {{"account", {"acc-other"}, false}};
  EXPECT_EQ(Ok(store_->List<Workspace>(kSystem, query)).total, 0);
  query.filters = {{"colour", {"blue"}, false}};
  ExpectInvalid(store_->List<Workspace>(kSystem, query), "filter[colour]");
  query.filters.clear();
  query.sort = {{"colour", false}};
  ExpectInvalid(store_->List<Workspace>(kSystem, query), "sort");
}

TEST_F(ResourcesTest, AnEnvironmentsWebhooksAreThoseItsWorkspacesHear) {
  const Environment e = MakeEnvironment("e"), f = MakeEnvironment("f");
  const Workspace w = MakeWorkspace(e, "w");
  MakeWebhook(MakeEndpoint({e.id, {}}, "p"), "own", {run::EventKind::kErrored});
  MakeWebhook(MakeEndpoint({e.id, w.id}, "p"), "workspace");
  MakeWebhook(MakeEndpoint({f.id, {}}, "p"), "other");
  MakeWebhook(MakeEndpoint({}, "p"), "shared");
  Query query;
  query.sort = {{"name", false}};
  query.filters = {{"environment", {Format(e.id)}, false}};
  EXPECT_EQ(NamesOf(Ok(store_->List<Webhook>(kSystem, query))),
            (std::vector<std::string>{"own", "shared", "workspace"}));
  query.filters = {{"event", {"run:completed"}, false}, {"enabled", {"true"}, false}};
  EXPECT_EQ(NamesOf(Ok(store_->List<Webhook>(kSystem, query))),
            (std::vector<std::string>{"other", "shared", "workspace"}));
  query.filters = {{"workspace", {Format(w.id)}, false}};
  EXPECT_EQ(NamesOf(Ok(store_->List<Webhook>(kSystem, query))), std::vector<std::string>{"workspace"});

  const auto effective = Ok(store_->EffectiveWebhooks(kSystem, w.id));
  ASSERT_EQ(effective.size(), 3u);
  EXPECT_TRUE(effective[0].inherited);
  EXPECT_FALSE(effective[1].inherited);
  EXPECT_EQ(effective[1].webhook.name, "workspace");
}

TEST_F(ResourcesTest, WhatGrantsDoNotCoverDoesNotExist) {
  const Environment e = MakeEnvironment("e"), f = MakeEnvironment("f");
  const Workspace w = MakeWorkspace(e, "w"), x = MakeWorkspace(e, "x");
  const Endpoint pe = MakeEndpoint({e.id, {}}, "pe"), pw = MakeEndpoint({e.id, w.id}, "pw"),
                 pa = MakeEndpoint({}, "pa");
  const Webhook he = MakeWebhook(pe, "he"), hw = MakeWebhook(pw, "hw");
  const Transitioned rung = Ring(w.id);
  Ring(x.id);

  const auto owner = With({{Scope::kWrite, {e.id, w.id}}});
  Ok(store_->Get<Environment>(owner, e.id));
  ExpectCode(store_->Get<Environment>(owner, f.id), Code::kNotFound);
  EXPECT_EQ(Ok(store_->List<Environment>(owner, {})).total, 1);
  EXPECT_EQ(NamesOf(Ok(store_->List<Workspace>(owner, {}))), std::vector<std::string>{"w"});
  ExpectCode(store_->Get<Workspace>(owner, x.id), Code::kNotFound);
  EXPECT_EQ(NamesOf(Ok(store_->List<Endpoint>(owner, {}))), std::vector<std::string>{"pw"});
  EXPECT_EQ(NamesOf(Ok(store_->List<Webhook>(owner, {}))), std::vector<std::string>{"hw"});
  ExpectCode(store_->Get<Webhook>(owner, he.id), Code::kNotFound);
  EXPECT_EQ(Ok(store_->List<store::Run>(owner, {})).total, 1);
  EXPECT_EQ(Ok(store_->List<Delivery>(owner, {})).total, 2);
  EXPECT_EQ(Ok(store_->EffectiveWebhooks(owner, w.id)).size(), 2u);
  ExpectCode(store_->EventsOf(owner, Ok(store_->List<store::Run>(kSystem, {})).items.front().id), Code::kNotFound);
  EXPECT_EQ(Ok(store_->EventsOf(owner, rung.run.id)).size(), 1u);

  ExpectCode(store_->Update<Environment>(owner, e.id, [](Environment&) { return base::Status(); }), Code::kDenied);
  ExpectCode(store_->Delete<Workspace>(owner, w.id), Code::kDenied);
  Ok(store_->Update<Workspace>(owner, w.id, [](Workspace& value) {
    value.auto_apply = true;
    return base::Status();
  }));
  Endpoint mine;
  mine.name = "mine";
  mine.url = "http://x";
  mine.place = {{}, w.id};
  mine = Ok(store_->Create(owner, mine));
  EXPECT_EQ(mine.place.environment, e.id);
  Endpoint above = mine;
  above.place = {e.id, {}};
  ExpectCode(store_->Create(owner, above), Code::kDenied);
  Ok(store_->Create(owner, WebhookOn(mine, "mine")));
  ExpectCode(store_->Create(owner, WebhookOn(pe, "theirs")), Code::kDenied);
  Webhook abroad = WebhookOn(mine, "abroad");
  abroad.endpoint = pe.id;
  ExpectInvalid(store_->Create(owner, abroad), "/data/relationships/endpoint");
}

TEST_F(ResourcesTest, AReaderMayNotWrite) {
  const Environment e = MakeEnvironment("e");
  const auto reader = With({{Scope::kRead, {}}});
  Environment other;
  other.name = "other";
  ExpectCode(store_->Create(reader, other), Code::kDenied);
  ExpectCode(store_->Delete<Environment>(reader, e.id), Code::kDenied);
  Workspace w;
  w.environment = e.id;
  w.name = "w";
  ExpectCode(store_->Create(reader, w), Code::kDenied);
  store::Run r;
  r.workspace = MakeWorkspace(e, "w").id;
  ExpectCode(store_->Create(reader, r), Code::kDenied);
  Ok(store_->Create(With({{Scope::kReport, {e.id, {}}}}), r));
}

TEST_F(ResourcesTest, TheFeedShowsEachWhatItMaySee) {
  const Environment e = MakeEnvironment("e"), f = MakeEnvironment("f");
  const Workspace w = MakeWorkspace(e, "w"), x = MakeWorkspace(f, "x");
  const int64_t after = store_->last_change();
  MakeWebhook(MakeEndpoint({f.id, {}}, "p"), "h");
  const Transitioned rung = Ring(x.id);
  Ring(w.id);
  const auto who = With({{Scope::kRead, {f.id, x.id}}});
  std::vector<std::string> actions;
  ChangesQuery query;
  query.after = after;
  for (const Change& change : Ok(store_->Changes(who, query))) {
    actions.push_back(change.action + " " + change.target);
  }
  const std::string run = Format(rung.run.id);
  EXPECT_EQ(actions, (std::vector<std::string>{"run.created " + run, "run.errored " + run}));
  query.limit = 3;
  EXPECT_EQ(Ok(store_->Changes(kSystem, query)).size(), 3u);
  query.run = rung.run.id;
  EXPECT_EQ(Ok(store_->Changes(kSystem, query)).size(), 2u);
  EXPECT_EQ(Feed("webhook").size(), 1u);
  EXPECT_EQ(Feed("nothing like it").size(), 0u);
}

}  // namespace
}  // namespace store
