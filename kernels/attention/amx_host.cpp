#include "kernels/attention/tile_engine.h"
#include "kernels/attention/variants.h"
#include "kernels/host/amx.h"

namespace kine::kernels {

bool is_amx_attention(const AttentionProblem& problem) { return problem.q.dtype() == DType::BFloat16 && has_amx(); }

void amx_attention_host(const Context& context, AttentionProblem& problem) {
    run_flash_attention<BFloat16, TileEngine<AmxTiles>>(context, problem);
}

}  // namespace kine::kernels
