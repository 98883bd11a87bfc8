#include "parallel/planner/volume.h"

#include "parallel/mesh.h"
#include "parallel/partition.h"
#include "parallel/planner/ring_volume.h"
#include "parallel/tile_pipeline.h"
#include "parallel/tiled_sum.h"
#include "parallel/tiled_switch.h"

namespace kine::parallel {

namespace {

/// A rank's place among those that share out one thing.
struct Place {
    int rank;
    int ranks;
};

/// The exchanges around the attentions of one rank, as dit/modules/rank_attention makes them.
class Exchanges {
  public:
    Exchanges(const Work& work, const Strategy& strategy, int rank, const Sequence& sequence)
        : work_(work), strategy_(strategy), all_{rank, sequence.ranks} {
        const int asked = sequence.group > 0 ? sequence.group : default_group(sequence.ranks, work.heads);
        group_ = strategy.is_grouped ? asked : 1;
    }

    Sent around(Attended attended) const {
        const Layout queries = strategy_.queries_of(attended);
        const bool splits_heads = queries.split == Split::Heads;
        Sent sent;
        if (strategy_.sums(attended)) return attended == Attended::All ? around_joint_sum() : around_sum(attended);
        if (splits_heads) {
            add_heads(sent, attended);
        } else if (queries != strategy_.resident) {
            add_switch(sent, {work_.tokens, work_.tokens, strategy_.resident, queries}, all_);
        }
        if (strategy_.gathers(attended))
            add(sent, elements_sent(as_heads(work_.tokens, 2), strategy_.resident, {}, all_.rank, all_.ranks));
        if (strategy_.merges(attended)) add_ring(sent, attended, splits_heads);
        return sent;
    }

    Sent of_output() const {
        Sent sent;
        Shape output = work_.tokens;
        output.set(3, work_.output_channels);
        if (strategy_.resident.split != Split::None)
            add(sent, elements_sent(output, strategy_.resident, {}, all_.rank, all_.ranks));
        return sent;
    }

  private:
    void add(Sent& sent, int64_t elements) const {
        ++sent.calls;
        sent.bytes += elements * work_.element_bytes;
    }

    /// There and back, tile by tile.
    void add_switch(Sent& sent, const SwitchedTokens& change, Place place) const {
        const auto& [tokens, results, home, away, _] = change;
        const int64_t elements = elements_sent(tokens, home, away, place.rank, place.ranks) +
                                 elements_sent(results, away, home, place.rank, place.ranks);
        sent.calls += calls_of_tiles(tiles_of(change, work_.element_bytes, place.ranks));
        sent.bytes += elements * work_.element_bytes;
    }

    int64_t head_size() const { return work_.tokens[3] / work_.heads; }

    /// Tokens with `parts` (queries, keys, values) side by side, as heads.
    Shape as_heads(const Shape& tokens, int64_t parts) const {
        return {tokens[0], tokens[1], tokens[2], parts, work_.heads, head_size()};
    }

    /// Those among whom heads are shared out.
    Place among_heads() const { return strategy_.is_grouped ? Place{all_.rank % group_, group_} : all_; }

    /// The tokens that they have together.
    Shape tokens_among_heads() const {
        Shape tokens = work_.tokens;
        if (!strategy_.is_grouped) return tokens;
        const int axis = axis_of(strategy_.resident.split);
        const int groups = all_.ranks / group_;
        tokens.set(axis, group_part(tokens[axis], all_.rank / group_, groups, all_.ranks).size());
        return tokens;
    }

    /// All tokens come, all parts of sums but the own ones go, tile by tile.
    Sent around_sum(Attended attended) const {
        const int64_t part = elements_sent(work_.tokens, strategy_.resident, {}, all_.rank, all_.ranks);
        const int64_t own = part / (all_.ranks - 1);
        const int tiles = tiles_of(work_.tokens[attended == Attended::Frames ? 2 : 1]);
        return {calls_of_tiles(tiles), work_.element_bytes * (part + work_.tokens.elements() - own)};
    }

    /// All tokens come, and the sums that norms ask for; all parts of sums but the own ones go, and the text's.
    Sent around_joint_sum() const {
        const int64_t part = elements_sent(work_.tokens, strategy_.resident, {}, all_.rank, all_.ranks);
        const int64_t own = part / (all_.ranks - 1);
        const int64_t tokens = work_.tokens.elements() / work_.tokens[3];
        Sent sent{2, work_.element_bytes * (part + work_.tokens.elements() - own)};
        add_everywhere(sent, tokens * work_.sums_over_heads, sizeof(float));
        add_everywhere(sent, work_.tokens[0] * work_.text_tokens * work_.tokens[3], work_.element_bytes);
        return sent;
    }

    /// A sum that all ranks get: each adds up a piece and tells the others.
    void add_everywhere(Sent& sent, int64_t elements, int64_t element_bytes) const {
        if (elements == 0) return;
        const int64_t own = partition(elements, all_.rank, all_.ranks).size();
        sent.calls += 2;
        sent.bytes += element_bytes * (elements - own + own * (all_.ranks - 1));
    }

    int64_t text_of(Attended attended) const { return attended == Attended::All ? work_.text_tokens : 0; }

    void add_heads(Sent& sent, Attended attended) const {
        const Place place = among_heads();
        if (place.ranks == 1) return;
        const Shape tokens = tokens_among_heads();
        const Layout home = strategy_.resident, heads{Split::Heads};
        if (strategy_.merges(attended)) {  // rings between groups want all of a group's heads at once
            add(sent, elements_sent(as_heads(tokens, 3), home, heads, place.rank, place.ranks));
            add(sent, elements_sent(as_heads(tokens, 1), heads, home, place.rank, place.ranks));
        } else {
            add_switch(sent, {as_heads(tokens, 3), as_heads(tokens, 1), home, heads, axis_of(Split::Heads)}, place);
        }
        if (text_of(attended) == 0) return;
        const Shape text{work_.tokens[0], 1, work_.text_tokens, work_.heads, head_size()};
        add(sent, elements_sent(text, heads, {}, place.rank, place.ranks));
    }

    void add_ring(Sent& sent, Attended attended, bool splits_heads) const {
        const bool between_groups = strategy_.is_grouped && splits_heads;
        const Place place = between_groups ? Place{all_.rank / group_, all_.ranks / group_} : all_;
        RingWork ring{
            .lengths = {}, .heads = work_.heads, .head_size = head_size(), .element_bytes = work_.element_bytes};
        if (splits_heads) ring.heads = partition(work_.heads, among_heads().rank, among_heads().ranks).size();
        if (!between_groups) ring.group = group_;
        const int axis = axis_of(strategy_.resident.split);
        const int64_t of_attended = attended == Attended::All ? work_.tokens[1] * work_.tokens[2] : work_.tokens[axis];
        const int64_t beside = of_attended / work_.tokens[axis];
        for (int part = 0; part < place.ranks; ++part)
            ring.lengths.push_back(beside * group_part(work_.tokens[axis], part, place.ranks, all_.ranks).size());
        ring.batches = work_.tokens[0] * work_.tokens[1] * work_.tokens[2] / of_attended;
        const Sent round = sent_in_ring(strategy_.keys, ring, place.rank);
        sent.calls += round.calls;
        sent.bytes += round.bytes;
        if (text_of(attended) > 0) add_text_parts(sent, ring, place);
    }

    /// Every rank tells all others what the text found among its keys: values, then log sums.
    void add_text_parts(Sent& sent, const RingWork& ring, Place place) const {
        const int64_t queries = work_.tokens[0] * work_.text_tokens * ring.heads;
        sent.calls += 2;
        sent.bytes += queries * (ring.head_size + 1) * 4 * (place.ranks - 1);
    }

    const Work& work_;
    const Strategy& strategy_;
    Place all_;
    int group_;
};

/// Bytes of the tokens, the papers' M.
double bytes_of_tokens(const Work& work) { return static_cast<double>(work.tokens.elements() * work.element_bytes); }

/// The papers' volume of keys that go round `ranks` ranks, each with all heads.
double ring_formula(const Work& work, Keys keys, int ranks) {
    if (ranks == 1) return 0;
    const double tokens = bytes_of_tokens(work);
    if (keys != Keys::Resident) return 2 * tokens;
    const double results = static_cast<double>(work.tokens.elements() / work.tokens[3] * (work.tokens[3] + work.heads));
    return tokens + 4 * results;  // queries go, values and log sums return in f32
}

/// The papers' volume around one attention.
double formula_around(const Work& work, const Strategy& strategy, Attended attended, const Sequence& sequence) {
    const Layout queries = strategy.queries_of(attended);
    const double ranks = sequence.ranks, tokens = bytes_of_tokens(work);
    if (strategy.sums(attended)) return 2 * tokens;
    if (queries.split == Split::Heads) {
        const double switched = 4 * tokens / ranks;
        if (!strategy.merges(attended)) return switched;
        const int group = sequence.group > 0 ? sequence.group : default_group(sequence.ranks, work.heads);
        return switched + ring_formula(work, strategy.keys, sequence.ranks / group) / group;
    }
    if (strategy.merges(attended)) return ring_formula(work, strategy.keys, sequence.ranks);
    if (strategy.gathers(attended)) return 2 * tokens;
    return queries == strategy.resident ? 0 : 2 * tokens / ranks;
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

Sent bytes_sent(const Work& work, const Strategy& strategy, int rank, const Sequence& sequence) {
    Sent sum;
    if (sequence.ranks == 1) return sum;
    const Exchanges exchanges(work, strategy, rank, sequence);
    const auto add = [&](const Sent& sent, int64_t times) {
        sum.calls += times * sent.calls;
        sum.bytes += times * sent.bytes;
    };
    if (work.spatial.calls > 0) add(exchanges.around(Attended::Patches), work.spatial.calls);
    if (work.temporal.calls > 0) add(exchanges.around(Attended::Frames), work.temporal.calls);
    if (work.joint.calls > 0) add(exchanges.around(Attended::All), work.joint.calls);
    add(exchanges.of_output(), work.steps);
    return sum;
}

int64_t bytes_of_all(const Work& work, const Strategy& strategy, const Sequence& sequence) {
    int64_t bytes = 0;
    for (int rank = 0; rank < sequence.ranks; ++rank) bytes += bytes_sent(work, strategy, rank, sequence).bytes;
    return bytes;
}

double bytes_by_formula(const Work& work, const Strategy& strategy, const Sequence& sequence) {
    if (sequence.ranks == 1) return 0;
    const auto around = [&](Attended attended) { return formula_around(work, strategy, attended, sequence); };
    return static_cast<double>(work.spatial.calls) * around(Attended::Patches) +
           static_cast<double>(work.temporal.calls) * around(Attended::Frames) +
           static_cast<double>(work.joint.calls) * around(Attended::All);
}

}  // namespace kine::parallel
