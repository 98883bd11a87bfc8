#include "dit/modules/token_streams.h"

#include "kernels/elementwise/elementwise.h"
#include "kernels/move/move.h"

namespace kine::dit {

namespace {

Tensor as_rows(const Tensor& x) { return x.reshape({x.elements() / x.dim(-1), x.dim(-1)}); }

Tensor gated(const Context& context, const Tensor& rows, const TokenStreams& like, const StreamGates& gates) {
    TokenStreams streams = unpacked(rows, like);
    streams.text = kernels::gate_multiply(context, gates.text, streams.text);
    if (streams.video.elements() > 0) streams.video = kernels::gate_multiply(context, gates.video, streams.video);
    return packed(context, streams);
}

}  // namespace

Tensor packed(const Context& context, const TokenStreams& streams) {
    if (streams.video.elements() == 0) return as_rows(streams.text);
    const Tensor parts[] = {as_rows(streams.text), as_rows(streams.video)};
    return kernels::concat(context, parts, 0);
}

TokenStreams unpacked(const Tensor& rows, const TokenStreams& like) {
    const auto part = [&](int64_t begin, const Tensor& of) {
        Shape shape = of.shape();
        const int64_t count = of.dim(0) * of.dim(1) * of.dim(2);
        shape.set(3, rows.dim(1));
        return rows.slice(0, begin, begin + count).reshape(shape);
    };
    return {part(like.text.dim(0) * like.text.dim(2), like.video), part(0, like.text)};
}

ResidualStreams residual_at(const StepContext& step, const broadcast::Site& site, ResidualStreams x,
                            const StreamNorms& norms, const AttendStreams& attend, const StreamGates& gates) {
    const Context& context = step.context;
    const bool keeps_gated = step.cache.keep() == broadcast::Keep::Gated;
    const Tensor kept = through_cache(step, site, [&] {
        const TokenStreams normed = {x.video.normed(context, norms.video), x.text.normed(context, norms.text)};
        const Tensor output = attend(normed);
        return keeps_gated ? gated(context, output, normed, gates) : output;
    });
    const TokenStreams added = unpacked(kept, {x.video.sum(context), x.text.sum(context)});
    const StreamGates fresh = keeps_gated ? StreamGates() : gates;
    x.video.add(context, {added.video, fresh.video});
    x.text.add(context, {added.text, fresh.text});
    return x;
}

}  // namespace kine::dit
