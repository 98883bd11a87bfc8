#include "dit/ranks.h"

#include "parallel/launch.h"
#include "parallel/partition.h"

#include <algorithm>
#include <new>

namespace kine::dit {

namespace {

/// Errors with the rank they came from. A cancelled run is nobody's fault, and other exceptions are the observer's own.
void run_named(const Context& context, parallel::Communicator& communicator, const RankBody& body) {
    try {
        body(context, communicator);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Interrupted) throw;
        throw Error(error.code(), fmt::format("rank {}: {}", communicator.rank(), error.what()), error.where());
    } catch (const std::bad_alloc&) {
        fail(ErrorCode::DoesNotFit, "rank {}: memory is exhausted", communicator.rank());
    }
}

}  // namespace

void on_ranks(const Context& context, int ranks, const RankBody& body) {
    if (ranks == 1) return body(context, *parallel::make_single_communicator());
    parallel::launch(ranks, [&](parallel::Communicator& communicator) {
        const int64_t share = parallel::partition(context.threads.size(), communicator.rank(), ranks).size();
        ThreadPool threads(static_cast<int>(std::max<int64_t>(share, 1)));
        const Context own{context.device, context.allocator, threads, context.profiler};
        run_named(own, communicator, body);
    });
}

}  // namespace kine::dit
