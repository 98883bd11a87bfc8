// stream.h in a build without CUDA: nothing of it can be made.
#include "runtime/device/cuda/stream.h"

#include "runtime/error.h"

namespace kine {

namespace {

[[noreturn]] void refuse() { fail(ErrorCode::Device, "this build has no CUDA"); }

}  // namespace

CudaStream::CudaStream(Device) { refuse(); }
CudaStream::~CudaStream() = default;
void CudaStream::synchronize() { refuse(); }

CudaEvent::CudaEvent(Device) { refuse(); }
CudaEvent::~CudaEvent() = default;
void CudaEvent::record(Stream) { refuse(); }
void CudaEvent::hold(Stream) const { refuse(); }
void CudaEvent::synchronize() const { refuse(); }
bool CudaEvent::is_done() const { refuse(); }
float CudaEvent::since(const CudaEvent&) const { refuse(); }

}  // namespace kine
