// The only rank there is: nobody to send to, so nothing ever travels.
#include "parallel/communicator.h"

namespace kine::parallel {

namespace {

class SingleTransport final : public Transport {
  public:
    int rank() const override { return 0; }
    int size() const override { return 1; }
    void exchange(const Call& call, std::span<const Parcel> sent, std::span<Parcel> received) override {
        check(sent.empty() && received.empty(), ErrorCode::Bug, "{}: one rank, {} parcels to others and {} from them",
              call.operation, sent.size(), received.size());
    }
    std::unique_ptr<Transport> subgroup(const std::vector<int>&, int) override {
        return std::make_unique<SingleTransport>();
    }
    void abandon(std::exception_ptr) noexcept override {}
};

}  // namespace

std::unique_ptr<Communicator> make_single_communicator() {
    return std::make_unique<Communicator>(std::make_unique<SingleTransport>());
}

}  // namespace kine::parallel
