// The only rank there is: nobody to send to, so nothing ever travels.
#include "parallel/communicator.h"

namespace kine::parallel {

namespace {

class NothingToDo final : public Exchange {
  public:
    void finish() override {}
};

class SingleTransport final : public Transport {
  public:
    int rank() const override { return 0; }
    int size() const override { return 1; }
    std::unique_ptr<Exchange> begin(const Call& call, std::vector<Parcel> sent, std::vector<Parcel> received) override {
        check(sent.empty() && received.empty(), ErrorCode::Bug, "{}: one rank, {} parcels to others and {} from them",
              call.operation, sent.size(), received.size());
        return std::make_unique<NothingToDo>();
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
