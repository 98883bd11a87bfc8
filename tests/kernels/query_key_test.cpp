#include "kernels/rope/query_key.h"

#include "kernels/move/move.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

#include <cmath>

namespace kine::kernels {
namespace {

constexpr int64_t kSize = 6;
const Shape kHeads = {2, 3, 4, 2, kSize};  // [B, T, S, H, D]

double at(const Tensor& vector, int64_t i) { return vector ? static_cast<double>(vector.data<float>()[i]) : 0; }

/// One head in double: normed, then turned by a row of cos and sin.
void place_twin(double* head, const Tensor& weight, const Tensor& bias, double eps, const float* turns) {
    double mean = 0, squares = 0;
    for (int64_t i = 0; bias && i < kSize; ++i) mean += head[i] / kSize;
    for (int64_t i = 0; i < kSize; ++i) squares += (head[i] - mean) * (head[i] - mean) / kSize;
    for (int64_t i = 0; weight && i < kSize; ++i)
        head[i] = (head[i] - mean) / std::sqrt(squares + eps) * at(weight, i) + at(bias, i);
    for (int64_t i = 0; turns && i < kSize; i += 2) {
        const double a = head[i], b = head[i + 1];
        head[i] = a * turns[i] - b * turns[i + 1];
        head[i + 1] = b * turns[i] + a * turns[i + 1];
    }
}

std::vector<double> twin(const Tensor& heads, const Tensor& weight, const Tensor& bias, double eps,
                         const Tensor& turns) {
    std::vector<double> values = to_doubles(heads);
    for (int64_t row = 0; row < heads.elements() / kSize; ++row) {
        const int64_t place = row / kHeads[3] % (kHeads[1] * kHeads[2]);
        place_twin(values.data() + row * kSize, weight, bias, eps,
                   turns ? turns.data<float>() + place * kSize : nullptr);
    }
    return values;
}

class PlaceHeads : public testing::Test {
  protected:
    Tensor vector(uint64_t seed) { return random_tensor(test_.context, {kSize}, DType::Float32, seed); }

    /// Queries, keys and values of packed projections.
    Tensor side(const Tensor& packed, int64_t part) {
        return packed.slice(-1, part * 2 * kSize, (part + 1) * 2 * kSize).split(3, 2);
    }

    void expect_twin(const HeadNorms& norms, const Tensor& turns) {
        for (const DType dtype : {DType::Float32, DType::BFloat16}) {
            const Tensor packed = random_tensor(test_.context, {2, 3, 4, 6 * kSize}, dtype, 1);
            Tensor queries = side(packed, 0), keys = side(packed, 1);
            const auto want_q =
                twin(contiguous(test_.context, queries), norms.query_weight, norms.query_bias, norms.eps, turns);
            const auto want_k =
                twin(contiguous(test_.context, keys), norms.key_weight, norms.key_bias, norms.eps, turns);
            const Tensor values = contiguous(test_.context, side(packed, 2));
            place_heads(test_.context, queries, keys, norms, turns);
            // Stored between norm and turn, so that two channels meet with an error each, and rounded again.
            const Tolerance allowed =
                dtype == DType::BFloat16 ? Tolerance{1.6e-2, 1.6e-2} : sum_tolerance(dtype, kSize);
            expect_close(contiguous(test_.context, queries), want_q, allowed);
            expect_close(contiguous(test_.context, keys), want_k, allowed);
            EXPECT_TRUE(same_bits(contiguous(test_.context, side(packed, 2)), values));
        }
    }

    void expect_refused(const HeadNorms& norms, const Tensor& turns, const std::string& part) {
        Tensor heads = random_tensor(test_.context, kHeads, DType::Float32, 1), keys = heads;
        try {
            place_heads(test_.context, heads, keys, norms, turns);
            FAIL() << "no error";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Bug);
            EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
        }
    }

    TestContext test_;
};

TEST_F(PlaceHeads, EqualsTheTwinInEveryForm) {
    const Tensor turns = random_tensor(test_.context, {3, 4, kSize}, DType::Float32, 7);
    const HeadNorms rms = {vector(2), vector(3), {}, {}, 1e-5f};
    const HeadNorms layer = {vector(2), vector(3), vector(4), vector(5), 1e-3f};
    for (const HeadNorms& norms : {HeadNorms(), rms, layer}) {
        expect_twin(norms, turns);
        expect_twin(norms, {});
    }
}

TEST_F(PlaceHeads, RefusesWhatDoesNotBelongTogether) {
    const Tensor turns = random_tensor(test_.context, {3, 4, kSize}, DType::Float32, 7);
    expect_refused({vector(2), {}, {}, {}, 1e-5f}, turns, "normed in the same way");
    expect_refused({{}, {}, vector(2), vector(3), 1e-5f}, turns, "a bias comes with a weight");
    const Tensor longer = random_tensor(test_.context, {kSize + 1}, DType::Float32, 1);
    expect_refused({longer, longer, {}, {}, 1e-5f}, turns, "a norm's vector");
    expect_refused({}, random_tensor(test_.context, {2, 4, kSize}, DType::Float32, 7), "place_heads: turns have shape");
}

}  // namespace
}  // namespace kine::kernels
