#include "kernels/move/move_device.h"

#include "kernels/move/gather_cuda.h"

namespace kine::kernels {

void gather_rows_device(const Context& context, const Tensor& table, const Tensor& ids, Tensor& out) {
    const int64_t bytes = table.dim(1) * size_of(table.dtype());
    check(bytes % 2 == 0, ErrorCode::Unsupported, "gather_rows: rows of {} bytes on {}, expected an even number", bytes,
          to_string(context.device));
    cuda::launch_gather({table.address(), ids.address<const int64_t>(), out.address(), ids.elements(), bytes},
                        context.stream);
}

}  // namespace kine::kernels
