#include "parallel/planner/volume.h"

#include "parallel/partition.h"

#include <vector>

namespace kine::parallel {

namespace {

struct RankOf {
    int rank;
    int ranks;
};

struct Change {
    Shape whole;
    Layout from;
    Layout to;
};

/// The tokens with `parts` (queries, keys, values) side by side, as heads.
Shape as_heads(const Work& work, int64_t parts) {
    const Shape& tokens = work.tokens;
    return {tokens[0], tokens[1], tokens[2], parts, work.heads, tokens[3] / work.heads};
}

/// The changes of layout around one attention over the axis `attended`.
std::vector<Change> changes_around(const Work& work, const Strategy& strategy, Split attended) {
    const Layout home = strategy.resident;
    const Layout queries = attended == Split::Frames ? strategy.temporal : strategy.spatial;
    const Layout keys = strategy.keys_of(queries, attended);
    if (strategy.travels(queries, attended)) return {{as_heads(work, 2), queries, {}}};  // as a gather, piece by piece
    if (keys != queries) return {{as_heads(work, 2), queries, keys}};
    if (queries == home) return {};
    if (queries.split != Split::Heads) return {{work.tokens, home, queries}, {work.tokens, queries, home}};
    return {{as_heads(work, 3), home, queries}, {as_heads(work, 1), queries, home}};
}

/// What attention of all tokens to one another gathers.
std::vector<Change> gather_for_all(const Work& work, const Strategy& strategy) {
    if (strategy.resident.split == Split::None) return {};
    return {{as_heads(work, 2), strategy.resident, {}}};
}

Sent sent_around(const Work& work, const std::vector<Change>& changes, int rank, int ranks) {
    Sent sent;
    for (const Change& change : changes) {
        ++sent.calls;
        sent.bytes += work.element_bytes * elements_sent(change.whole, change.from, change.to, rank, ranks);
    }
    return sent;
}

/// A ring passes on every part but that of the next rank, keys and values as one.
Sent sent_in_ring(const Work& work, Split attended, int rank, int ranks) {
    const int64_t length = work.tokens[axis_of(attended)];
    const int64_t row = work.tokens.elements() / length;
    const int64_t passed = length - partition(length, (rank + 1) % ranks, ranks).size();
    return {ranks - 1, 2 * work.element_bytes * row * passed};
}

Sent sent_by_attention(const Work& work, const Strategy& strategy, Split attended, RankOf place) {
    const Layout queries = attended == Split::Frames ? strategy.temporal : strategy.spatial;
    if (strategy.travels(queries, attended)) return sent_in_ring(work, attended, place.rank, place.ranks);
    return sent_around(work, changes_around(work, strategy, attended), place.rank, place.ranks);
}

double formula_around(const Work& work, const std::vector<Change>& changes, int ranks) {
    double elements = 0;
    for (const Change& change : changes) {
        const int parts = change.to.split == Split::None ? 1 : ranks;  // a gather sends a part to each of the others
        elements += static_cast<double>(change.whole.elements()) / parts;
    }
    return elements * static_cast<double>(work.element_bytes);
}

}  // namespace

int64_t elements_sent(const Shape& whole, Layout from, Layout to, int rank, int ranks) {
    if (ranks == 1 || from == to || from.split == Split::None || whole.elements() == 0) return 0;
    const int64_t held = partition(whole[axis_of(from.split)], rank, ranks).size();
    const int64_t row = whole.elements() / whole[axis_of(from.split)];
    if (to.split == Split::None) return held * row * (ranks - 1);
    const int64_t size = whole[axis_of(to.split)];
    return held * (row / size) * (size - partition(size, rank, ranks).size());
}

Sent bytes_sent(const Work& work, const Strategy& strategy, int rank, int ranks) {
    Sent sum;
    if (ranks == 1) return sum;
    const auto add = [&](const Sent& sent, int64_t times) {
        sum.calls += times * sent.calls;
        sum.bytes += times * sent.bytes;
    };
    add(sent_by_attention(work, strategy, Split::Patches, {rank, ranks}), work.spatial.calls);
    add(sent_by_attention(work, strategy, Split::Frames, {rank, ranks}), work.temporal.calls);
    if (strategy.resident.split == Split::None) return sum;
    add(sent_around(work, gather_for_all(work, strategy), rank, ranks), work.joint.calls);
    Shape output = work.tokens;
    output.set(3, work.output_channels);
    add(sent_around(work, {{output, strategy.resident, {}}}, rank, ranks), work.steps);
    return sum;
}

int64_t bytes_of_all(const Work& work, const Strategy& strategy, int ranks) {
    int64_t bytes = 0;
    for (int rank = 0; rank < ranks; ++rank) bytes += bytes_sent(work, strategy, rank, ranks).bytes;
    return bytes;
}

double bytes_by_formula(const Work& work, const Strategy& strategy, int ranks) {
    const auto around = [&](Split attended) {
        return formula_around(work, changes_around(work, strategy, attended), ranks);
    };
    return ranks == 1 ? 0
                      : static_cast<double>(work.spatial.calls) * around(Split::Patches) +
                            static_cast<double>(work.temporal.calls) * around(Split::Frames) +
                            static_cast<double>(work.joint.calls) *
                                formula_around(work, gather_for_all(work, strategy), ranks);
}

double megatron_bytes_by_formula(const Work& work) {
    return 2.0 * static_cast<double>(work.temporal.calls * work.tokens.elements() * work.element_bytes);
}

}  // namespace kine::parallel
