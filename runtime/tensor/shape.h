// Sizes of a tensor, outermost first. A small value: no allocation, at most kMaxRank axes.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace kine {

inline constexpr int kMaxRank = 8;

class Shape {
  public:
    Shape() = default;
    Shape(std::initializer_list<int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
    explicit Shape(std::span<const int64_t> sizes);

    int rank() const { return rank_; }
    int64_t operator[](int axis) const { return sizes_[static_cast<size_t>(index(axis))]; }
    void set(int axis, int64_t size) { sizes_[static_cast<size_t>(index(axis))] = size; }
    void append(int64_t size);

    /// Product of all sizes; 1 for rank 0. Throws if it does not fit 63 bits.
    int64_t elements() const;
    /// Axis counted from the end where negative; throws outside the rank.
    int index(int axis) const;

    const int64_t* begin() const { return sizes_.data(); }
    const int64_t* end() const { return sizes_.data() + rank_; }
    bool operator==(const Shape& other) const;

  private:
    std::array<int64_t, kMaxRank> sizes_ = {};
    int rank_ = 0;
};

/// "[2, 16, 36, 160]"
std::string to_string(const Shape& shape);

}  // namespace kine
