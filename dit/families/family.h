// What a model family gives to the generation loop: stages with one meaning each, and a recipe of defaults. A family is
// a folder here and one line in families.cpp. The recipe needs configurations only; the stages bind weights, and may be
// bound to imagined ones, which answer what a run would cost.
#pragma once

#include "dit/families/defaults.h"
#include "dit/families/dialect.h"
#include "dit/families/stage.h"
#include "dit/modules/step_context.h"
#include "dit/request.h"
#include "dit/text/prompt_encoder.h"
#include "dit/vae/frame_decoder.h"
#include "runtime/io/json_fwd.h"
#include "runtime/rng/noise.h"
#include "runtime/weight_offload.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace kine::dit {

/// Text as the transformer receives it.
struct Conditioning {
    Tensor states;             ///< [B, L, D], B in the pipeline's order of guidance branches
    Tensor mask;               ///< u8 [1 or B, L]: rows of the states that are attended; empty: all
    EncodedText prompt;        ///< for reports and verification
    EncodedText negative;      ///< likewise; without states where there is no negative prompt
    Tensor first_latents;      ///< [C, 1, Y, X] of a given first frame; empty: none
    std::vector<Shape> drawn;  ///< what was drawn for all this from the run's noise, before any latents'
};

/// What is denoised: latents [C, T, Y, X], and the size in pixels that was asked for, of which latents may be a part.
struct VideoSize {
    Shape latents;
    int64_t width = 0;
    int64_t height = 0;
};

class TextStage {
  public:
    virtual ~TextStage() = default;
    /// What encoding one prompt holds at once, about; for plans.
    virtual int64_t working_bytes() const = 0;
    /// `guided`: with the branch that the prompt's is guided away from.
    virtual Conditioning encode(const Context& context, const Request& request, bool guided) const = 0;
};

/// What depends on the prompt and the size but not on the step: made once a run, owned by the generator.
class Prepared {
  public:
    virtual ~Prepared() = default;
};

/// What a forward pass is told of its step: with the latents, all that two steps which compute at the same sites do not
/// have in common.
struct Moment {
    Tensor modulation;  ///< of the blocks, in the family's own rows
    Tensor embedded;    ///< of the last layer; empty where it takes the blocks'
};

/// The costs of one forward pass, known from the configuration alone.
struct TransformerCost {
    std::vector<broadcast::SiteCost> sites;  ///< in the order of the forward pass
    double other_multiply_adds = 0;          ///< outside all sites
    int64_t activation_bytes = 0;            ///< largest at once, without kept outputs
    int64_t heads = 1;
    int64_t element_bytes = 4;    ///< of tokens
    int64_t output_channels = 1;  ///< of the last linear layer, for each token
    int64_t text_tokens = 0;      ///< of each branch, that go through the blocks beside those of the video
    int64_t sums_over_heads = 0;  ///< of each token, that norms of queries and keys over all heads ask for
};

class Transformer {
  public:
    virtual ~Transformer() = default;

    /// Whole tokens [B, T, S, C] for latents [C', T, Y, X].
    virtual Shape token_shape(const Shape& latents, int64_t branches) const = 0;
    virtual TransformerCost cost(const Shape& latents, int64_t branches) const = 0;
    virtual std::unique_ptr<Prepared> prepare(const Context& context, const Conditioning& conditioning,
                                              const VideoSize& size, std::span<const double> timesteps) const = 0;
    virtual Moment moment(const StepContext& step, const Prepared& prepared) const = 0;
    /// latents [B, C, T, Y, X] f32 -> raw prediction [B, C', T, Y, X] f32.
    virtual Tensor predict(const StepContext& step, const Prepared& prepared, const Moment& moment,
                           const Tensor& latents) const = 0;
};

class Components;

/// Of a stage, on a GPU: weights of layers that can wait in host memory.
struct LayerWeights {
    int64_t bytes = 0;
    int64_t window_bytes = 0;  ///< most on the device at once of those that wait
};

/// Bytes of each stage's weights in the types that they are held in: at most so many, as Weights::bound_bytes().
struct StageWeights {
    std::array<int64_t, kStages.size()> bytes = {};
    std::array<LayerWeights, kStages.size()> layers = {};

    int64_t& operator[](Stage stage) { return bytes[static_cast<size_t>(stage)]; }
    int64_t operator[](Stage stage) const { return bytes[static_cast<size_t>(stage)]; }
    LayerWeights& of_layers(Stage stage) { return layers[static_cast<size_t>(stage)]; }
    LayerWeights of_layers(Stage stage) const { return layers[static_cast<size_t>(stage)]; }
    int64_t total() const { return std::accumulate(bytes.begin(), bytes.end(), int64_t{0}); }
    int64_t largest() const { return *std::ranges::max_element(bytes); }
    /// Of the stage that needs most while all its layers wait.
    int64_t largest_without_layers() const;
};

/// A model: recipe and stages. The recipe is read once; stages are bound to weights or imagined ones.
struct Model {
    virtual ~Model() = default;

    std::string family;
    std::string hash;
    StageWeights weights;
    DType dtype = DType::Float32;
    FamilyDefaults defaults;
    std::vector<std::string> unused_weights;  ///< tensors of the checkpoint that belong to no part of this model
    bool frames_first = false;                ///< the reference keeps latents as [T, C, Y, X], and draws noise so
    bool has_dynamic_guidance = false;        ///< Request::dynamic_guidance means something
    bool has_second_guidance = false;         ///< Request::guidance_scale_2 does
    bool has_prompt_options = false;          ///< Request::prompt_options do
    bool has_negative_prompt = true;  ///< Request::negative_prompt does; else guidance is away from a learned text
    std::shared_ptr<const Json> scheduler;  ///< the scheduler's configuration as stored
    std::string scheduler_file;
    std::unique_ptr<TextStage> text;
    std::unique_ptr<Transformer> transformer;
    std::unique_ptr<FrameDecoder> decoder;
    std::array<std::shared_ptr<WeightOffload>, kStages.size()> offloads;  ///< null: all of the stage's weights stay

    std::shared_ptr<WeightOffload>& offload_of(Stage stage) { return offloads[static_cast<size_t>(stage)]; }
    WeightOffload* offload_of(Stage stage) const { return offloads[static_cast<size_t>(stage)].get(); }

    // Each binds one stage anew; what it was bound to before is freed.
    virtual void bind_encoders(Components& components) = 0;  ///< of text and of an image
    virtual void bind_transformer(Components& components) = 0;
    virtual void bind_second_expert(Components&) {}  ///< of the transformer; after its first one
    virtual void bind_decoder(Components& components) = 0;
    /// Asked once all stages are bound.
    virtual FamilyDefaults published_defaults() const = 0;

    /// Throws ErrorCode::Usage for a size or frame count that the model cannot do.
    virtual void check_geometry(const Request& request) const = 0;
    /// Rounds a checked size and frame count as the family's own pipeline does.
    virtual void fit_geometry(Request&) const {}
    /// Guidance on the raw prediction [B, C', T, Y, X] of a timestep -> what the sampler takes, [C, T, Y, X].
    virtual Tensor guide(const Context& context, const Tensor& prediction, const Request& request,
                         double timestep) const = 0;
    virtual bool is_guided(const Request& request) const = 0;
    /// Denoise or Refine: whose weights a step at this timestep needs.
    virtual Stage stage_at(double) const { return Stage::Denoise; }
    /// What reuse policies compare with their windows, from the sampler's timesteps.
    virtual broadcast::Schedule reuse_schedule(const std::vector<double>& timesteps) const { return {timesteps}; }
    /// Latents of the request's image, [C, 1, Y, X]; empty where there is none. Draws from `noise`, the run's own, at
    /// most once, a tensor of that shape. Throws ErrorCode::Usage for a model that takes none.
    virtual Tensor encode_image(const Context& context, const Request& request, Noise& noise) const;
    /// The last latents as the decoder takes them.
    virtual Tensor to_decode(const Context&, const Request&, const Conditioning&, const Tensor& latents) const {
        return latents;
    }
    /// Latents [C, T, Y, X] for a resolved request.
    virtual Shape latent_shape(const Request& request) const;
    /// The scheduler's configuration for a resolved request, with what the family derives from size and length.
    virtual Json scheduler_for(const Request&) const;
    /// The family's PAB settings for a run with these timesteps.
    virtual broadcast::PabOptions pab_for(const std::vector<double>&) const { return defaults.pab; }
};

/// A row of the table of families.
struct Family {
    std::string_view name;
    std::string_view pipeline_class;  ///< `_class_name` in model_index.json
    std::string_view summary;
    /// Reads the configurations. BadInput, or Unsupported for a version that we lack.
    std::unique_ptr<Model> (*read)(const Components& components);
    std::string_view image_pipeline_class = {};  ///< of its directories that take an image; empty: the same class
    const Dialect* original = nullptr;           ///< other names that its files may have
};

}  // namespace kine::dit
