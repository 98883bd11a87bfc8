// What ranks cost on one machine: bench_ranks MODEL. First the all-to-all of thread ranks beside plain copies of the
// same bytes by as many threads, then whole runs of a model by two thread ranks beside one rank with the same threads
// in all, in turns. Exit status 1 if an exchange of 1 MiB or more is below half the speed of the copies.
#include "apps/bench/bench_session.h"
#include "apps/bench/measured_rates.h"
#include "dit/generator.h"
#include "parallel/launch.h"
#include "parallel/strategies/strategies.h"
#include "runtime/error.h"

#include <fmt/core.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <exception>
#include <functional>
#include <thread>

namespace {

using namespace kine;

constexpr int kRounds = 1;  // after one to warm up
constexpr double kAllowedShare = 0.5;
constexpr int kSteps = 6;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// As many calls as move a quarter of a gigabyte, but 20 at least.
int64_t calls_for(int64_t bytes) { return std::max<int64_t>(20, (int64_t{1} << 28) / bytes); }

/// Bytes per second of `ranks` threads that each copy `bytes` again and again, all at once.
double copy_rate(int ranks, int64_t bytes) {
    std::vector<double> seconds;
    std::barrier gate(ranks);
    const int64_t calls = calls_for(bytes);
    const auto copy = [&](bool tells) {
        std::vector<std::byte> from(static_cast<size_t>(bytes), std::byte{1}), to(from);
        for (int i = 0; i <= kRounds; ++i) {
            gate.arrive_and_wait();
            const auto begin = std::chrono::steady_clock::now();
            for (int64_t call = 0; call < calls; ++call) {
                std::memcpy(to.data(), from.data(), from.size());
                from[0] = to[static_cast<size_t>(call) % to.size()];  // or the copies would be made once
            }
            gate.arrive_and_wait();
            if (tells && i > 0) seconds.push_back(seconds_since(begin) / static_cast<double>(calls));
        }
    };
    std::vector<std::jthread> threads;
    for (int rank = 1; rank < ranks; ++rank) threads.emplace_back([&] { copy(false); });
    copy(true);
    threads.clear();
    return static_cast<double>(ranks * bytes) / median(seconds);
}

/// The same of an all-to-all in which every rank sends `bytes` to the others together.
double exchange_rate(int ranks, int64_t bytes) {
    std::vector<double> seconds;
    const int64_t calls = calls_for(bytes);
    parallel::launch(ranks, [&](parallel::Communicator& communicator) {
        bench::BenchSession session(1);
        const int64_t elements = bytes / (ranks - 1) / static_cast<int64_t>(sizeof(float));
        const std::vector<Tensor> parts(static_cast<size_t>(ranks),
                                        Tensor::zeros(session.context, {elements}, DType::Float32));
        const std::vector<Shape> shapes(parts.size(), Shape{elements});
        for (int i = 0; i <= kRounds; ++i) {
            communicator.barrier();
            const auto begin = std::chrono::steady_clock::now();
            for (int64_t call = 0; call < calls; ++call) communicator.all_to_all(session.context, parts, shapes);
            communicator.barrier();
            if (communicator.rank() == 0 && i > 0) seconds.push_back(seconds_since(begin) / static_cast<double>(calls));
        }
    });
    return static_cast<double>(ranks * bytes) / median(seconds);
}

/// Medians of several rounds in turns, since other load comes and goes.
struct Rates {
    double exchanged = 0;
    double copied = 0;
    double share = 0;
};

Rates measure_rates_of(int ranks, int64_t bytes) {
    constexpr int kTurns = 5;
    std::vector<double> exchanged, copied, share;
    for (int i = 0; i < kTurns; ++i) {
        copied.push_back(copy_rate(ranks, bytes));
        exchanged.push_back(exchange_rate(ranks, bytes));
        share.push_back(exchanged.back() / copied.back());
    }
    return {median(exchanged), median(copied), median(share)};
}

/// Ranks that have to take turns on a processor are shown, but not held to anything.
int measure_exchanges() {
    int failures = 0;
    const auto processors = static_cast<int>(std::thread::hardware_concurrency());
    fmt::print("all-to-all of thread ranks beside memcpy by as many threads, GB/s together, {} processors\n",
               processors);
    fmt::print("  {:>5} {:>10} {:>12} {:>10} {:>8}\n", "ranks", "KiB a rank", "all-to-all", "memcpy", "share");
    for (const int ranks : {2, 4}) {
        for (const int64_t bytes : {int64_t{64} << 10, int64_t{1} << 20, int64_t{8} << 20, int64_t{64} << 20}) {
            const Rates rates = measure_rates_of(ranks, bytes);
            const bool is_slow = ranks <= processors && bytes >= (1 << 20) && rates.share < kAllowedShare;
            failures += is_slow ? 1 : 0;
            fmt::print("  {:>5} {:>10} {:>12.2f} {:>10.2f} {:>8.2f}{}\n", ranks, bytes >> 10, rates.exchanged / 1e9,
                       rates.copied / 1e9, rates.share, is_slow ? "  BELOW HALF" : "");
        }
    }
    return failures;
}

struct Run {
    double seconds = 0;  ///< of denoising
    double talking = 0;  ///< of the rank that spends most in collectives, waiting included
    int64_t bytes = 0;   ///< sent by all
};

Run run_once(dit::Generator& generator, Context& context, const dit::Request& request) {
    FrameQueue frames(1 << 10);
    dit::Observer quiet;
    const dit::RunReport report = generator.generate(context, request, frames, quiet, {});
    Run run{.seconds = report.denoise_seconds};
    for (const dit::RankReport& rank : report.ranks) {
        run.talking = std::max(run.talking, rank.traffic.seconds);
        run.bytes += rank.traffic.bytes_sent;
    }
    return run;
}

dit::Request request_for(const parallel::Strategy* strategy) {
    dit::Request request;
    request.prompt = "a red circle moving right on a blue background";
    request.seed = 1;
    request.steps = kSteps;
    request.ranks = strategy ? 2 : 1;
    request.parallel = strategy ? std::string(strategy->name) : "none";
    return request;
}

void compare_strategy(dit::Generator& generator, Context& context, const parallel::Strategy& strategy) {
    constexpr int kPairs = 3;
    std::vector<double> ratios, shares, seconds;
    Run apart;
    for (int i = 0; i < kPairs; ++i) {
        const Run alone = run_once(generator, context, request_for(nullptr));
        apart = run_once(generator, context, request_for(&strategy));
        ratios.push_back(apart.seconds / alone.seconds);
        shares.push_back(apart.talking / apart.seconds);
        seconds.push_back(apart.seconds);
    }
    fmt::print("  {:<20} {:>9.3f} {:>9.3f} {:>13.1f} % {:>10.2f}\n", strategy.name, median(seconds), median(ratios),
               100 * median(shares), static_cast<double>(apart.bytes) / 1e6);
}

void measure_runs(const char* model) {
    bench::BenchSession session;
    const auto generator = dit::Generator::open(session.context, model, DType::Float32);
    run_once(*generator, session.context, request_for(nullptr));  // warms up
    fmt::print("\n{} threads in all, denoising, {} steps: two ranks beside one, in turns\n", session.threads.size(),
               kSteps);
    fmt::print("  {:<20} {:>9} {:>9} {:>15} {:>10}\n", "strategy", "seconds", "of one", "communication", "MB sent");
    for (const parallel::Strategy& strategy : parallel::strategies()) {
        if (strategy.resident.split != parallel::Split::None) compare_strategy(*generator, session.context, strategy);
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        kine::check(argc == 2, kine::ErrorCode::Usage, "expected a model directory, came {} arguments", argc - 1);
        fmt::print("{}\n", kine::bench::processor_name());
        const int failures = measure_exchanges();
        measure_runs(argv[1]);
        return failures == 0 ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "bench_ranks: {}\n", error.what());
        return 2;
    }
}
