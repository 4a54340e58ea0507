// FakeResolver: names and addresses from a table that a test writes.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "net/net.h"

namespace testing_support {

// Unknown names do not exist. Any thread may call; answers come from within Resolve or Release.
class FakeResolver : public net::Resolver {
 public:
  // The answers to successive look-ups of `host`, each a list of addresses; the last one stays.
  void Set(const std::string& host, std::vector<std::vector<std::string>> answers);
  void Fail(const std::string& host, net::Resolved::Fault fault);
  void Hang(const std::string& host);
  void Release(const std::string& host);  // what hangs is answered as the table now says

  void Resolve(const std::string& host, std::function<void(net::Resolved)> done) override;
  size_t LookUps(const std::string& host) const;

 private:
  struct Entry {
    std::vector<net::Resolved> answers;
    size_t next = 0;
    bool hangs = false;
    size_t look_ups = 0;
    std::vector<std::function<void(net::Resolved)>> waiting;
  };
  static net::Resolved Next(Entry& entry);
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace testing_support
