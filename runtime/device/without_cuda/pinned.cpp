// pinned.h in a build without CUDA. Nothing gets here, since no GPU can be opened.
#include "runtime/device/cuda/pinned.h"

#include "runtime/error.h"

namespace kine {

PinnedBuffer::PinnedBuffer(int64_t) { fail(ErrorCode::Device, "this build has no CUDA"); }
PinnedBuffer::~PinnedBuffer() = default;
int64_t PinnedBuffer::in_use() { return 0; }

}  // namespace kine
