#include "tests/support/cuda/hopper.h"

#include "kernels/cuda/rows.h"
#include "runtime/tensor/dtype.h"
#include "tests/support/cuda/emulated_grid.h"
#include "tests/support/cuda/matrices.h"

#include <algorithm>
#include <any>
#include <bit>
#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

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

/// Products of a thread that are not awaited.
struct Products {
    bool has_begun = false;
    std::span<float[4]> sums = {};
    std::vector<std::array<float, 4>> before = {};  // what the sums were
    std::vector<std::function<void()>> work = {};
};

struct Copy {
    uint64_t* barrier;
    std::function<void()> run;
};

/// Of a block.
struct Pending {
    std::vector<const uint64_t*> not_shown;
    std::deque<Copy> copies;
    std::map<int, Products> products;  // by thread
};

Pending& pending() {
    std::any& notes = notes_on_block();
    if (!notes.has_value()) notes = Pending();
    return std::any_cast<Pending&>(notes);
}

Count count_of(const uint64_t* barrier) {
    const auto count = std::bit_cast<Count>(*barrier);
    if (count.wanted <= 0) throw std::logic_error("a barrier that nobody made");
    if (std::ranges::find(pending().not_shown, barrier) != pending().not_shown.end())
        throw std::logic_error("a barrier that nobody showed");
    return count;
}

void update(uint64_t* barrier, int arrivals, int bytes) {
    Count count = count_of(barrier);
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
        if ((descriptor & 0x3fffc000c000c000u) != 0 || start_ % kernels::cuda::kTileAlignment != 0)
            throw std::logic_error("a factor does not begin where swizzles do");
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

void copy_box(void* shared, const kernels::cuda::TileSource& source, const std::array<int, kTileAxes>& at) {
    const uint32_t begin = shared_address(shared);
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
}

void multiply_shared(std::span<float[4]> sums, uint64_t a, uint64_t b, bool adds) {
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

void multiply_registers(std::span<float[4]> sums, const uint32_t (&a)[4], uint64_t b) {
    const LeftFactor left = left_factor<BFloat16>(a);
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

/// Until the sums are awaited, nobody may look at them.
void put_off(std::span<float[4]> sums, std::function<void()> work) {
    Products& own = pending().products[place().thread];
    if (!own.has_begun) throw std::logic_error("a product before begin_products");
    if (own.work.empty()) {
        own.sums = sums;
        for (float(&tile)[4] : sums) {
            own.before.push_back({tile[0], tile[1], tile[2], tile[3]});
            std::ranges::fill(tile, std::nanf(""));
        }
    }
    if (own.sums.data() != sums.data()) throw std::logic_error("products of several sums at once");
    own.work.push_back(std::move(work));
}

/// Those that a barrier waits for.
void run_copies(const uint64_t* barrier) {
    std::deque<Copy> others;
    for (const Copy& copy : std::exchange(pending().copies, {})) {
        if (copy.barrier == barrier) {
            copy.run();
        } else {
            others.push_back(copy);
        }
    }
    std::ranges::move(others, std::back_inserter(pending().copies));
}

}  // namespace

uint32_t shared_address(const void* shared) {
    return static_cast<uint32_t>(static_cast<const std::byte*>(shared) - shared_memory().data());
}

void make_barrier(uint64_t* barrier, int arrivals) {
    const auto wanted = static_cast<int16_t>(arrivals);
    *barrier = std::bit_cast<uint64_t>(Count{0, wanted, wanted, 0});
    pending().not_shown.push_back(barrier);
}

void show_barriers() { pending().not_shown.clear(); }

void arrive(uint64_t* barrier, int bytes) { update(barrier, 1, bytes); }

void await_phase(uint64_t* barrier, int phase) {
    wait_until([=] {
        run_copies(barrier);
        return (count_of(barrier).phase - 1 - phase) % 2 == 0;
    });
}

void check_source(const kernels::cuda::TileSource& source) {
    constexpr int64_t kMostBytes = int64_t{1} << 40, kMostPlaces = int64_t{1} << 32;
    bool is_right = std::bit_cast<uintptr_t>(source.first) % 16 == 0 && 0 < source.rows && source.rows <= 256;
    for (int axis = 0; axis < kTileAxes; ++axis) {
        const int64_t bytes = source.strides[axis] * 2;
        is_right = is_right && 0 < source.sizes[axis] && source.sizes[axis] <= kMostPlaces;
        if (axis > 0) is_right = is_right && 0 < bytes && bytes < kMostBytes && bytes % 16 == 0;
    }
    if (!is_right) throw std::logic_error("a tensor that the copy engine does not take");
}

void fetch_box(void* shared, const kernels::cuda::TileSource& source, const int (&at)[kTileAxes], uint64_t* barrier) {
    check_source(source);
    const uint32_t begin = shared_address(shared);
    const int bytes = source.rows * kernels::cuda::kTileRowBytes;
    if (begin % kernels::cuda::kTileAlignment != 0) throw std::logic_error("a box does not begin where swizzles do");
    std::ranges::fill(shared_memory().subspan(begin, static_cast<size_t>(bytes)), std::byte{0xff});
    pending().copies.push_back({barrier, [=, where = std::to_array(at)] {
                                    copy_box(shared, source, where);
                                    update(barrier, 0, -bytes);
                                }});
}

void begin_products() { pending().products[place().thread].has_begun = true; }

void await_products(std::span<float[4]> sums) {
    const Products own = std::exchange(pending().products[place().thread], {});
    if (own.sums.data() != sums.data()) throw std::logic_error("other sums are awaited than have products");
    for (size_t tile = 0; tile < sums.size(); ++tile) std::ranges::copy(own.before[tile], sums[tile]);
    for (const auto& work : own.work) work();
}

void put_product(std::span<float[4]> sums, uint64_t a, uint64_t b, bool adds) {
    put_off(sums, [=] { multiply_shared(sums, a, b, adds); });
}

void add_product(std::span<float[4]> sums, const uint32_t (&a)[4], uint64_t b) {
    put_off(sums, [=, &a] { multiply_registers(sums, a, b); });
}

}  // namespace kine::emulation
