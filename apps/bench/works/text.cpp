// One block of the T5-XXL encoder with a small table of tokens; the tokens count up.
#include "apps/bench/works/opening.h"
#include "dit/text/t5.h"

#include <numeric>

namespace kine::bench {

namespace {

constexpr int64_t kLength = 120;

dit::T5Config one_block() {
    dit::T5Config config;
    config.vocab_size = 128;
    config.num_layers = 1;
    return config;
}

class TextBlock final : public Work {
  public:
    explicit TextBlock(const Opening& opening)
        : context_(opening.context), mask_(Tensor::of<uint8_t>(context_, {kLength}, std::vector<uint8_t>(kLength, 1))) {
        std::vector<int64_t> ids(kLength);
        std::iota(ids.begin(), ids.end(), 0);
        ids_ = Tensor::of<int64_t>(context_.host(), {kLength}, ids);
        Weights weights = opening.weights();
        encoder_ = std::make_unique<dit::T5Encoder>(Scope(context_, weights, opening.dtype), one_block());
        weights.finish();
    }

    Tensor run() override { return (*encoder_)(context_, ids_, mask_); }
    double flops() const override {
        const dit::T5Config& config = encoder_->config();
        const auto inner = static_cast<double>(config.num_heads * config.d_kv);
        const auto width = static_cast<double>(config.d_model);
        const double linear = 4 * inner * width + 3 * static_cast<double>(config.d_ff) * width;
        return 2 * kLength * (linear + 2 * kLength * inner);
    }

  private:
    Context& context_;
    Tensor mask_, ids_;
    std::unique_ptr<dit::T5Encoder> encoder_;
};

}  // namespace

ShapeMap t5_weights(Context& context) {
    return shapes_for(context, [](const Scope& scope) { return dit::T5Encoder(scope, one_block()); });
}
std::unique_ptr<Work> open_t5(const Opening& opening) { return std::make_unique<TextBlock>(opening); }

}  // namespace kine::bench
