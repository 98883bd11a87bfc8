// Ranks that were started with different options find out before they compute anything.
#include "dit/agreement.h"
#include "parallel/launch.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

namespace kine::dit {
namespace {

/// What three ranks say when rank 2 differs by `change`; empty if they agree.
std::string disagreement(const std::function<void(Request&, OpenedModel& model)>& change) {
    const auto body = [&](parallel::Communicator& communicator) {
        TestContext bundle(1);
        Request request;
        request.prompt = "a kite";
        request.latents = Tensor::zeros(bundle.context, {4, 1, 2, 2}, DType::Float32);
        OpenedModel model = {.hash = "a model"};
        if (communicator.rank() == 2) change(request, model);
        check_agreement(bundle.context, communicator, request, model);
    };
    try {
        parallel::launch(3, body);
        return {};
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Usage);
        return error.what();
    }
}

TEST(Agreement, IsReachedByEqualRequests) {
    EXPECT_EQ(disagreement([](Request&, OpenedModel&) {}), "");
}

TEST(Agreement, NamesTheRankAndTheOptionThatDiffers) {
    EXPECT_EQ(disagreement([](Request& request, OpenedModel&) { request.steps = 3; }),
              "rank 2 was started with another steps than rank 0");
    EXPECT_EQ(disagreement([](Request& request, OpenedModel&) { request.guidance_scale = 2.0; }),
              "rank 2 was started with another guidance_scale than rank 0");
}

TEST(Agreement, CoversTheModelAndTheNoise) {
    EXPECT_EQ(disagreement([](Request&, OpenedModel& model) { model.hash = "another"; }),
              "rank 2 was started with another model than rank 0");
    EXPECT_EQ(disagreement([](Request&, OpenedModel& model) { model.dtype = DType::BFloat16; }),
              "rank 2 was started with another dtype than rank 0");
    EXPECT_EQ(disagreement([](Request&, OpenedModel& model) { model.quantization = Quantization::Int8; }),
              "rank 2 was started with another quantize than rank 0");
    EXPECT_EQ(disagreement([](Request& request, OpenedModel&) { request.latents.data<float>()[3] = 1; }),
              "rank 2 was started with another latents than rank 0");
}

}  // namespace
}  // namespace kine::dit
