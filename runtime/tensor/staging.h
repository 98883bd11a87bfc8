// What leaves a GPU again and again, through memory that is used again and that the driver copies to directly.
#pragma once

#include "runtime/device/cuda/pinned.h"
#include "runtime/tensor/transfer.h"

#include <memory>

namespace kine {

/// One thread at a time. Its memory is as large as the largest tensor so far, and not in the budget of the host's.
class Staging {
  public:
    /// to_host(), but what is copied is good until the next call only.
    Tensor to_host(const Context& context, const Tensor& x);

  private:
    std::shared_ptr<PinnedBuffer> buffer_;
};

}  // namespace kine
