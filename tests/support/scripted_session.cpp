#include "tests/support/scripted_session.h"

#include <memory>

namespace bench {
namespace {

ScriptedService* current = nullptr;

std::string_view name_of(Why why) {
  switch (why) {
    case Why::data: return "data ";
    case Why::end: return "end ";
    case Why::resumed: return "resumed ";
    case Why::drained: return "drained ";
    case Why::timed_out: return "timed_out ";
    case Why::message: return "message ";
  }
  return "";
}

}  // namespace

class ScriptedService::ScriptedSession final : public Session {
 public:
  explicit ScriptedSession(ScriptedService& service) : service_(service) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    std::string line(name_of(why));
    line.append(reinterpret_cast<const char*>(in.data()), in.size());
    service_.told_.push_back(std::move(line));
    if (service_.answers_.empty()) return {.consumed = in.size()};
    const Says says = std::move(service_.answers_.front());
    service_.answers_.pop_front();
    out.append(says.bytes);
    return {
        .consumed = in.size() - says.unconsumed, .next = says.next, .amount = says.amount, .operation = says.operation};
  }

  static std::unique_ptr<Session> open(const ServiceContext& /*context*/) {
    return std::make_unique<ScriptedSession>(*current);
  }

 private:
  ScriptedService& service_;
};

ScriptedService::ScriptedService(Transport transport)
    : row_{.name = "scripted",
           .summary = {},
           .transport = transport,
           .parameters = {},
           .hub_bytes = 1000,
           .open = ScriptedSession::open,
           .exchange = nullptr},
      run_({.service = &row_, .context = {.parameters = {}, .model = "none"}, .sockets = {-1}}, report_[0]) {
  current = this;
}

ScriptedService::~ScriptedService() { current = nullptr; }

}  // namespace bench
