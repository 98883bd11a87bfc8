// A bf16 weight packed in panels for products in tiles (host/tile_pack.h). A large one lies there in twelve bits a
// value (short_values.h), which is three quarters of its memory and the same values; a thread expands the panels that
// it is about to multiply with. In small ones there would be little to gain and few rows to hide it behind.
#pragma once

#include "kernels/host/tile_pack.h"
#include "kernels/linear/rows.h"
#include "kernels/linear/short_values.h"
#include "runtime/context.h"

namespace kine::kernels {

/// Immutable; safe for several threads.
class WeightPanels {
  public:
    /// Large: short if it is large and its exponents allow.
    enum class Short { Large, Always, Never };

    /// `weight` [N, K] contiguous.
    WeightPanels(const Context& context, const Tensor& weight, Short which = Short::Large);

    int64_t depth() const { return depth_; }
    int64_t columns() const { return columns_; }
    bool is_short() const { return static_cast<bool>(short_); }
    int64_t bytes() const { return is_short() ? short_.bytes() + odd_.bytes() : whole_.bytes(); }
    Tensor unpacked(const Context& context) const;

    /// One thread's access, to a group of columns at a time.
    class Reader {
      public:
        /// Groups of at most `width` columns. A group that meets `is_revisited` rows is expanded once and kept whole,
        /// else a block of `depth_block` at a time.
        Reader(const Context& context, const WeightPanels& panels, int64_t width, int64_t depth_block,
               bool is_revisited);

        /// Makes panel() good for these columns, from a multiple of 32 on, and this block of depth.
        void open(Range columns, Range depth);
        /// bf16 tiles of the 32 columns from `column` on, from depth `k` on.
        const BFloat16* panel(int64_t column, int64_t k) const {
            if (!panels_.is_short()) return panels_.whole_.data<BFloat16>() + panels_.place_of(column, k);
            return held_ + (column - columns_.begin) * held_depth_ + (k - first_) * kTileBlock;
        }

      private:
        const WeightPanels& panels_;
        const bool is_revisited_;
        const int64_t held_depth_;
        Tensor memory_;
        BFloat16* held_ = nullptr;
        Range columns_ = {0, 0};
        int64_t first_ = 0;  // depth that is held from here on
        int64_t ready_ = 0;  // to here
    };

  private:
    int64_t place_of(int64_t column, int64_t k) const { return panel_offset(depth_, column) + k * kTileBlock; }
    void pack_whole(const Context& context, const Tensor& weight);
    /// False if too many values are odd.
    bool pack_short(const Context& context, const Tensor& weight);
    /// Values from `place` on, in the order of the packed matrix.
    void expand_at(int64_t place, int64_t count, BFloat16* to) const;

    int64_t depth_;
    int64_t columns_;
    Tensor whole_;  // one of these
    Tensor short_;  // bytes
    Tensor odd_;    // place and bits of each odd value, in order
    ExponentNames names_;
};

}  // namespace kine::kernels
