// Attention on packed projections [1, T, S, 3C], as a block has them.
#include "kernels/attention/attention.h"
#include "apps/bench/works/opening.h"

namespace kine::bench {

namespace {

constexpr int64_t kHeads = 16;
constexpr int64_t kChannels = kHeads * 72;

enum class Attended { Patches, Frames };

struct Grid {
    int64_t frames, patches;
    Attended attended;

    ShapeMap inputs() const { return {{"qkv", {1, frames, patches, 3 * kChannels}}}; }
    int64_t keys() const { return attended == Attended::Frames ? frames : patches; }
    double flops() const { return 4.0 * static_cast<double>(frames * patches * keys() * kChannels); }
};

constexpr Grid kTemporal16 = {16, 256, Attended::Frames};
constexpr Grid kSpatial256 = {16, 256, Attended::Patches};
constexpr Grid kSpatial1024 = {4, 1024, Attended::Patches};

class Attention final : public Work {
  public:
    Attention(const Opening& opening, const Grid& grid)
        : context_(opening.context), grid_(grid), packed_(opening.input("qkv")) {}

    Tensor run() override {
        Tensor mixed = Tensor::empty(context_, {1, grid_.frames, grid_.patches, kChannels}, packed_.dtype());
        Tensor out = heads(mixed, 0);
        kernels::attention_into(context_, heads(packed_, 0), heads(packed_, 1), heads(packed_, 2), out);
        return mixed;
    }
    double flops() const override { return grid_.flops(); }

  private:
    Tensor heads(const Tensor& packed, int64_t part) const {
        const Tensor view = packed.slice(3, part * kChannels, (part + 1) * kChannels).split(3, kHeads);
        return grid_.attended == Attended::Frames ? view.transpose(1, 2) : view;
    }

    Context& context_;
    Grid grid_;
    Tensor packed_;
};

}  // namespace

ShapeMap temporal_16_inputs() { return kTemporal16.inputs(); }
ShapeMap spatial_256_inputs() { return kSpatial256.inputs(); }
ShapeMap spatial_1024_inputs() { return kSpatial1024.inputs(); }

std::unique_ptr<Work> open_temporal_16(const Opening& opening) {
    return std::make_unique<Attention>(opening, kTemporal16);
}
std::unique_ptr<Work> open_spatial_256(const Opening& opening) {
    return std::make_unique<Attention>(opening, kSpatial256);
}
std::unique_ptr<Work> open_spatial_1024(const Opening& opening) {
    return std::make_unique<Attention>(opening, kSpatial1024);
}

}  // namespace kine::bench
