#include "harness/ranks/mpi/crew.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/ranks/mpi/following.h"
#include "harness/ranks/mpi/joining.h"
#include "harness/ranks/mpi/leading.h"

namespace bench {
namespace {

class MpiCrew final : public Crew {
 public:
  explicit MpiCrew(const CrewSetup& setup) : setup_(setup), joined_(join_ranks(setup, mpi_)) {
    if (mpi_.rank() == 0) leader_ = std::make_unique<Leader>(setup_, joined_);
  }

  bool leads() const override { return leader_ != nullptr; }

  void follow() override {
    try {
      Follower(setup_, joined_, mpi_.rank()).follow();
      joined_.to_leader.reset();  // which tells the leader
    } catch (const std::exception& error) {
      // The leader sees that this process has ended.
      fmt::print(stderr, "bench: rank {} on host {}: {}\n", mpi_.rank(), setup_.machine.host, error.what());
      leave_at_once(1);
    }
  }

  Runs runs() override {
    return {.run = [this](const RunRequest& request,
                          const std::function<Wish()>& wish) { return leader_->run(request, wish); },
            .report = &leader_->report()};
  }
  const std::vector<CrewHost>& hosts() const override { return joined_.hosts; }
  const std::string& lost() const override { return leader_->lost(); }
  void skip_what_does_not_fit(Plan& plan) const override { fit_to_ranks(plan, joined_.roles, joined_.machines); }

  void dismiss() override {
    if (std::exchange(dismissed_, true)) return;
    leader_->dismiss();
    if (!leader_->lost().empty()) mpi_.abandon();
  }

 private:
  Mpi mpi_;
  const CrewSetup setup_;
  Joined joined_;
  std::unique_ptr<Leader> leader_;
  bool dismissed_ = false;
};

}  // namespace

std::unique_ptr<Crew> join_over_mpi(const CrewSetup& setup) { return std::make_unique<MpiCrew>(setup); }

}  // namespace bench
