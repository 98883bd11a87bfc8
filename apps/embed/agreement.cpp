#include "apps/embed/agreement.h"

#include "dit/agreement.h"
#include "runtime/device/host/host_allocator.h"

namespace kine::embed {

namespace {

void check_counts(const Context& context, parallel::Communicator& world, size_t count) {
    const auto own = static_cast<int64_t>(count);
    const std::vector<Shape> shapes(static_cast<size_t>(world.size()), Shape{1});
    const std::vector<Tensor> all = world.all_gather(context, Tensor::of<int64_t>(context, {1}, {&own, 1}), shapes);
    for (size_t rank = 1; rank < all.size(); ++rank) {
        const int64_t first = all[0].data<int64_t>()[0], other = all[rank].data<int64_t>()[0];
        check(other == first, ErrorCode::Usage, "rank {} was started with {} prompts, rank 0 with {}", rank, other,
              first);
    }
}

}  // namespace

void agree_on_seed(const Context& context, parallel::Communicator& communicator, RunRequest& request) {
    const auto own = static_cast<int64_t>(request.generation.seed);
    const Tensor seed = Tensor::of<int64_t>(context, {1}, {&own, 1});
    const Tensor first = communicator.broadcast(context, seed, {0, {1}, DType::Int64});
    if (request.is_seed_drawn) request.generation.seed = static_cast<uint64_t>(first.data<int64_t>()[0]);
}

void agree(parallel::Processes& processes, std::span<RunRequest* const> requests) {
    HostAllocator allocator;
    ThreadPool threads(1);
    Profiler profiler;
    const Context context{{}, allocator, threads, profiler};
    const std::unique_ptr<parallel::Communicator> world = processes.world();
    if (!requests.empty()) world->set_timeout(requests.front()->generation.rank_timeout);
    world->set_place("the beginning");
    check_counts(context, *world, requests.size());
    for (RunRequest* request : requests) {
        agree_on_seed(context, *world, *request);
        dit::check_agreement(context, *world, request->generation, {});
        request->is_seed_drawn = false;
    }
}

}  // namespace kine::embed
