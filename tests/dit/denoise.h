// The latents of every step of a run.
#pragma once

#include "dit/generator.h"

#include <utility>
#include <vector>

namespace kine::dit {

/// Keeps the latents of every step, and stops before they are decoded.
class Latents final : public Observer {
  public:
    struct Enough {};
    explicit Latents(int64_t steps) : steps_(steps) {}
    void on_latents(int, const Tensor& latents) override {
        all.push_back(latents);
        if (static_cast<int64_t>(all.size()) == steps_) throw Enough();
    }
    std::vector<Tensor> all;

  private:
    int64_t steps_;
};

inline std::vector<Tensor> denoise(Generator& generator, Context& context, const Request& request) {
    Latents latents(request.steps);
    FrameQueue frames(1);
    try {
        generator.generate(context, request, frames, latents, {});
    } catch (const Latents::Enough&) {
    }
    return std::move(latents.all);
}

}  // namespace kine::dit
