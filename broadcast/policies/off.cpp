#include "broadcast/policies/off.h"

namespace kine::broadcast {

namespace {

class Off final : public Policy {
  public:
    int source(const Site&, int step) const override { return step; }
    Keep keep() const override { return Keep::Ungated; }
};

}  // namespace

std::unique_ptr<Policy> make_off() { return std::make_unique<Off>(); }

}  // namespace kine::broadcast
