#include "parallel/planner/ring_volume.h"

#include "parallel/partition.h"
#include "runtime/error.h"

namespace kine::parallel {

namespace {

/// The rows that a rank sends on, as the rings of parallel/rings send them.
class RingRows {
  public:
    RingRows(const RingWork& work, int rank) : work_(work), rank_(rank) {}

    int ranks() const { return static_cast<int>(work_.lengths.size()); }
    int64_t at(int distance) const {
        return work_.lengths[static_cast<size_t>((rank_ + distance % ranks() + ranks()) % ranks())];
    }

    /// Of all parts but that of the next rank.
    int64_t passed() const {
        int64_t rows = 0;
        for (int distance = 0; distance > 1 - ranks(); --distance) rows += at(distance);
        return rows;
    }

    int64_t passed_both_ways() const {
        int64_t rows = 0;
        for (int distance = 1; distance <= ranks() / 2; ++distance) {
            const int64_t right = at(1 - distance), left = at(distance - 1);
            rows +=
                2 * distance == ranks() ? partition(right, 0, 2).size() + partition(left, 1, 2).size() : right + left;
        }
        return rows;
    }

    int64_t passed_in_groups() const {
        const int size = work_.group, groups = ranks() / size, outer = rank_ / size, inner = rank_ % size;
        const auto part = [&](int group, int place) {
            return work_.lengths[static_cast<size_t>((group + groups) % groups * size + (place + size) % size)];
        };
        int64_t rows = 0;
        for (int round = 0; round < groups; ++round) {
            if (round + 1 < groups) rows += part(outer - round, inner);
            for (int turn = 0; turn + 1 < size; ++turn) rows += part(outer - round, inner - turn);
        }
        return rows;
    }

    /// Of all parts but this rank's own.
    int64_t returned() const {
        int64_t rows = 0;
        for (int distance = 1; distance < ranks(); ++distance) rows += at(-distance);
        return rows;
    }

  private:
    const RingWork& work_;
    int rank_;
};

}  // namespace

Sent sent_in_ring(Keys keys, const RingWork& work, int rank) {
    const RingRows rows(work, rank);
    const int ranks = rows.ranks(), groups = ranks / work.group;
    const int64_t row = work.batches * work.heads * work.head_size * work.element_bytes;
    const int64_t result = work.batches * work.heads * (work.head_size + 1) * 4;  // values and log sum, f32
    if (ranks == 1) return {};
    switch (keys) {
        case Keys::Ring:
            return {ranks - 1, 2 * row * rows.passed()};
        case Keys::BothWays:
            return {ranks / 2, 2 * row * rows.passed_both_ways()};
        case Keys::DoubleRing:
            return {groups - 1 + groups * (work.group - 1), 2 * row * rows.passed_in_groups()};
        case Keys::Resident:
            return {ranks == 2 ? 2 : ranks + 1, row * rows.passed() + result * rows.returned()};
        case Keys::WithQueries:
        case Keys::Gathered:
            break;
    }
    fail(ErrorCode::Bug, "keys of kind {} do not go round", static_cast<int>(keys));
}

}  // namespace kine::parallel
