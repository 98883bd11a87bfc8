// The model directory `model` of the work's folder, from prompt to pictures, through the public interface.
#include "apps/bench/works/opening.h"
#include "apps/embed/kinescope.hpp"

#include <algorithm>

namespace kine::bench {

namespace {

constexpr const char* kPrompt = "a red circle moves right on a blue background";

class Demo final : public Work {
  public:
    Demo(const Opening& opening, int steps)
        : context_(opening.context),
          steps_(steps),
          session_({{"model", opening.folder / "model"},
                    {"dtype", std::string(name_of(opening.dtype))},
                    {"threads", std::to_string(context_.threads.size())}}) {}

    Tensor run() override {
        pixels_.clear();
        kinescope::Request request;
        request.set("prompt", kPrompt).set("seed", "1").set("rng", "torch");
        request.set("steps", std::to_string(steps_)).set("guidance_scale", "4");
        kine_callbacks callbacks = {};
        callbacks.user_data = this;
        callbacks.on_frame = keep;
        kinescope::Job(session_, request, callbacks).run();
        return pictures();
    }
    double flops() const override { return 0; }

  private:
    static int keep(void* self, const kine_frame* frame) {
        auto& demo = *static_cast<Demo*>(self);
        demo.height_ = frame->height, demo.width_ = frame->width;
        demo.pixels_.insert(demo.pixels_.end(), frame->pixels, frame->pixels + frame->height * frame->width * 3);
        return 0;
    }

    Tensor pictures() const {  // [F, Y, X, 3] in [0, 1]
        const int64_t frames = static_cast<int64_t>(pixels_.size()) / (height_ * width_ * 3);
        Tensor result = Tensor::empty(context_.host(), {frames, height_, width_, 3}, DType::Float32);
        std::ranges::transform(pixels_, result.data<float>(),
                               [](uint8_t level) { return static_cast<float>(level) / 255.0f; });
        return result;
    }

    Context& context_;
    int steps_;
    kinescope::Session session_;
    std::vector<uint8_t> pixels_;
    int64_t height_ = 0, width_ = 0;
};

std::unique_ptr<Work> open_demo(const Opening& opening) { return std::make_unique<Demo>(opening, 25); }
std::unique_ptr<Work> open_demo_step(const Opening& opening) { return std::make_unique<Demo>(opening, 1); }

constexpr std::array<WorkKind, 2> kKinds = {{
    {"demo", "the demo model end to end, 25 steps with guidance", false, no_weights, nothing, open_demo},
    {"demo_step", "the demo model end to end, one step", false, no_weights, nothing, open_demo_step},
}};

}  // namespace

std::span<const WorkKind> demo_kinds() { return kKinds; }

}  // namespace kine::bench
