#include "kernels/linear/device_matrix.h"

#include "kernels/check.h"
#include "kernels/elementwise/elementwise_device.h"
#include "kernels/elementwise/strided.h"
#include "kernels/linear/gemm_cuda.h"
#include "kernels/move/move.h"

namespace kine::kernels {

namespace {

/// [N] in `dtype`, zeros where there is none.
Tensor bias_as(const Context& context, const Tensor& bias, const Tensor& weight, DType dtype) {
    if (weight.is_imagined()) return Tensor::imagined({weight.dim(0)}, dtype);
    if (!bias) return Tensor::zeros(context, {weight.dim(0)}, dtype);
    check_shape("linear", "bias", bias, {weight.dim(0)});
    return bias.dtype() == dtype ? contiguous(context, bias) : cast_device(context, bias, dtype);
}

}  // namespace

DeviceMatrix::DeviceMatrix(const Context& context, const Tensor& weight, const Tensor& bias,
                           const std::shared_ptr<WeightOffload>& offload)
    : weight_(offload ? Tensor::imagined(weight.shape(), weight.dtype()) : weight),
      offloaded_(offload ? offload->keep(context, weight) : OffloadedWeight()),
      bias_(bias_as(context, bias, weight, DType::Float32)),
      bias_to_add_(bias ? bias_as(context, bias, weight, weight.dtype()) : Tensor()) {
    check_rank("linear", "weight", weight, 2);
    check_floating("linear", "weight", weight);
    check_contiguous("linear", "weight", weight);
}

Tensor DeviceMatrix::unpacked(const Context& context) const {
    if (offloaded_) return offloaded_.on_host(context);
    Tensor copy = Tensor::empty(context, weight_.shape(), weight_.dtype());
    cuda::run_copy(context, weight_, copy);
    return copy;
}

void DeviceMatrix::multiply(const Context& context, const DeviceRows& rows, Activation activation, Tensor& out) const {
    const Tensor weight = offloaded_ ? offloaded_.on_device(context) : weight_;
    check(!weight.is_imagined(), ErrorCode::Bug, "linear: the weight [{}, {}] is imagined, its stage is not loaded",
          out_features(), in_features());
    const Tensor workspace = Tensor::empty(context, {cuda::kGemmWorkspace}, DType::UInt8);
    cuda::GemmArguments gemm;
    gemm.x = rows.first;
    gemm.weight = weight.address();
    gemm.bias = bias_to_add_ ? bias_to_add_.address() : nullptr;
    gemm.out = out.address();
    gemm.workspace = workspace.address();
    gemm.dtype = dtype();
    gemm.rows = rows.count;
    gemm.columns = out_features();
    gemm.depth = in_features();
    gemm.x_stride = rows.count == 1 ? in_features() : rows.stride;
    gemm.has_gelu = activation == Activation::GeluTanh;
    cuda::launch_gemm(gemm, context.stream);
    if (activation == Activation::Silu) activate_in_place_device(context, out, activation);
}

}  // namespace kine::kernels
