// Attention without softmax on a GPU.
#include "kernels/attention/linear_attention.h"

#include "tests/device/device_ops.h"

#include <cmath>

namespace kine::kernels {
namespace {

constexpr int64_t kBatches = 2, kSites = 3, kTokens = 11, kHeads = 2, kSize = 37, kWidth = 40;

struct Form {
    bool is_divided;
    bool decays;
};
constexpr Form kForms[] = {{false, false}, {true, false}, {false, true}, {true, true}};

class DeviceOpsLinearAttention : public DeviceOps {
  protected:
    /// q, k, v, positive features for a divisor, and how fast keys fade.
    Inputs inputs(DType dtype) {
        const Shape keys{kBatches, kSites, kTokens, kHeads, kSize};
        return {random(keys, dtype), random(keys, dtype), random({kBatches, kSites, kTokens, kHeads, kWidth}, dtype),
                positive(keys),      positive(keys),      from_doubles(host(), {kHeads}, DType::Float32, {0.05, 0.4})};
    }
    Tensor positive(const Shape& shape) {
        Tensor x = random(shape, DType::Float32);
        for (int64_t i = 0; i < x.elements(); ++i) x.data<float>()[i] = 0.1f + std::abs(x.data<float>()[i]);
        return x;
    }
    static LinearAttention described(const Inputs& i, Form form) {
        LinearAttention attention{.q = i[0], .k = i[1], .v = i[2]};
        if (form.is_divided) attention.plain_q = i[3], attention.plain_k = i[4];
        if (form.decays) attention.decay = i[5];
        return attention;
    }
    /// `ask` gives the tensors that it wants looked at, for every form.
    void expect_alike_in_every_form(const std::function<Tensor(const Context&, const LinearAttention&)>& ask) {
        for (const DType dtype : kTypes) {
            for (const Form form : kForms) {
                SCOPED_TRACE(fmt::format("{} {} {}", name_of(dtype), form.is_divided, form.decays));
                const Op op = [&](const Context& c, const Inputs& i) { return ask(c, described(i, form)); };
                expect_alike(op, inputs(dtype), alike(dtype, 3e-5));
            }
        }
    }
};

TEST_F(DeviceOpsLinearAttention, FindsWhatAllKeysLeft) {
    expect_alike_in_every_form([](const Context& c, const LinearAttention& attention) {
        Tensor state = no_linear_state(c, attention);
        take_keys(c, attention, state);
        return linear_attention(c, attention, state);
    });
}

TEST_F(DeviceOpsLinearAttention, FindsWhatTheKeysBeforeLeft) {
    expect_alike_in_every_form([](const Context& c, const LinearAttention& attention) {
        Tensor state = no_linear_state(c, attention);
        take_keys(c, attention, state);  // of tokens that came before
        return causal_linear_attention(c, attention, state);
    });
}

TEST_F(DeviceOpsLinearAttention, LeavesTheSameStatesBehind) {
    for (const bool is_causal : {false, true}) {
        expect_alike_in_every_form([=](const Context& c, const LinearAttention& attention) {
            Tensor state = no_linear_state(c, attention), part = no_linear_state(c, attention);
            take_keys(c, attention, state);
            if (is_causal) causal_linear_attention(c, attention, part);
            if (!is_causal) take_keys(c, attention, part);
            follow_state(c, state, part, attention.decay, kTokens);
            return state;
        });
    }
}

}  // namespace
}  // namespace kine::kernels
