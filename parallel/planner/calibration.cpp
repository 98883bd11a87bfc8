#include "parallel/planner/calibration.h"

#include "kernels/attention/merge.h"
#include "kernels/linear/linear.h"
#include "kernels/move/move.h"
#include "parallel/launch.h"
#include "parallel/partition.h"
#include "runtime/device/host/host_allocator.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

namespace kine::parallel {

namespace {

constexpr int64_t kHeads = 8;
constexpr int64_t kHeadSize = 64;

double seconds_of(const std::function<void()>& action) {
    const auto begin = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

/// The first call, which warms up, does not count.
double median_seconds(int repeats, const std::function<void()>& action) {
    action();
    std::vector<double> seconds;
    for (int i = 0; i < repeats; ++i) seconds.push_back(seconds_of(action));
    return median(seconds);
}

/// Values near one; what they are does not matter, but that they are ordinary numbers does.
Tensor filled(const Context& context, const Shape& shape) {
    Tensor x = Tensor::empty(context, shape, DType::Float32);
    for (int64_t i = 0; i < x.elements(); ++i) x.data<float>()[i] = 0.5f + 0.001f * static_cast<float>(i % 997);
    return x;
}

// What ranks say to one another. -----------------------------------------------------------------------------------

struct RankOf {
    const Context& context;
    Communicator& communicator;

    int size() const { return communicator.size(); }
};

/// A call in which this rank sends about `bytes` to others. What is sent has been written before: memory that nobody
/// ever wrote is one page of zeros, which is fast to read.
using Collective = std::function<void()> (*)(const RankOf& rank, int64_t bytes);

std::vector<Shape> shapes_of(const RankOf& rank, const Tensor& part) {
    return std::vector<Shape>(static_cast<size_t>(rank.size()), part.shape());
}

Tensor part_of(const RankOf& rank, int64_t bytes) {
    return filled(rank.context, {std::max<int64_t>(1, bytes / static_cast<int64_t>(sizeof(float)))});
}

std::function<void()> exchange_with_all(const RankOf& rank, int64_t bytes) {
    const Tensor part = part_of(rank, bytes / (rank.size() - 1));
    return [rank, part] {
        const std::vector<Tensor> parts(static_cast<size_t>(rank.size()), part);
        rank.communicator.all_to_all(rank.context, parts, shapes_of(rank, part));
    };
}

std::function<void()> gather_from_all(const RankOf& rank, int64_t bytes) {
    const Tensor part = part_of(rank, bytes / (rank.size() - 1));
    return [rank, part] { rank.communicator.all_gather(rank.context, part, shapes_of(rank, part)); };
}

std::function<void()> pass_on(const RankOf& rank, int64_t bytes) {
    const int own = rank.communicator.rank(), ranks = rank.size();
    return [rank, own, ranks, part = part_of(rank, bytes)] {
        const Parcel sent[] = {{(own + 1) % ranks, part}};
        const Awaited awaited[] = {{(own + ranks - 1) % ranks, part.shape()}};
        rank.communicator.send_receive(rank.context, sent, awaited);
    };
}

double call_seconds(int ranks, int repeats, Collective call, int64_t bytes) {
    double result = 0;
    launch(ranks, [&](Communicator& communicator) {
        HostAllocator allocator;
        ThreadPool threads(1);
        Profiler profiler;
        const Context context{Device{}, allocator, threads, profiler};
        const std::function<void()> prepared = call({context, communicator}, bytes);
        std::vector<double> seconds;
        for (int i = 0; i <= repeats; ++i) {  // the first warms up
            communicator.barrier();
            const double taken = seconds_of(prepared);
            if (i > 0) seconds.push_back(taken);
        }
        if (communicator.rank() == 0) result = median(seconds);
    });
    return result;
}

Link measure_link(const CalibrationOptions& options, Collective call) {
    constexpr int64_t kSmall = 256;  // bytes
    Link link;
    for (int ranks = 2; ranks <= options.most_ranks; ranks *= 2) {
        const double small = call_seconds(ranks, 4 * options.repeats, call, kSmall);
        const double large = call_seconds(ranks, options.repeats, call, options.bytes);
        link.alpha.emplace_back(ranks, small);
        link.beta.emplace_back(ranks, static_cast<double>(options.bytes) / std::max(large - small, large / 2));
    }
    return link;
}

// What a rank computes. --------------------------------------------------------------------------------------------

/// The rate of `action`, with as many rows as it takes to be timed well, up to those of the options: a machine that is
/// slow, or a build that is not optimised, needs few.
double rate_of(const CalibrationOptions& options, const std::function<double(int64_t rows)>& flops,
               const std::function<std::function<void()>(int64_t rows)>& action_of) {
    constexpr int64_t kFewest = 128;
    constexpr double kLongEnough = 0.02;  // seconds
    for (int64_t rows = std::min(kFewest, options.rows);; rows *= 2) {
        const double seconds = median_seconds(options.repeats, action_of(rows));
        if (seconds > kLongEnough || 2 * rows > options.rows) return flops(rows) / seconds;
    }
}

double linear_flops(const Context& context, const CalibrationOptions& options) {
    constexpr int64_t kChannels = 1152;
    const kernels::LinearWeight weight(context, filled(context, {kChannels, kChannels}));
    return rate_of(
        options, [](int64_t rows) { return 2.0 * static_cast<double>(rows * kChannels * kChannels); },
        [&](int64_t rows) {
            return [&context, &weight, x = filled(context, {rows, kChannels})] { kernels::linear(context, x, weight); };
        });
}

double attention_flops(const Context& context, const CalibrationOptions& options) {
    return rate_of(
        options, [](int64_t rows) { return 4.0 * static_cast<double>(rows * rows * kHeads * kHeadSize); },
        [&](int64_t rows) {
            return [&context, x = filled(context, {1, 1, rows, kHeads, kHeadSize})] {
                kernels::attention(context, x, x, x);
            };
        });
}

/// Read and written, by the context's threads together.
double memory_bandwidth(const Context& context, const CalibrationOptions& options) {
    const Tensor from = filled(context, {options.bytes / static_cast<int64_t>(sizeof(float))});
    Tensor to = Tensor::empty(context, from.shape(), from.dtype());
    return 2.0 * static_cast<double>(from.bytes()) /
           median_seconds(options.repeats, [&] { kernels::copy_into(context, from, to); });
}

double merge_bytes(const Context& context, const CalibrationOptions& options, double bandwidth) {
    const Shape queries{1, 1, options.rows, kHeads, kHeadSize};
    kernels::PartialAttention sum = kernels::no_attention(context, queries);
    const Tensor log_sums = filled(context, {1, 1, options.rows, kHeads});
    const kernels::PartialAttention part{filled(context, queries), log_sums};
    const double seconds = median_seconds(options.repeats, [&] { kernels::merge_into(context, sum, part); });
    return seconds * bandwidth / static_cast<double>(queries.elements());
}

}  // namespace

Cluster calibrate(const Context& context, const CalibrationOptions& options) {
    check(options.most_ranks >= 2 && options.repeats >= 1 && options.rows >= 1 && options.bytes >= 1024,
          ErrorCode::Usage, "calibrate: expected 2 ranks, a repeat, a row and 1024 bytes or more, came {}, {}, {}, {}",
          options.most_ranks, options.repeats, options.rows, options.bytes);
    Cluster cluster;
    cluster.name = options.name;
    cluster.summary = fmt::format("measured: thread ranks that divide {} threads", context.threads.size());
    cluster.shares_compute = true;
    constexpr int kAnyNumber = 1024;  // of threads, all in one process
    cluster.ranks_per_node = kAnyNumber;
    cluster.linear_flops = linear_flops(context, options);
    cluster.attention_flops = attention_flops(context, options);
    cluster.memory_bandwidth = memory_bandwidth(context, options);
    cluster.merge_bytes = merge_bytes(context, options, cluster.memory_bandwidth);
    cluster.node = {measure_link(options, exchange_with_all), measure_link(options, gather_from_all),
                    measure_link(options, pass_on)};
    cluster.network = cluster.node;
    return cluster;
}

}  // namespace kine::parallel
