#include "dit/ranks.h"

#include "parallel/launch.h"
#include "parallel/partition.h"
#include "parallel/timeline.h"

#include <algorithm>
#include <new>

namespace kine::dit {

namespace {

/// "rank 2, step 3: what", unless the message says the step itself.
std::string named(int rank, const std::string& place, std::string_view what) {
    const bool says_place = place.empty() || what.find(place) != std::string_view::npos;
    return fmt::format("rank {}{}{}: {}", rank, says_place ? "" : ", ", says_place ? "" : place, what);
}

struct Rank {
    parallel::Communicator& communicator;
    int name;
};

/// Errors with the rank they came from. A cancelled run is nobody's fault, and other exceptions are the observer's own.
void run_named(const Context& context, const Rank& rank, const RankBody& body) {
    const std::string& place = rank.communicator.place();
    try {
        body(context, rank.communicator);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Interrupted) throw;
        throw Error(error.code(), named(rank.name, place, error.what()), error.where());
    } catch (const std::bad_alloc&) {
        throw Error(ErrorCode::DoesNotFit, named(rank.name, place, "memory is exhausted"));
    }
}

/// A cancelled run that takes its time is not stuck: it ends with the block it is in.
void tell_stuck(const parallel::LostRanks& lost, const std::function<void(const Error&)>& on_stuck) {
    try {
        std::rethrow_exception(lost.failure);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::Interrupted) on_stuck(error);
    } catch (const std::exception& error) {
        on_stuck(Error(ErrorCode::Other, error.what()));
    }
}

/// The only rank of this process, which has its name among all, whichever group it is in.
void on_process(const Context& context, parallel::Processes& processes, const RankBody& body) {
    const std::unique_ptr<parallel::Communicator> communicator = processes.communicator();
    try {
        run_named(context, {*communicator, processes.rank()}, body);
    } catch (...) {
        communicator->abandon(std::current_exception());
        throw;
    }
}

}  // namespace

void on_ranks(const Context& context, const RankHost& host, const RankBody& body) {
    if (host.processes) return on_process(context, *host.processes, body);
    const int ranks = host.ranks;
    if (ranks == 1) return body(context, *parallel::make_single_communicator());
    const auto run_rank = [&](parallel::Communicator& communicator) {
        const int64_t share = parallel::partition(context.threads.size(), communicator.rank(), ranks).size();
        ThreadPool threads(static_cast<int>(std::max<int64_t>(share, 1)));
        parallel::RankProfiler profiler(context.profiler, communicator.rank());
        const Context beside{Device{}, context.host().allocator, threads, profiler.get()};
        const Context own{context.device, context.allocator, threads,
                          profiler.get(), context.stream,    context.host_side ? &beside : nullptr};
        run_named(own, {communicator, communicator.rank()}, body);
    };
    parallel::GiveUp give_up;
    if (host.on_stuck) give_up.call = [&](const parallel::LostRanks& lost) { tell_stuck(lost, host.on_stuck); };
    parallel::launch(ranks, run_rank, give_up);
}

}  // namespace kine::dit
