#include "kernels/blend/blend.h"

#include "kernels/blend/blend_host.h"
#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/strided.h"

namespace kine::kernels {

void add_weighted(const Context& context, Tensor& canvas, const Tensor& picture, const Tensor& rows,
                  const Tensor& columns) {
    check_rank("add_weighted", "picture", picture, 4);
    check_contiguous("add_weighted", "picture", picture);
    check_same_shape("add_weighted", canvas, picture);
    check_shape("add_weighted", "rows", rows, {picture.dim(1)});
    check_shape("add_weighted", "columns", columns, {picture.dim(2)});
    check(canvas.stride(3) == 1, ErrorCode::Bug, "add_weighted: the channels of canvas must lie together, stride is {}",
          canvas.stride(3));
    const auto host = [&] {
        add_weighted_host(context, {canvas.data<float>(), picture.data<float>(), rows.data<float>(),
                                    columns.data<float>(), picture.dim(0), picture.dim(1), picture.dim(2),
                                    picture.dim(3), canvas.stride(0), canvas.stride(1), canvas.stride(2)});
    };
    on_device(context, "add_weighted", host, [&] {
        Tensor weights = Tensor::empty(context, {1, rows.dim(0), columns.dim(0), 1}, DType::Float32);
        cuda::run_strided(context, cuda::StridedOp::Multiply, weights.select(0, 0).select(2, 0),
                          {rows.unsqueeze(1), columns.unsqueeze(0)});
        cuda::run_strided(context, cuda::StridedOp::MultiplyAdd, canvas, {canvas, weights, picture});
    });
}

}  // namespace kine::kernels
