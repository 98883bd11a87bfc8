#include "dit/ranks.h"

#include "parallel/launch.h"
#include "parallel/partition.h"

#include <algorithm>
#include <new>

namespace kine::dit {

namespace {

/// "rank 2, step 3: what", unless the message says the step itself.
std::string named(const parallel::Communicator& communicator, std::string_view what) {
    const std::string& place = communicator.place();
    const bool says_place = place.empty() || what.find(place) != std::string_view::npos;
    return fmt::format("rank {}{}{}: {}", communicator.rank(), says_place ? "" : ", ", says_place ? "" : place, what);
}

/// Errors with the rank they came from. A cancelled run is nobody's fault, and other exceptions are the observer's own.
void run_named(const Context& context, parallel::Communicator& communicator, const RankBody& body) {
    try {
        body(context, communicator);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Interrupted) throw;
        throw Error(error.code(), named(communicator, error.what()), error.where());
    } catch (const std::bad_alloc&) {
        throw Error(ErrorCode::DoesNotFit, named(communicator, "memory is exhausted"));
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
