// CogVideoX's DDIM: from the clean latents that a prediction implies to a lower noise level, with the noise direction
// taken from the latents themselves.
#include "dit/sampling/samplers/cogvideox_schedule.h"
#include "dit/sampling/samplers/makers.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/io/json.h"
#include "runtime/options.h"

#include <cmath>

namespace kine::dit {
namespace {

class CogVideoXDdim final : public Sampler {
  public:
    explicit CogVideoXDdim(CogVideoXSchedule schedule) : schedule_(std::move(schedule)) {}

    const std::vector<double>& timesteps() const override { return schedule_.timesteps(); }
    const std::vector<double>& sigmas() const override { return no_sigmas_; }

    Tensor step(const Context& context, int index, const Tensor& prediction, const Tensor& latents, Noise&) override {
        const Tensor clean = schedule_.clean(context, index, prediction, latents);
        const double alpha = schedule_.alpha(index), next = schedule_.alpha_after(index);
        const double kept = std::sqrt((1.0 - next) / (1.0 - alpha));
        const double added = std::sqrt(next) - std::sqrt(alpha) * kept;
        return kernels::combine(context, static_cast<float>(kept), latents, static_cast<float>(added), clean);
    }

  private:
    CogVideoXSchedule schedule_;
    std::vector<double> no_sigmas_;
};

}  // namespace

std::vector<std::string> cogvideox_options() {
    CogVideoXOptions options;
    return FieldList(options).names();
}

std::unique_ptr<Sampler> make_cogvideox_ddim(const Json& config, std::string_view where, int64_t steps) {
    return std::make_unique<CogVideoXDdim>(CogVideoXSchedule(config, where, steps));
}

}  // namespace kine::dit
