// commands.h in a build without CUDA. Nothing gets here, since no GPU can be opened.
#include "runtime/device/cuda/commands.h"

#include "runtime/error.h"

namespace kine {

namespace {

[[noreturn]] void refuse() { fail(ErrorCode::Device, "this build has no CUDA"); }

}  // namespace

void use_device(Device) { refuse(); }
Device used_device() { refuse(); }
void copy_async(void*, const void*, int64_t, Stream) { refuse(); }
void copy_between_async(GpuMemory, GpuMemory, int64_t, Stream) { refuse(); }
void zero_async(void*, int64_t, Stream) { refuse(); }
void synchronize(Stream) { refuse(); }

}  // namespace kine
