// The works by themselves, one function for each row of the table.
#pragma once

#include "apps/bench/works/work.h"

namespace kine::bench {

ShapeMap nothing();
ShapeMap no_weights(Context& context);

ShapeMap block_pair_weights(Context& context);
ShapeMap block_pair_inputs();
std::unique_ptr<Work> open_block_pair(const Opening& opening);

ShapeMap latte_step_weights(Context& context);
ShapeMap latte_step_inputs();
std::unique_ptr<Work> open_latte_step(const Opening& opening);

ShapeMap temporal_16_inputs();
ShapeMap spatial_256_inputs();
ShapeMap spatial_1024_inputs();
std::unique_ptr<Work> open_temporal_16(const Opening& opening);
std::unique_ptr<Work> open_spatial_256(const Opening& opening);
std::unique_ptr<Work> open_spatial_1024(const Opening& opening);

ShapeMap vae_weights(Context& context);
ShapeMap vae_inputs();
std::unique_ptr<Work> open_vae(const Opening& opening);

ShapeMap t5_weights(Context& context);
std::unique_ptr<Work> open_t5(const Opening& opening);

}  // namespace kine::bench
