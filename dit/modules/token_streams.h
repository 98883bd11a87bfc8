// Video and text tokens that go through a transformer side by side, each modulated and gated on its own, and meet in
// its attention (CogVideoX; the double blocks of MM-DiT, Esser et al. 2024). Ranks share out the video; the text is
// short, and each rank has all of it.
#pragma once

#include "dit/modules/attention_site.h"

namespace kine::dit {

struct TokenStreams {
    Tensor video;  ///< [B, T, S, C], this rank's part
    Tensor text;   ///< [B, 1, L, C]
};

struct ResidualStreams {
    Residual video;
    Residual text;
};

/// Norms of both streams.
struct StreamNorms {
    kernels::RowNorm video;
    kernels::RowNorm text;
};

/// Gates [B, C] of both streams.
struct StreamGates {
    Tensor video;
    Tensor text;
};

/// Both streams as rows of one tensor [B L + B T S, C], the text's first: one pass of a layer serves both, and a cache
/// keeps them as one.
Tensor packed(const Context& context, const TokenStreams& streams);
/// Views of such rows, of any width, with the other axes of `like`.
TokenStreams unpacked(const Tensor& rows, const TokenStreams& like);

/// Both streams of a site's input -> its output, packed.
using AttendStreams = std::function<Tensor(const TokenStreams& x)>;

/// x + gate * attend(norm(x)) for both streams, as residual_at does it for one. `attend` fetches what it needs of other
/// ranks.
ResidualStreams residual_at(const StepContext& step, const broadcast::Site& site, ResidualStreams x,
                            const StreamNorms& norms, const AttendStreams& attend, const StreamGates& gates);

}  // namespace kine::dit
