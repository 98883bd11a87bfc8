#include "dit/vae/chunking.h"
#include "dit/vae/tiling.h"
#include "kernels/move/move.h"
#include "kernels/resample/resample.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

namespace kine::dit {

namespace {

struct Axis {
    int64_t size;
    int64_t tile;
    double overlap;
};

const Axis kAxes[] = {{64, 16, 0.25}, {65, 16, 0.25}, {7, 3, 0.5},  {33, 32, 0.5},  {100, 11, 0.0},
                      {5, 1, 0.5},    {17, 16, 0.1},  {31, 8, 0.3}, {48, 32, 0.25}, {2, 1, 0.0}};

/// The sum of all tiles' weights at each pixel.
std::vector<double> weight_sums(const Axis& axis, int64_t factor) {
    const std::vector<TileSpan> spans = tile_spans(axis.size, axis.tile, axis.overlap);
    std::vector<double> sums(static_cast<size_t>(axis.size * factor), 0.0);
    for (size_t i = 0; i < spans.size(); ++i) {
        const std::vector<float> weights = blend_weights(spans, i, factor);
        for (size_t p = 0; p < weights.size(); ++p)
            sums[static_cast<size_t>(spans[i].begin * factor) + p] += weights[p];
    }
    return sums;
}

}  // namespace

TEST(AutoencoderTiling, SpansAreEquallyLongAndCoverTheAxis) {
    for (const Axis& axis : kAxes) {
        const std::vector<TileSpan> spans = tile_spans(axis.size, axis.tile, axis.overlap);
        EXPECT_EQ(spans.front().begin, 0);
        EXPECT_EQ(spans.back().end, axis.size);
        for (const TileSpan& span : spans) EXPECT_EQ(span.size(), axis.tile);
    }
}

TEST(AutoencoderTiling, NeighboursShareAtLeastTheOverlapAskedFor) {
    for (const Axis& axis : kAxes) {
        const std::vector<TileSpan> spans = tile_spans(axis.size, axis.tile, axis.overlap);
        const auto asked = static_cast<int64_t>(static_cast<double>(axis.tile) * axis.overlap);
        for (size_t i = 1; i < spans.size(); ++i) EXPECT_GE(spans[i - 1].end - spans[i].begin, asked) << axis.size;
    }
}

TEST(AutoencoderTiling, ATileAsLargeAsTheAxisIsTheOnlyOne) {
    EXPECT_EQ(tile_spans(9, 9, 0.5), (std::vector<TileSpan>{{0, 9}}));
    EXPECT_EQ(tile_spans(9, 12, 0.5), (std::vector<TileSpan>{{0, 9}}));
    EXPECT_EQ(tile_spans(9, 0, 0.5), (std::vector<TileSpan>{{0, 9}}));
}

TEST(AutoencoderTiling, WeightsSumToOneEverywhere) {
    for (const Axis& axis : kAxes) {
        for (const double sum : weight_sums(axis, 8)) ASSERT_NEAR(sum, 1.0, 1e-6) << axis.size << " " << axis.tile;
    }
}

TEST(AutoencoderTiling, AWeightIsExactlyOneWhereATileIsAlone) {
    const std::vector<TileSpan> spans = tile_spans(28, 16, 0.25);  // [0, 16) and [12, 28)
    const std::vector<float> weights = blend_weights(spans, 0, 2);
    for (size_t p = 0; p < 24; ++p) EXPECT_EQ(weights[p], 1.0f);
    for (size_t p = 25; p < 32; ++p) EXPECT_LT(weights[p], weights[p - 1]);
}

TEST(AutoencoderTiling, FadesLinearlyFromTileToTile) {
    const std::vector<TileSpan> spans = {{0, 4}, {2, 6}};
    const std::vector<float> weights = blend_weights(spans, 1, 2);  // shared are 4 pixels
    EXPECT_EQ(weights, (std::vector<float>{0.125f, 0.375f, 0.625f, 0.875f, 1, 1, 1, 1}));
}

/// The simplest decoder: [C, F, Y, X] -> [F, 2 Y, 2 X, C], every pixel repeated.
Tensor enlarged(const Context& context, const Tensor& latents) {
    const Tensor pictures = kernels::to_channels_last(context, latents.transpose(0, 1), DType::Float32);
    return kernels::upsample_nearest_2x(context, pictures);
}

Tensor enlarged_in_tiles(const Context& context, const TileGrid& grid, const Tensor& latents) {
    TileCanvas canvas(grid);
    for (int64_t tile = 0; tile < grid.count(); ++tile) {
        const bool is_whole = canvas.add(context, tile, enlarged(context, grid.window(latents, tile)));
        EXPECT_EQ(is_whole, tile + 1 == grid.count());
    }
    return canvas.take();
}

TEST(AutoencoderTiling, TilesOfALocalDecoderGiveTheWholePicture) {
    TestContext test;
    const Tensor latents = random_tensor(test.context, {3, 2, 13, 9}, DType::Float32, 1);
    const Tensor whole = enlarged(test.context, latents);
    for (const double overlap : {0.0, 0.2, 0.5}) {
        const TileGrid grid(13, 9, {.tile = 5, .tile_overlap = overlap}, 2);
        const Tensor tiled = enlarged_in_tiles(test.context, grid, latents);
        expect_close(tiled, to_doubles(whole), {1e-6, 1e-6});  // weights are rounded to f32, and summed
    }
}

TEST(AutoencoderTiling, BandsOfRowsGiveTheBitsOfTheWholePicture) {
    TestContext test;
    const Tensor latents = random_tensor(test.context, {3, 2, 13, 9}, DType::Float32, 1);
    const Tensor whole = enlarged(test.context, latents);
    for (const int64_t bands : {2, 3, 13}) {
        const TileGrid grid(13, 9, {.bands = bands}, 2);
        EXPECT_EQ(grid.count(), bands);
        EXPECT_TRUE(same_bits(enlarged_in_tiles(test.context, grid, latents), whole)) << bands;
    }
}

TEST(AutoencoderTiling, ATileKnowsTheShapeOfItsPixels) {
    TestContext test;
    const Tensor latents = random_tensor(test.context, {3, 2, 13, 9}, DType::Float32, 1);
    for (const DecodeOptions& options : {DecodeOptions{.tile = 5}, DecodeOptions{.bands = 4}}) {
        const TileGrid grid(13, 9, options, 2);
        for (int64_t tile = 0; tile < grid.count(); ++tile) {
            EXPECT_EQ(enlarged(test.context, grid.window(latents, tile)).shape(), grid.tile_shape(tile, 2));
        }
    }
}

TEST(AutoencoderChunking, RangesCoverAllFramesInOrder) {
    std::vector<int64_t> edges;
    for_each_chunk(7, 3, [&](int64_t begin, int64_t end) { edges.insert(edges.end(), {begin, end}); });
    EXPECT_EQ(edges, (std::vector<int64_t>{0, 3, 3, 6, 6, 7}));
}

TEST(AutoencoderChunking, TakesWhatIsAskedForAndOneFrameOfALargePicture) {
    EXPECT_EQ(chunk_frames(64, 64, {.chunk = 5}), 5);
    EXPECT_EQ(chunk_frames(64, 64, {}), 1);
    EXPECT_GT(chunk_frames(8, 8, {}), 1);
    EXPECT_EQ(chunk_frames(512, 512, {.tile = 8}), chunk_frames(8, 8, {}));
}

TEST(AutoencoderChunking, RefusesOptionsOutsideTheirRange) {
    EXPECT_THROW(check_decode_options({.chunk = -1}), Error);
    EXPECT_THROW(check_decode_options({.tile = -2}), Error);
    EXPECT_THROW(check_decode_options({.tile_overlap = 0.51}), Error);
    EXPECT_THROW(check_decode_options({.tile_overlap = std::nan("")}), Error);
    EXPECT_NO_THROW(check_decode_options({.chunk = 1, .tile = 8, .tile_overlap = 0.5}));
}

}  // namespace kine::dit
