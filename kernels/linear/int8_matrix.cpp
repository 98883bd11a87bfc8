#include "kernels/linear/int8_matrix.h"

#include "kernels/host/amx.h"
#include "kernels/host/visit.h"
#include "kernels/linear/lane_tiles.h"
#include "runtime/device/host/processor.h"

#include <vector>

namespace kine::kernels {

namespace {

constexpr int64_t kDeepest = std::numeric_limits<int32_t>::max() / (127 * 127);  // products that a sum has room for

Rows rows_of(const Tensor& weight) {
    const int64_t depth = weight.dim(1);
    const int64_t item = size_of(weight.dtype());
    return {weight.dim(0), weight.dtype(), [=, data = weight.raw()](int64_t row, int64_t k) {
                return Run{data + (row * depth + k) * item, depth - k};
            }};
}

}  // namespace

Int8Matrix::Int8Matrix(const Context& context, const Tensor& weight)
    : depth_(weight.dim(1)),
      columns_(weight.dim(0)),
      dtype_(weight.dtype()),
      values_(Tensor::zeros(context, {packed_int8_values(depth_, columns_)}, DType::UInt8)),
      scales_(Tensor::empty(context, {columns_}, DType::Float32)) {
    check(depth_ <= kDeepest, ErrorCode::Unsupported, "linear: int8 sums at most {} products, the weight has {}",
          kDeepest, depth_);
    const Rows rows = rows_of(weight);
    auto* packed = reinterpret_cast<int8_t*>(values_.data<uint8_t>());
    const int64_t stride = rounded_up(depth_, kInt8TileDepth);
    context.threads.parallel_for(columns_, 1, [&](int64_t begin, int64_t end) {
        std::vector<int8_t> row(static_cast<size_t>(stride));
        for (int64_t column = begin; column < end; ++column) {
            quantize_rows(rows, {column, column + 1}, depth_, {row.data(), stride, scales_.data<float>() + column});
            pack_int8_column(row.data(), depth_, column, packed);
        }
    });
}

Int8Panels Int8Matrix::panels() const {
    return {reinterpret_cast<const int8_t*>(values_.data<uint8_t>()), scales_.data<float>(), depth_, columns_};
}

Tensor Int8Matrix::unpacked(const Context& context) const {
    const Int8Panels packed = panels();
    Tensor weight = Tensor::empty(context, {columns_, depth_}, dtype_);
    visit_floating(dtype_, [&]<class T>(T) {
        T* to = weight.data<T>();
        for (int64_t column = 0; column < columns_; ++column) {
            for (int64_t k = 0; k < depth_; ++k)
                *to++ = packed.scales[column] * packed.values[int8_value_offset(depth_, k, column)];
        }
    });
    return weight;
}

void Int8Matrix::multiply(const Context& context, const Rows& rows, const Epilogue& epilogue) const {
    if (has_amx_int8()) return multiply_int8_by<AmxTiles>(context, panels(), rows, epilogue);
    if (has_int8_lanes()) return multiply_int8_by<WideTiles>(context, panels(), rows, epilogue);
    multiply_int8_by<LaneTiles>(context, panels(), rows, epilogue);
}

}  // namespace kine::kernels
