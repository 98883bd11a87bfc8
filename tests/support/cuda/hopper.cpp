#include "tests/support/cuda/hopper.h"

#include "kernels/cuda/rows.h"
#include "runtime/tensor/dtype.h"
#include "tests/support/cuda/emulated_grid.h"

#include <bit>
#include <cstring>
#include <stdexcept>

namespace kine::emulation {
namespace {

using kernels::cuda::kTileAxes;
using kernels::cuda::kWarp;

constexpr int kDepth = 16;

/// Of a barrier, in its eight bytes.
struct Count {
    uint16_t phase = 0;
    int16_t wanted = 0;
    int16_t missing = 0;
    int16_t missing_chunks = 0;  // of 16 bytes
};
static_assert(sizeof(Count) == sizeof(uint64_t));

void update(uint64_t* barrier, int arrivals, int bytes) {
    auto count = std::bit_cast<Count>(*barrier);
    if (bytes % 16 != 0) throw std::logic_error("a barrier counts bytes that come by sixteen");
    count.missing = static_cast<int16_t>(count.missing - arrivals);
    count.missing_chunks = static_cast<int16_t>(count.missing_chunks + bytes / 16);
    if (count.missing < 0) throw std::logic_error("more arrive at a barrier than it was made for");
    if (count.missing == 0 && count.missing_chunks == 0) {
        count.missing = count.wanted;
        ++count.phase;
    }
    *barrier = std::bit_cast<uint64_t>(count);
    has_moved();
}

uint64_t field(uint64_t descriptor, int first) { return (descriptor >> first & 0x3fffu) << 4; }

/// A factor as its descriptor says: element (row, k) where channels, or keys' channels, lie together.
class Factor {
  public:
    explicit Factor(uint64_t descriptor)
        : start_(field(descriptor, 0)), leading_(field(descriptor, 16)), stride_(field(descriptor, 32)) {
        if (descriptor >> 62 != 3) throw std::logic_error("factors are emulated with swizzles of 32 bytes only");
    }
    /// k goes on in memory: eight rows of 32 bytes, then the next eight.
    float by_depth(int row, int k) const {
        return at(static_cast<uint64_t>(row % 8 * 32 + k * 2) + static_cast<uint64_t>(row / 8) * stride_);
    }
    /// Columns go on in memory: sixteen, then the next sixteen; rows are k.
    float by_columns(int column, int k) const {
        return at(static_cast<uint64_t>(column % 16 * 2 + k % 8 * 32) + static_cast<uint64_t>(column / 16) * leading_ +
                  static_cast<uint64_t>(k / 8) * stride_);
    }

  private:
    float at(uint64_t offset) const {
        BFloat16 value;
        std::memcpy(&value,
                    shared_memory().subspan(kernels::cuda::swizzled(static_cast<uint32_t>(start_ + offset)), 2).data(),
                    sizeof(value));
        return value;
    }

    uint64_t start_, leading_, stride_;
};

int warp_in_group() { return place().thread / kWarp % 4; }
int lane() { return place().thread % kWarp; }
int row_of(int i) { return lane() / 4 + i / 2 * 8; }
int column_of(int tile, int i) { return tile * 8 + lane() % 4 * 2 + i % 2; }

float half_of(uint64_t words, int which) {
    BFloat16 value;
    value.bits = static_cast<uint16_t>(words >> (16 * which));
    return value;
}

}  // namespace

uint32_t shared_address(const void* shared) {
    return static_cast<uint32_t>(static_cast<const std::byte*>(shared) - shared_memory().data());
}

void make_barrier(uint64_t* barrier, int arrivals) {
    const auto wanted = static_cast<int16_t>(arrivals);
    *barrier = std::bit_cast<uint64_t>(Count{0, wanted, wanted, 0});
}

void arrive(uint64_t* barrier, int bytes) { update(barrier, 1, bytes); }

void await_phase(uint64_t* barrier, int phase) {
    wait_until([=] { return (std::bit_cast<Count>(*barrier).phase - 1 - phase) % 2 == 0; });
}

void fetch_box(void* shared, const kernels::cuda::TileSource& source, const int (&at)[kTileAxes], uint64_t* barrier) {
    const uint32_t begin = shared_address(shared);
    if (begin % kernels::cuda::kTileAlignment != 0) throw std::logic_error("a box does not begin where swizzles do");
    for (int i = 0; i < source.rows * kernels::cuda::kTileColumns; ++i) {
        const int row = i / kernels::cuda::kTileColumns, column = i % kernels::cuda::kTileColumns;
        const std::array<int64_t, kTileAxes> where = {at[0] + column, at[1], at[2] + row, at[3], at[4]};
        bool is_there = true;
        int64_t element = 0;
        for (size_t axis = 0; axis < where.size(); ++axis) {
            is_there = is_there && 0 <= where[axis] && where[axis] < source.sizes[axis];
            element += where[axis] * source.strides[axis];
        }
        const BFloat16 value = is_there ? source.first[element] : BFloat16(0.0f);
        const uint32_t to = kernels::cuda::swizzled(begin + static_cast<uint32_t>(i * 2));
        std::memcpy(shared_memory().subspan(to, 2).data(), &value, sizeof(value));
    }
    update(barrier, 0, -source.rows * kernels::cuda::kTileRowBytes);
}

void put_product(std::span<float[4]> sums, uint64_t a, uint64_t b, bool adds) {
    const Factor left(a), right(b);
    for (size_t tile = 0; tile < sums.size(); ++tile) {
        for (int i = 0; i < 4; ++i) {
            double sum = adds ? sums[tile][i] : 0.0;
            for (int k = 0; k < kDepth; ++k)
                sum += static_cast<double>(left.by_depth(warp_in_group() * 16 + row_of(i), k)) *
                       right.by_depth(column_of(static_cast<int>(tile), i), k);
            sums[tile][i] = static_cast<float>(sum);
        }
    }
}

void add_product(std::span<float[4]> sums, const uint32_t (&a)[4], uint64_t b) {
    std::array<std::array<float, kDepth>, 16> left = {};  // [row][k]
    for (int pair = 0; pair < 2; ++pair) {
        const auto words = exchange(a[2 * pair] | static_cast<uint64_t>(a[2 * pair + 1]) << 32);
        for (size_t i = 0; i < 32 * 4; ++i) {
            const size_t from = i / 4, half = i % 4;
            left[from / 4 + half / 2 * 8][from % 4 * 2 + static_cast<size_t>(pair) * 8 + half % 2] =
                half_of(words[from], static_cast<int>(half));
        }
    }
    const Factor right(b);
    for (size_t tile = 0; tile < sums.size(); ++tile) {
        for (int i = 0; i < 4; ++i) {
            double sum = sums[tile][i];
            for (int k = 0; k < kDepth; ++k)
                sum += static_cast<double>(left[static_cast<size_t>(row_of(i))][static_cast<size_t>(k)]) *
                       right.by_columns(column_of(static_cast<int>(tile), i), k);
            sums[tile][i] = static_cast<float>(sum);
        }
    }
}

}  // namespace kine::emulation
