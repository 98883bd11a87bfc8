// The convolutions of the published decoders have plans for an H200, channels last.
#include "kernels/cudnn/convolution.h"
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
    ConvolutionGraph graph{.input = row.input, .out_channels = row.out_channels, .window = row.window};
    for (int axis = 0; axis < row.window.rank(); ++axis) {
        const bool is_time = row.window.rank() == 3 && axis == 0;
        graph.steps.append(1);
        graph.before.append(is_time ? 0 : row.window[axis] / 2);
        graph.after.append(is_time ? 0 : row.window[axis] / 2);
    }
    return graph;
}

const Row kPictures[] = {{"AutoencoderKL, first", {1, 64, 64, 4}, 512, {3, 3}},
                         {"AutoencoderKL, widest", {1, 64, 64, 512}, 512, {3, 3}},
                         {"AutoencoderKL, narrowing", {1, 256, 256, 512}, 256, {3, 3}},
                         {"AutoencoderKL, shortcut", {1, 256, 256, 512}, 256, {1, 1}},
                         {"AutoencoderKL, largest", {1, 512, 512, 128}, 128, {3, 3}},
                         {"AutoencoderKL, last", {1, 512, 512, 128}, 3, {3, 3}},
                         {"Wan, upsampling", {4, 120, 208, 384}, 192, {3, 3}}};

const Row kVideos[] = {{"Open-Sora, temporal", {1, 7, 60, 107, 512}, 512, {3, 3, 3}},
                       {"CogVideoX, first", {1, 4, 60, 90, 16}, 512, {3, 3, 3}},
                       {"CogVideoX, widest", {1, 4, 60, 90, 512}, 512, {3, 3, 3}},
                       {"CogVideoX, largest", {1, 10, 480, 720, 128}, 128, {3, 3, 3}},
                       {"CogVideoX, last", {1, 10, 480, 720, 128}, 3, {3, 3, 3}},
                       {"Wan, first", {1, 3, 60, 104, 16}, 384, {3, 3, 3}},
                       {"Wan, widest", {1, 3, 60, 104, 384}, 384, {3, 3, 3}},
                       {"Wan, over time", {1, 3, 60, 104, 384}, 768, {3, 1, 1}},
                       {"Wan, largest", {1, 6, 480, 832, 96}, 96, {3, 3, 3}},
                       {"Wan, last", {1, 6, 480, 832, 96}, 3, {3, 3, 3}}};

TEST(ConvolutionPlan, ExistsForPictures) {
    for (const Row& row : kPictures) {
        SCOPED_TRACE(row.name);
        EXPECT_NO_THROW(plan_convolution(h200(), graph_of(row)));
    }
}

TEST(ConvolutionPlan, ExistsForVideos) {
    for (const Row& row : kVideos) {
        SCOPED_TRACE(row.name);
        EXPECT_NO_THROW(plan_convolution(h200(), graph_of(row)));
    }
}

TEST(ConvolutionGraph, KnowsTheSizeOfItsResult) {
    EXPECT_EQ(graph_of(kPictures[2]).output(), (Shape{1, 256, 256, 256}));
    EXPECT_EQ(graph_of(kVideos[5]).output(), (Shape{1, 1, 60, 104, 384}));
    ConvolutionGraph halving{.input = {1, 64, 64, 128}, .out_channels = 128, .window = {3, 3}};
    halving.steps = {2, 2};
    halving.before = {0, 0};
    halving.after = {1, 1};
    EXPECT_EQ(halving.output(), (Shape{1, 32, 32, 128}));
    EXPECT_NO_THROW(plan_convolution(h200(), halving));
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
