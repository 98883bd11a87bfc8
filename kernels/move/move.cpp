#include "kernels/move/move.h"

#include "kernels/check.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise/strided.h"
#include "kernels/move/move_device.h"
#include "kernels/move/move_host.h"
#include "runtime/tensor/transfer.h"

namespace kine::kernels {

namespace {

Shape joined_shape(std::span<const Tensor> parts, int axis) {
    Shape shape = parts.front().shape();
    int64_t total = 0;
    for (const Tensor& part : parts) {
        Shape expected = shape;
        check_rank("concat", "part", part, shape.rank());
        expected.set(axis, part.dim(axis));
        check_shape("concat", "part", part, expected);
        check_same_dtype("concat", {&parts.front(), &part});
        total += part.dim(axis);
    }
    shape.set(axis, total);
    return shape;
}

void check_ids(const Tensor& table, const Tensor& ids) {
    check_rank("gather_rows", "table", table, 2);
    check_contiguous("gather_rows", "table", table);
    check_rank("gather_rows", "ids", ids, 1);
    check_contiguous("gather_rows", "ids", ids);
    const int64_t* values = ids.data<int64_t>();
    for (int64_t i = 0; i < ids.elements(); ++i) {
        check(values[i] >= 0 && values[i] < table.dim(0), ErrorCode::BadInput,
              "gather_rows: id {} at position {}, expected 0 to {}", values[i], i, table.dim(0) - 1);
    }
}

}  // namespace

Tensor contiguous(const Context& context, const Tensor& x) {
    if (x.is_contiguous()) return x;
    if (x.is_imagined()) return Tensor::imagined(x.shape(), x.dtype());
    Tensor out = Tensor::empty(context, x.shape(), x.dtype());
    copy_into(context, x, out);
    return out;
}

void copy_into(const Context& context, const Tensor& from, Tensor& to) {
    check_same_shape("copy_into", from, to);
    check_same_dtype("copy_into", {&from, &to});
    on_device(
        context, "copy_into", [&] { copy_host(context, from, to); }, [&] { cuda::run_copy(context, from, to); });
}

Tensor concat(const Context& context, std::span<const Tensor> parts, int axis) {
    check(!parts.empty(), ErrorCode::Bug, "concat: no parts, expected at least one");
    axis = parts.front().shape().index(axis);
    if (parts.front().is_imagined()) return Tensor::imagined(joined_shape(parts, axis), parts.front().dtype());
    Tensor out = Tensor::empty(context, joined_shape(parts, axis), parts.front().dtype());
    int64_t at = 0;
    for (const Tensor& part : parts) {
        Tensor place = out.slice(axis, at, at + part.dim(axis));
        copy_into(context, part, place);
        at += part.dim(axis);
    }
    return out;
}

Tensor gather_rows(const Context& context, const Tensor& table, const Tensor& ids) {
    check_ids(table, to_host(context, ids));
    Tensor out = Tensor::empty(context, {ids.elements(), table.dim(1)}, table.dtype());
    on_device(
        context, "gather_rows", [&] { gather_rows_host(context, table, ids, out); },
        [&] { gather_rows_device(context, table, to_device(context, ids), out); });
    return out;
}

}  // namespace kine::kernels
