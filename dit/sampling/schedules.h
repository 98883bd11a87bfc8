// Noise schedules of diffusion training, and which of their timesteps a run visits. Tables are made in float32 and in
// the order of operations of the reference implementation, since the models were trained with those very numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kine::dit {

struct BetaOptions {
    int64_t num_train_timesteps = 1000;
    double beta_start = 0.0001;
    double beta_end = 0.02;
    std::string beta_schedule = "linear";
    std::vector<double> trained_betas;
    bool rescale_betas_zero_snr = false;

    template <class Visitor>
    void visit(Visitor& v) {
        v("num_train_timesteps", num_train_timesteps, "length of the training schedule");
        v("beta_start", beta_start, "variance added by the first training step");
        v("beta_end", beta_end, "variance added by the last training step");
        v("beta_schedule", beta_schedule, "linear, scaled_linear or squaredcos_cap_v2");
        v("trained_betas", trained_betas, "the variances themselves, instead of a formula");
        v("rescale_betas_zero_snr", rescale_betas_zero_snr, "end in pure noise (Lin et al. 2023)");
    }
};

/// Share of the signal's variance that is left at each training step: the running product of 1 - beta. Throws
/// ErrorCode::BadInput naming `where` and the key.
std::vector<float> cumulative_alphas(const BetaOptions& options, std::string_view where);

enum class TimestepSpacing { Leading, Trailing, Linspace };
TimestepSpacing timestep_spacing(std::string_view where, std::string_view word);

struct SpacingOptions {
    std::string timestep_spacing = "leading";
    int64_t steps_offset = 0;

    template <class Visitor>
    void visit(Visitor& v) {
        v("timestep_spacing", timestep_spacing, "which training steps are visited: leading, trailing or linspace");
        v("steps_offset", steps_offset, "added to each timestep with leading spacing");
    }
};

/// What a run visits, largest first.
struct Spacing {
    TimestepSpacing kind = TimestepSpacing::Leading;
    int64_t train_steps = 1000;
    int64_t steps = 0;
    int64_t offset = 0;
};
Spacing make_spacing(const SpacingOptions& options, std::string_view where, int64_t train_steps, int64_t steps);

/// Of DDIM: n points.
std::vector<int64_t> spaced_timesteps(const Spacing& spacing);
/// Of the multistep solvers: n + 1 points without the last, for the step to the end of the trajectory.
std::vector<int64_t> spaced_timesteps_with_end(const Spacing& spacing);

/// `count` values from first to last, as numpy makes them.
std::vector<double> linear_space(double first, double last, int64_t count);
/// The same as PyTorch makes them in float32.
std::vector<float> linear_space_in_float(float first, float last, int64_t count);

}  // namespace kine::dit
