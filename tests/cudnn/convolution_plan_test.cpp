// The convolutions of the published decoders have plans for an H200, channels last.
#include "kernels/cudnn/plugin/convolution.h"

#include "kernels/conv/cudnn_convolution.h"
#include "tests/cudnn/h200.h"

#include <gtest/gtest.h>

namespace kine::kernels::cudnn {
namespace {

struct Row {
    const char* name;
    Shape input;
    int64_t out_channels;
    Shape window;
};

// Windows of three keep the size of a picture; over time the past is already in front of the input.
ConvolutionGraph graph_of(const Row& row) {
    const bool is_clip = row.window.rank() == 3;
    const int64_t side = row.window[-1] / 2;
    const WindowGeometry window = {row.input[-1],
                                   is_clip ? row.window[0] : 1,
                                   row.window[-2],
                                   row.window[-1],
                                   {.pad_begin = side, .pad_end = side}};
    return convolution_graph(row.input, row.out_channels, window);
}

/// A plan that has to be compiled holds its kernels, and takes most of a second: dozens of them are too many.
void expect_plan(const ConvolutionGraph& graph) {
    EXPECT_EQ(plan_convolution(h200(), graph).description().find("\"kernels\""), std::string::npos);
}

const Row kPictures[] = {{"AutoencoderKL, first", {1, 64, 64, 4}, 512, {3, 3}},
                         {"AutoencoderKL, widest", {1, 64, 64, 512}, 512, {3, 3}},
                         {"AutoencoderKL, narrowing", {1, 256, 256, 512}, 256, {3, 3}},
                         {"AutoencoderKL, shortcut", {1, 256, 256, 512}, 256, {1, 1}},
                         {"AutoencoderKL, largest", {1, 512, 512, 128}, 128, {3, 3}},
                         {"AutoencoderKL, last", {1, 512, 512, 128}, 3, {3, 3}},
                         {"Wan, upsampling", {4, 120, 208, 384}, 192, {3, 3}}};

const Row kVideos[] = {{"Open-Sora, temporal", {7, 60, 107, 512}, 512, {3, 3, 3}},
                       {"CogVideoX, first", {4, 60, 90, 16}, 512, {3, 3, 3}},
                       {"CogVideoX, widest", {4, 60, 90, 512}, 512, {3, 3, 3}},
                       {"CogVideoX, largest", {10, 480, 720, 128}, 128, {3, 3, 3}},
                       {"CogVideoX, last", {10, 480, 720, 128}, 3, {3, 3, 3}},
                       {"Wan, first", {3, 60, 104, 16}, 384, {3, 3, 3}},
                       {"Wan, widest", {3, 60, 104, 384}, 384, {3, 3, 3}},
                       {"Wan, over time", {3, 60, 104, 384}, 768, {3, 1, 1}},
                       {"Wan, largest", {6, 480, 832, 96}, 96, {3, 3, 3}},
                       {"Wan, last", {6, 480, 832, 96}, 3, {3, 3, 3}}};

TEST(ConvolutionPlan, ExistsForPictures) {
    for (const Row& row : kPictures) {
        SCOPED_TRACE(row.name);
        expect_plan(graph_of(row));
    }
}

TEST(ConvolutionPlan, ExistsForVideos) {
    for (const Row& row : kVideos) {
        SCOPED_TRACE(row.name);
        expect_plan(graph_of(row));
    }
}

TEST(ConvolutionPlan, ExistsForFramesThatAreMissingInFront) {
    const WindowGeometry causal = {512, 3, 3, 3, {.pad_begin = 1, .pad_end = 1, .pad_front = 2}};
    expect_plan(convolution_graph({5, 60, 107, 512}, 512, causal));
}

/// In the order in which they are added, cuDNN has kernels for all of them.
TEST(ConvolutionPlan, ExistsWithResidualsAndInFloat16) {
    const WindowGeometry causal = {512, 3, 3, 3, {.pad_begin = 1, .pad_end = 1, .pad_front = 2}};
    for (ConvolutionGraph graph : {graph_of(kPictures[1]), graph_of(kPictures[4]), graph_of(kVideos[2]),
                                   graph_of(kVideos[8]), convolution_graph({5, 60, 107, 512}, 512, causal)}) {
        for (const DType dtype : {DType::BFloat16, DType::Float16}) {
            for (const bool has_residual : {true, false}) {
                SCOPED_TRACE(fmt::format("{} {} {}", graph.channels, name_of(dtype), has_residual));
                graph.dtype = dtype;
                graph.has_residual = has_residual;
                expect_plan(graph);
            }
        }
    }
}

TEST(ConvolutionPlan, ExistsWithoutBias) {
    const WindowGeometry window = {512, 1, 3, 3, {.pad_begin = 1, .pad_end = 1}};
    expect_plan(convolution_graph({1, 64, 64, 512}, 512, window, false));
}

TEST(ConvolutionPlan, ExistsForHalving) {
    const WindowGeometry halving = {128, 1, 3, 3, {.stride = 2, .pad_end = 1}};
    expect_plan(convolution_graph({1, 64, 64, 128}, 128, halving));
}

TEST(ConvolutionGraph, HasFramesForBatchesOrForAnAxis) {
    const ConvolutionGraph pictures = graph_of(kPictures[6]), clip = graph_of(kVideos[5]);
    EXPECT_EQ(pictures.batches, 4);
    EXPECT_EQ(pictures.rank, 2);
    EXPECT_EQ(pictures.axes[1].windows(), 208);
    EXPECT_EQ(clip.batches, 1);
    EXPECT_EQ(clip.rank, 3);
    EXPECT_EQ(clip.axes[0].windows(), 1) << "three frames, of which two are the past";
    EXPECT_EQ(clip.axes[2].windows(), 104);
}

TEST(ConvolutionPlan, SaysWhyThereIsNone) {
    try {
        plan_convolution({nullptr, "{}"}, graph_of(kPictures[1]));
        FAIL() << "a GPU that nobody described has a plan";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("cuDNN"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace kine::kernels::cudnn
