#include "dit/ranks.h"

#include "parallel/communicators/nccl.h"
#include "parallel/launch.h"
#include "parallel/partition.h"
#include "parallel/timeline.h"
#include "runtime/device/cuda/commands.h"

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

/// Over MPI, or, on GPUs, over NCCL.
std::unique_ptr<parallel::Communicator> communicator_of(const Context& context, parallel::Processes& processes) {
    if (context.device.kind == DeviceKind::Cpu) return processes.communicator();
    return std::make_unique<parallel::Communicator>(
        parallel::make_nccl_transport(context.host(), processes, context.device.index));
}

/// The only rank of this process, which has its name among all, whichever group it is in.
void on_process(const Context& context, parallel::Processes& processes, const RankBody& body) {
    const std::unique_ptr<parallel::Communicator> communicator = communicator_of(context, processes);
    try {
        run_named(context, {*communicator, processes.rank()}, body);
    } catch (...) {
        communicator->abandon(std::current_exception());
        throw;
    }
}

std::vector<std::unique_ptr<parallel::Communicator>> make_communicators(const Context& context, int ranks) {
    if (context.devices() == 1) return parallel::make_thread_communicators(ranks);
    std::vector<int> devices;
    for (size_t rank = 0; rank < static_cast<size_t>(ranks); ++rank)
        devices.push_back(context.on_device(rank).device.index);
    return parallel::make_nccl_communicators(devices);
}

}  // namespace

void on_ranks(const Context& context, const RankHost& host, const RankBody& body) {
    if (host.processes) return on_process(context, *host.processes, body);
    const int ranks = host.ranks;
    if (ranks == 1) return body(context, *parallel::make_single_communicator());
    const bool is_spread = context.devices() > 1;
    check(!is_spread || ranks <= static_cast<int>(context.devices()), ErrorCode::Bug, "{} ranks on {} devices", ranks,
          context.devices());
    if (is_spread) synchronize(context.stream);  // what the others are to have of the first one's is there
    const auto run_rank = [&](parallel::Communicator& communicator) {
        const Context& place = is_spread ? context.on_device(static_cast<size_t>(communicator.rank())) : context;
        const int64_t share = parallel::partition(context.threads.size(), communicator.rank(), ranks).size();
        ThreadPool threads(static_cast<int>(std::max<int64_t>(share, 1)));
        parallel::RankProfiler profiler(context.profiler, communicator.rank());
        const Context beside{Device{}, place.host().allocator, threads, profiler.get()};
        const Context own{place.device,   place.allocator, threads,
                          profiler.get(), place.stream,    place.host_side ? &beside : nullptr};
        run_named(own, {communicator, communicator.rank()}, body);
    };
    parallel::GiveUp give_up;
    if (host.on_stuck) give_up.call = [&](const parallel::LostRanks& lost) { tell_stuck(lost, host.on_stuck); };
    parallel::launch(make_communicators(context, ranks), run_rank, give_up);
}

}  // namespace kine::dit
