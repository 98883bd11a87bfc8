// The product on the matrix units of this processor, for bf16.
#pragma once

#include "kernels/host/amx.h"
#include "kernels/linear/tile_matrix.h"

namespace kine::kernels {

using AmxMatrix = TileMatrix<AmxTiles>;
extern template class TileMatrix<AmxTiles>;

inline bool has_amx_matrix(int64_t, int64_t, DType dtype) { return dtype == DType::BFloat16 && has_amx(); }

}  // namespace kine::kernels
