// What a causal network remembers from chunk to chunk: the last frames that each of its convolutions saw. A convolution
// takes its place in the order in which the network meets it, which is the same for every chunk.
#pragma once

#include "dit/vae/band_links.h"
#include "runtime/tensor/tensor.h"

#include <vector>

namespace kine::dit {

/// One for each video, or for each tile of one. One thread at a time.
class FrameMemory {
  public:
    /// Before every chunk.
    void begin_chunk() {
        is_first_ = places_.empty();
        next_ = 0;
    }
    bool is_first_chunk() const { return is_first_; }
    /// The frames that the convolution met now kept from the chunk before; empty at first.
    Tensor& next() {
        if (next_ == places_.size()) places_.emplace_back();
        return places_[next_++];
    }

    /// The pictures are one band of whole ones. The links must outlive this.
    void link(BandLinks& links) { links_ = &links; }
    BandLinks* links() const { return links_; }  ///< null: the pictures are whole

  private:
    BandLinks* links_ = nullptr;
    std::vector<Tensor> places_;
    size_t next_ = 0;
    bool is_first_ = true;
};

}  // namespace kine::dit
