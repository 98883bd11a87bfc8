#include "dit/families/wan/transformer.h"

#include "dit/families/wan/prepared.h"
#include "dit/modules/attention_site.h"
#include "dit/modules/resident.h"
#include "dit/modules/timestep_embedding.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/norm/norm.h"
#include "kernels/patch/patch.h"

namespace kine::dit::wan {

namespace {

using broadcast::SiteKind;
using kernels::Activation;

AttentionShape attention_shape(const Config& config) {
    return {.heads = config.num_attention_heads, .head_size = config.attention_head_dim, .has_bias = true};
}

/// A table that is stored with an axis of size 1 in front: [1, rows, C] -> [rows, C].
Tensor bind_table(const Scope& scope, int64_t rows, int64_t channels) {
    return scope.as(DType::Float32).bind("scale_shift_table", {1, rows, channels}).reshape({rows, channels});
}

}  // namespace

Block::Block(const Scope& scope, const Config& config, int index)
    : self_{SiteKind::JointAttention, index},
      cross_{SiteKind::CrossAttention, index},
      mlp_{SiteKind::SpatialMlp, index},
      eps_(static_cast<float>(config.eps)),
      table_(bind_table(scope, 6, config.channels())),
      cross_weight_((scope / "norm2").as(DType::Float32).bind("weight", {config.channels()})),
      cross_bias_((scope / "norm2").as(DType::Float32).bind("bias", {config.channels()})),
      attention_(scope / "attn1", attention_shape(config), config.eps),
      cross_attention_(scope / "attn2", attention_shape(config), config.eps),
      feed_forward_(scope / "ffn", config.channels(), config.ffn_dim) {}

Residual Block::operator()(const StepContext& step, Residual x, const Tensor& text, const Tensor& time,
                           const Tensor& turns) const {
    const Context& context = step.context;
    const auto [attention, mlp] = block_modulation(context, table_, time);
    x = residual_at(
        step, self_, std::move(x), attention.norm(eps_), [&](const Tensor& h) { return attention_(step, h, turns); },
        attention.gate);
    x = residual_at(step, cross_, std::move(x), {cross_weight_, cross_bias_, {}, {}, eps_},
                    [&](const Tensor& h) { return cross_attention_(context, h, text); });
    return residual_at(
        step, mlp_, std::move(x), mlp.norm(eps_), [&](const Tensor& h) { return feed_forward_(context, h); }, mlp.gate);
}

Expert::Expert(const Scope& scope, const Config& config)
    : config_(config),
      dtype_(scope.dtype()),
      patch_(Linear::over_frame_patches(scope / "patch_embedding", config.in_channels, config.channels(),
                                        config.patch_size)),
      time_in_(scope.as(DType::Float32) / "condition_embedder.time_embedder.linear_1", config.freq_dim,
               config.channels()),
      time_out_(scope.as(DType::Float32) / "condition_embedder.time_embedder.linear_2", config.channels(),
                config.channels()),
      time_project_(scope.as(DType::Float32) / "condition_embedder.time_proj", config.channels(),
                    6 * config.channels()),
      text_in_(scope / "condition_embedder.text_embedder.linear_1", config.text_dim, config.channels()),
      text_out_(scope / "condition_embedder.text_embedder.linear_2", config.channels(), config.channels()),
      final_table_(bind_table(scope, 2, config.channels())),
      out_(scope / "proj_out", config.channels(), config.patch_size * config.patch_size * config.out_channels) {
    for (int i = 0; i < config.num_layers; ++i) blocks_.emplace_back((scope / "blocks" / i).of_block(), config, i);
}

std::vector<Tensor> Expert::text_of(const Context& context, const Tensor& states) const {
    const Tensor text = text_out_(context, text_in_(context, states, Activation::GeluTanh));
    std::vector<Tensor> of_blocks;
    for (const Block& block : blocks_) of_blocks.push_back(block.text_keys_and_values(context, text));
    return of_blocks;
}

TimeRows Expert::time_of(const Context& context, std::span<const double> timesteps) const {
    const Tensor sinusoid = timestep_sinusoid(context, timesteps, config_.freq_dim / 2);
    const Tensor embedded = time_out_(context, time_in_(context, sinusoid, Activation::Silu));
    const Tensor projected = time_project_(context, kernels::activate(context, embedded, Activation::Silu));
    return {projected.reshape({projected.dim(0), 6, config_.channels()}), embedded};
}

Tensor Expert::predict(const StepContext& step, const Told& told, const Moment& moment, const Tensor& latents) const {
    const Tensor patches = to_resident(step, kernels::patchify(step.context, latents, config_.patch_size, dtype_));
    Residual x(patch_(step.context, patches));
    for (size_t i = 0; i < blocks_.size(); ++i)
        x = blocks_[i](step, std::move(x), told.text[i], moment.modulation, told.turns);
    return project_out(step, moment.embedded, std::move(x), latents.shape());
}

/// The head adds its table to the embedded timestep, not to the projected one.
Tensor Expert::project_out(const StepContext& step, const Tensor& embedded, Residual x, const Shape& latents) const {
    const Context& context = step.context;
    const FinalModulation last = final_modulation(context, final_table_, embedded);
    const Tensor normed = x.normed(context, last.norm(static_cast<float>(config_.eps)));
    const Tensor tokens = to_whole(step, out_(context, normed));  // [B, T, S, p p C]
    return kernels::unpatchify(context, tokens, config_.patch_size, latents[3] / config_.patch_size,
                               latents[4] / config_.patch_size);
}

void WanTransformer::set_expert(size_t which, std::optional<Expert> expert) {
    if (which == experts_.size()) experts_.emplace_back();
    experts_[which] = std::move(expert);
}

Shape WanTransformer::token_shape(const Shape& latents, int64_t branches) const {
    const int64_t patches = (latents[2] / config_.patch_size) * (latents[3] / config_.patch_size);
    return {branches, latents[1], patches, config_.channels()};
}

TransformerCost WanTransformer::cost(const Shape& latents, int64_t branches) const {
    const Shape tokens = token_shape(latents, branches);
    const auto count = static_cast<double>(tokens[0] * tokens[1] * tokens[2]);
    const auto channels = static_cast<double>(config_.channels());
    const int64_t bytes = tokens.elements() * size_of(dtype_);
    TransformerCost cost;
    for (int i = 0; i < config_.num_layers; ++i) {
        cost.sites.push_back({{SiteKind::JointAttention, i}, 4 * channels * channels * count, bytes});
        cost.sites.push_back({{SiteKind::CrossAttention, i}, 2 * channels * channels * count, bytes});
        const double mlp = 2 * channels * static_cast<double>(config_.ffn_dim) * count;
        cost.sites.push_back({{SiteKind::SpatialMlp, i}, mlp, bytes});
    }
    const int64_t patch_vector = config_.patch_size * config_.patch_size * (config_.in_channels + config_.out_channels);
    cost.other_multiply_adds = count * channels * static_cast<double>(patch_vector);
    // The stream, the normed input and the output, beside packed QKV and what it mixes or the inside of the MLP.
    const int64_t inside = std::max<int64_t>(4 * config_.channels(), config_.ffn_dim);
    cost.activation_bytes = bytes / config_.channels() * (3 * config_.channels() + inside);
    cost.heads = config_.num_attention_heads;
    cost.sums_over_heads = 2;  // squares of queries and of keys
    cost.element_bytes = size_of(dtype_);
    cost.output_channels = config_.patch_size * config_.patch_size * config_.out_channels;
    return cost;
}

std::unique_ptr<Prepared> WanTransformer::prepare(const Context& context, const Conditioning& conditioning,
                                                  const VideoSize& size, std::span<const double> timesteps) const {
    auto prepared = std::make_unique<WanPrepared>();
    prepared->states = conditioning.states;
    prepared->condition = conditioning.first_latents;
    prepared->timesteps.assign(timesteps.begin(), timesteps.end());
    const int64_t side = 2 * (config_.attention_head_dim / 6);
    const auto positions = [&](int axis) { return counted_positions(size.latents[axis] / config_.patch_size); };
    prepared->turns =
        rotary_turns(context, {.frames = {counted_positions(size.latents[1]), config_.attention_head_dim - 2 * side},
                               .rows = {positions(2), side},
                               .columns = {positions(3), side}});
    return prepared;
}

const ExpertPrepared& WanTransformer::under_expert(const Context& context, const WanPrepared& prepared,
                                                   size_t expert) const {
    std::optional<ExpertPrepared>& made = prepared.under_expert;
    if (made && made->expert == expert) return *made;
    made.reset();
    made = {expert, experts_[expert]->text_of(context, prepared.states), {}};
    for (const double t : prepared.timesteps) {
        TimeRows& rows = made->time.emplace_back();
        const double moments[] = {t, 0.0};  // a given first frame is clean, whatever the step
        if (boundary_.expert_at(t) == expert)
            rows = experts_[expert]->time_of(context, std::span(moments, prepared.condition ? 2 : 1));
    }
    return *made;
}

Moment WanTransformer::moment(const StepContext& step, const Prepared& any) const {
    const auto& prepared = static_cast<const WanPrepared&>(any);
    const auto index = static_cast<size_t>(step.index);
    const size_t expert = boundary_.expert_at(prepared.timesteps[index]);
    return moment_of(step, prepared, under_expert(step.context, prepared, expert).time[index]);
}

Tensor WanTransformer::predict(const StepContext& step, const Prepared& any, const Moment& moment,
                               const Tensor& latents) const {
    const auto& prepared = static_cast<const WanPrepared&>(any);
    const size_t expert = boundary_.expert_at(prepared.timesteps[static_cast<size_t>(step.index)]);
    const std::vector<Tensor>& text = under_expert(step.context, prepared, expert).text;
    const Tensor seen = prepared.condition ? with_first_frame(step.context, latents, prepared.condition) : latents;
    return experts_[expert]->predict(step, {text, projected_grid(step, prepared.turns)}, moment, seen);
}

}  // namespace kine::dit::wan
