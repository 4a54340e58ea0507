#include "support/fake_resolver.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace testing_support {

void FakeResolver::Set(const std::string& host, std::vector<std::vector<std::string>> answers) {
  std::vector<net::Resolved> resolved;
  for (const auto& texts : answers) {
    net::Resolved answer;
    for (const std::string& text : texts) {
      net::Address address;
      address.v6 = text.find(':') != std::string::npos;
      RB_CHECK(inet_pton(address.v6 ? AF_INET6 : AF_INET, text.c_str(), address.bytes.data()) == 1);
      answer.addresses.push_back(address);
    }
    resolved.push_back(std::move(answer));
  }
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[host];
  entry.answers = std::move(resolved);
  entry.next = 0;
  entry.hangs = false;
}

void FakeResolver::Fail(const std::string& host, net::Resolved::Fault fault) {
  std::lock_guard lock(mutex_);
  Entry& entry = entries_[host];
  entry.answers = {net::Resolved{{}, fault}};
  entry.next = 0;
  entry.hangs = false;
}

void FakeResolver::Hang(const std::string& host) {
  std::lock_guard lock(mutex_);
  entries_[host].hangs = true;
}

void FakeResolver::Release(const std::string& host) {
  std::vector<std::function<void(net::Resolved)>> waiting;
  net::Resolved answer;
  {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_[host];
    entry.hangs = false;
    waiting.swap(entry.waiting);
    answer = Next(entry);
  }
  for (auto& done : waiting) done(answer);
}

void FakeResolver::Resolve(const std::string& host, std::function<void(net::Resolved)> done) {
  net::Resolved answer;
  {
    std::lock_guard lock(mutex_);
    Entry& entry = entries_[host];
    ++entry.look_ups;
    if (entry.hangs) {
      entry.waiting.push_back(std::move(done));
      return;
    }
    answer = Next(entry);
  }
  done(std::move(answer));
}

net::Resolved FakeResolver::Next(Entry& entry) {
  if (entry.answers.empty()) return {{}, net::Resolved::Fault::kNoSuchName};
  size_t now = std::min(entry.next++, entry.answers.size() - 1);
  return entry.answers[now];
}

size_t FakeResolver::LookUps(const std::string& host) const {
  std::lock_guard lock(mutex_);
  auto found = entries_.find(host);
  return found == entries_.end() ? 0 : found->second.look_ups;
}

}  // namespace testing_support
