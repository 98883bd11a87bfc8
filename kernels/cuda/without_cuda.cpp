// Launches in a build without CUDA. Nothing gets here, since no GPU can be opened.
#include "kernels/attention/flash_cuda.h"
#include "kernels/attention/hopper_cuda.h"
#include "kernels/attention/linear_attention_cuda.h"
#include "kernels/attention/merge_cuda.h"
#include "kernels/attention/rows_cuda.h"
#include "kernels/attention/temporal_cuda.h"
#include "kernels/color/yuv420_cuda.h"
#include "kernels/conv/windows_cuda.h"
#include "kernels/elementwise/finite_cuda.h"
#include "kernels/elementwise/strided_cuda.h"
#include "kernels/linear/fp8_rows_cuda.h"
#include "kernels/linear/gemm_cuda.h"
#include "kernels/move/gather_cuda.h"
#include "kernels/norm/group_norm_cuda.h"
#include "kernels/norm/norm_cuda.h"
#include "kernels/norm/squares_cuda.h"
#include "kernels/patch/patch_cuda.h"
#include "kernels/resample/fold_cuda.h"
#include "kernels/rope/query_key_cuda.h"
#include "runtime/error.h"

namespace kine::kernels::cuda {

namespace {

[[noreturn]] void refuse() { fail(ErrorCode::Device, "this build has no CUDA"); }

}  // namespace

void launch_flash(const FlashArguments<BFloat16>&, int, Stream) { refuse(); }
void launch_flash(const FlashArguments<Float16>&, int, Stream) { refuse(); }
TileMap make_tile_map(const TileSource&) { refuse(); }
bool is_hopper(Device) { return false; }
void launch_hopper(const HopperArguments&, int, Stream) { refuse(); }
void launch_take_keys(const LinearAttentionArguments&, Stream) { refuse(); }
void launch_ask_state(const LinearAttentionArguments&, Stream) { refuse(); }
void launch_causal(const LinearAttentionArguments&, Stream) { refuse(); }
void launch_follow_state(const FollowStateArguments&, Stream) { refuse(); }
void launch_merge(const MergeArguments&, Stream) { refuse(); }
void launch_row_attention(const RowAttentionArguments&, Stream) { refuse(); }
void launch_temporal(const TemporalArguments<BFloat16>&, int, Stream) { refuse(); }
void launch_temporal(const TemporalArguments<Float16>&, int, Stream) { refuse(); }
void launch_yuv420(const Yuv420Arguments<float>&, Stream) { refuse(); }
void launch_yuv420(const Yuv420Arguments<BFloat16>&, Stream) { refuse(); }
void launch_yuv420(const Yuv420Arguments<Float16>&, Stream) { refuse(); }
void launch_windows(const WindowArguments<float>&, Stream) { refuse(); }
void launch_windows(const WindowArguments<BFloat16>&, Stream) { refuse(); }
void launch_windows(const WindowArguments<Float16>&, Stream) { refuse(); }
void launch_find_not_finite(const FiniteArguments&, Stream) { refuse(); }
void launch_strided(const StridedArguments&, Stream) { refuse(); }
void launch_strided_copy(const StridedArguments&, int64_t, Stream) { refuse(); }
void launch_gemm(const GemmArguments&, Stream) { refuse(); }
void launch_fp8_rows(const Fp8RowsArguments&, Stream) { refuse(); }
void launch_gather(const GatherArguments&, Stream) { refuse(); }
void launch_group_norm(const GroupNormArguments<float>&, Stream) { refuse(); }
void launch_group_norm(const GroupNormArguments<BFloat16>&, Stream) { refuse(); }
void launch_group_norm(const GroupNormArguments<Float16>&, Stream) { refuse(); }
void launch_norm(const NormArguments<float>&, Stream) { refuse(); }
void launch_norm(const NormArguments<BFloat16>&, Stream) { refuse(); }
void launch_norm(const NormArguments<Float16>&, Stream) { refuse(); }
void launch_squares(const SquaresArguments&, Stream) { refuse(); }
void launch_patchify(const PatchArguments<float>&, Stream) { refuse(); }
void launch_patchify(const PatchArguments<BFloat16>&, Stream) { refuse(); }
void launch_patchify(const PatchArguments<Float16>&, Stream) { refuse(); }
void launch_unpatchify(const UnpatchArguments<float>&, Stream) { refuse(); }
void launch_unpatchify(const UnpatchArguments<BFloat16>&, Stream) { refuse(); }
void launch_unpatchify(const UnpatchArguments<Float16>&, Stream) { refuse(); }
void launch_unfold(const FoldArguments<float>&, Stream) { refuse(); }
void launch_unfold(const FoldArguments<BFloat16>&, Stream) { refuse(); }
void launch_unfold(const FoldArguments<Float16>&, Stream) { refuse(); }
void launch_fold(const FoldArguments<float>&, Stream) { refuse(); }
void launch_fold(const FoldArguments<BFloat16>&, Stream) { refuse(); }
void launch_fold(const FoldArguments<Float16>&, Stream) { refuse(); }
void launch_query_key(const QueryKeyArguments<float>&, Stream) { refuse(); }
void launch_query_key(const QueryKeyArguments<BFloat16>&, Stream) { refuse(); }
void launch_query_key(const QueryKeyArguments<Float16>&, Stream) { refuse(); }

}  // namespace kine::kernels::cuda
