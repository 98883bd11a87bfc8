// Tensors for the copy engine, by the driver, which is asked for its function when the first is made.
#include "kernels/cuda/tile_map.h"

#include "runtime/device/cuda/check.h"
#include "runtime/error.h"

#include <cuda.h>
#include <cudaTypedefs.h>
#include <cuda_runtime_api.h>

#include <bit>

namespace kine::kernels::cuda {

namespace {

static_assert(sizeof(TileMap) == sizeof(CUtensorMap) && alignof(TileMap) >= alignof(CUtensorMap));

PFN_cuTensorMapEncodeTiled_v12000 find_encoder() {
    constexpr unsigned kSince = 12000;
    void* found = nullptr;
    cudaDriverEntryPointQueryResult answer = cudaDriverEntryPointSymbolNotFound;
    check_cuda(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, kSince, cudaEnableDefault, &answer),
               "the copy engine");
    check(answer == cudaDriverEntryPointSuccess, ErrorCode::Device, "the driver has no cuTensorMapEncodeTiled");
    return reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(found);
}

}  // namespace

TileMap make_tile_map(const TileSource& source) {
    static const PFN_cuTensorMapEncodeTiled_v12000 encode = find_encoder();
    cuuint64_t sizes[kTileAxes], strides[kTileAxes - 1];
    for (int axis = 0; axis < kTileAxes; ++axis) sizes[axis] = static_cast<cuuint64_t>(source.sizes[axis]);
    for (int axis = 1; axis < kTileAxes; ++axis)
        strides[axis - 1] = static_cast<cuuint64_t>(source.strides[axis]) * sizeof(BFloat16);
    const cuuint32_t box[kTileAxes] = {kTileColumns, 1, static_cast<cuuint32_t>(source.rows), 1, 1};
    const cuuint32_t every[kTileAxes] = {1, 1, 1, 1, 1};
    CUtensorMap made;
    const CUresult result =
        encode(&made, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, kTileAxes, const_cast<BFloat16*>(source.first), sizes, strides,
               box, every, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_32B, CU_TENSOR_MAP_L2_PROMOTION_L2_128B,
               CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    check(result == CUDA_SUCCESS, ErrorCode::Device, "a tensor for the copy engine: driver error {}",
          static_cast<int>(result));
    return std::bit_cast<TileMap>(made);
}

}  // namespace kine::kernels::cuda
