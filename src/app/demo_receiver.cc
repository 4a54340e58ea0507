#include "app/demo_receiver.h"

#include <map>

#include "app/server_access.h"
#include "base/guarded.h"
#include "base/json.h"

namespace app {
namespace {

constexpr base::Micros kWindow = std::chrono::minutes(5);

}  // namespace

struct DemoReceiver::Impl {
  struct State {
    std::map<std::string, base::Secret> secrets;
    std::vector<ReceivedDelivery> received;
  };

  explicit Impl(base::Clock& c) : clock(c), io("receiver", c) {}
  net::Response Answer(const net::Request& request);

  base::Clock& clock;
  std::function<void(const ReceivedDelivery&)> on_delivery;
  base::Guarded<State> state;
  net::IoThread io;
  std::unique_ptr<net::Server> server;
};

net::Response DemoReceiver::Impl::Answer(const net::Request& request) {
  base::Secret secret;
  {
    auto access = state.Lock();
    auto found = access->secrets.find(request.path);
    if (found == access->secrets.end()) return {404, "text/plain", "", "no such receiver\n"};
    secret = found->second;
  }
  ReceivedDelivery delivery;
  delivery.path = request.path;
  delivery.id = request.Header("X-Scalr-Delivery-Id").value_or("");
  delivery.scalr = hook::VerifyScalr({secret}, request.header_lines, request.body, clock.Now(), kWindow);
  delivery.standard = hook::VerifyStandardWebhooks({secret}, request.header_lines, request.body, clock.Now(), kWindow);
  // A receiver reads nothing of a body before its signature is valid.
  if (auto payload = delivery.valid() ? base::ParseJson(request.body) : base::Result<base::json::value>(nullptr)) {
    delivery.event = TextAt(*payload, {"event_name"});
    delivery.reason = TextAt(*payload, {"reason"});
    delivery.run = TextAt(*payload, {"run", "id"});
    delivery.workspace = TextAt(*payload, {"workspace", "name"});
    delivery.webhook = TextAt(*payload, {"webhook", "name"});
  }
  state.Lock()->received.push_back(delivery);
  on_delivery(delivery);
  if (!delivery.valid()) return {401, "text/plain", "", "the signature is not valid\n"};
  return {200, "text/plain", "", "thank you\n"};
}

DemoReceiver::DemoReceiver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DemoReceiver::~DemoReceiver() = default;

base::Result<std::unique_ptr<DemoReceiver>> DemoReceiver::Open(
    base::Clock& clock, std::function<void(const ReceivedDelivery&)> on_delivery) {
  auto impl = std::make_unique<Impl>(clock);
  impl->on_delivery = std::move(on_delivery);
  auto handler = [impl = impl.get()](net::Request request, net::Responder responder) {
    responder.Send(impl->Answer(request));
  };
  RB_ASSIGN(impl->server, net::Server::Listen(impl->io, clock, net::ServerOptions(), handler));
  return std::unique_ptr<DemoReceiver>(new DemoReceiver(std::move(impl)));
}

uint16_t DemoReceiver::port() const { return impl_->server->port(); }

std::string DemoReceiver::UrlOf(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port()) + path;
}

void DemoReceiver::Expect(const std::string& path, base::Secret secret) {
  impl_->state.Lock()->secrets[path] = std::move(secret);
}

std::vector<ReceivedDelivery> DemoReceiver::received() const { return impl_->state.Lock()->received; }

}  // namespace app
