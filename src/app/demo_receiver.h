// The demo's receiver: a small "webhook", which verifies each request by both signatures and remembers it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "hook/hook.h"
#include "net/net.h"

namespace app {

struct ReceivedDelivery {
  std::string path;  // which endpoint
  std::string id, event, reason, run, workspace, webhook;
  hook::Check scalr, standard;
  bool valid() const { return scalr.verdict == hook::Verdict::kValid && standard.verdict == hook::Verdict::kValid; }
};

class DemoReceiver {
 public:
  // `on_delivery` is called on the receiver's I/O thread and must not block.
  static base::Result<std::unique_ptr<DemoReceiver>> Open(base::Clock& clock,
                                                          std::function<void(const ReceivedDelivery&)> on_delivery);
  ~DemoReceiver();

  uint16_t port() const;
  std::string UrlOf(const std::string& path) const;  // of "/everything"
  // What is sent to `path` is signed with `secret`; other paths answer 404.
  void Expect(const std::string& path, base::Secret secret);
  std::vector<ReceivedDelivery> received() const;

 private:
  struct Impl;
  explicit DemoReceiver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace app
