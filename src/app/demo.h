// The demo: a server, a receiver and three real runs on this machine, to see everything work with nothing to set up.
#pragma once

#include <string>
#include <vector>

#include "app/command.h"
#include "app/demo_receiver.h"

namespace app {

struct DemoOptions {
  bool once = false;      // ends after the runs instead of serving on
  std::string directory;  // data directory, new or empty; empty: a fresh one below $TMPDIR, removed at the end
  bool keep = false;      // does not remove it
  std::string listen = "127.0.0.1:0";
};

// kExitOk when every run ended as it should and exactly the expected deliveries arrived, each with valid signatures.
base::Result<int> RunDemo(Context& context, const DemoOptions& options);

struct ExpectedDelivery {
  std::string workspace, webhook, event, reason;
};
const std::vector<ExpectedDelivery>& DemoExpectations();
// What is missing, what came too often or uncalled for, and what was not validly signed; empty when all is well.
std::vector<std::string> CompareDeliveries(const std::vector<ExpectedDelivery>& expected,
                                           const std::vector<ReceivedDelivery>& received);

}  // namespace app
