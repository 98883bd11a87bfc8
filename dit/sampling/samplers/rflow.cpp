// Rectified flow as Open-Sora runs it (Liu et al. 2022): Euler steps on the very timesteps that the model is told,
// times falling evenly from 1 and shifted towards noise by a ratio that grows with size and length.
#include "dit/sampling/samplers/makers.h"
#include "dit/sampling/scheduler_config.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/options.h"

namespace kine::dit {
namespace {

struct RflowOptions {
    int64_t num_timesteps = 1000;
    bool use_discrete_timesteps = false;
    bool use_timestep_transform = true;
    double shift = 1.0;

    template <class Visitor>
    void visit(Visitor& v) {
        v("num_timesteps", num_timesteps, "length of the training schedule");
        v("use_discrete_timesteps", use_discrete_timesteps, "round timesteps to whole numbers");
        v("use_timestep_transform", use_timestep_transform, "shift by the ratio that the family derives from the size");
        v("shift", shift, "that ratio; above 1: more steps at high noise");
    }
};

void check_options(const RflowOptions& options, std::string_view where, int64_t steps) {
    check_range(where, "num_timesteps", static_cast<double>(options.num_timesteps), 1, 1e6);
    check_range(where, "shift", options.shift, 1e-4, 1e4);
    check(!options.use_discrete_timesteps, ErrorCode::Unsupported,
          "{}: use_discrete_timesteps is true, only false is supported", where);
    check_steps(steps, options.num_timesteps);
}

/// In double: a small shift rounds the first float32 timestep above the last training step.
double shifted(double time, double shift) { return shift * time / (1.0 + (shift - 1.0) * time); }

class Rflow final : public Sampler {
  public:
    Rflow(const RflowOptions& options, int64_t steps) {
        const double shift = options.use_timestep_transform ? options.shift : 1.0;
        for (int64_t i = 0; i < steps; ++i) {
            sigmas_.push_back(shifted(1.0 - static_cast<double>(i) / static_cast<double>(steps), shift));
            timesteps_.push_back(sigmas_.back() * static_cast<double>(options.num_timesteps));
        }
        sigmas_.push_back(0.0);
    }

    const std::vector<double>& timesteps() const override { return timesteps_; }
    const std::vector<double>& sigmas() const override { return sigmas_; }

    /// The prediction points from noise to the clean latents.
    Tensor step(const Context& context, int index, const Tensor& prediction, const Tensor& latents, Noise&) override {
        const double length = sigmas_.at(static_cast<size_t>(index)) - sigmas_.at(static_cast<size_t>(index) + 1);
        return kernels::combine(context, 1.0f, latents, static_cast<float>(length), prediction);
    }

  private:
    std::vector<double> sigmas_;
    std::vector<double> timesteps_;
};

}  // namespace

std::vector<std::string> rflow_options() {
    RflowOptions options;
    return FieldList(options).names();
}

std::unique_ptr<Sampler> make_rflow(const Json& config, std::string_view where, int64_t steps) {
    RflowOptions options;
    read_options(FieldList(options), config, where);
    check_options(options, where, steps);
    return std::make_unique<Rflow>(options, steps);
}

}  // namespace kine::dit
