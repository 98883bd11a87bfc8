#include "kernels/linear/amx_matrix.h"

namespace kine::kernels {

template class TileMatrix<AmxTiles>;

}  // namespace kine::kernels
