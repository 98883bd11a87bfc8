// The T5 encoder against a slow double-precision twin, and its bucket table against the reference's.
#include "dit/text/t5.h"
#include "dit/text/t5_buckets.h"
#include "runtime/io/json.h"
#include "tests/dit/t5_checkpoint.h"
#include "tests/support/test_context.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace kine::dit {
namespace {

using Matrix = std::vector<double>;  // row-major

Matrix times_transposed(const Matrix& x, const Matrix& weight, int64_t in) {
    const size_t rows = x.size() / static_cast<size_t>(in);
    const size_t columns = weight.size() / static_cast<size_t>(in);
    Matrix y(rows * columns);
    for (size_t r = 0; r < rows; ++r)
        for (size_t c = 0; c < columns; ++c)
            for (size_t i = 0; i < static_cast<size_t>(in); ++i)
                y[r * columns + c] += x[r * static_cast<size_t>(in) + i] * weight[c * static_cast<size_t>(in) + i];
    return y;
}

Matrix rms_norm(const Matrix& x, const Matrix& weight) {
    Matrix y = x;
    const size_t width = weight.size();
    for (size_t row = 0; row < x.size(); row += width) {
        double squares = 0;
        for (size_t i = 0; i < width; ++i) squares += x[row + i] * x[row + i];
        const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-6);
        for (size_t i = 0; i < width; ++i) y[row + i] = x[row + i] * scale * weight[i];
    }
    return y;
}

double gelu_tanh(double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

/// The encoder written down as directly as possible.
class Twin {
  public:
    Twin(const Checkpoint& weights, const T5Config& config) : weights_(weights), config_(config) {}

    Matrix operator()(const std::vector<int64_t>& ids, const std::vector<uint8_t>& mask) {
        const Matrix table = weights_("shared.weight");
        Matrix x;
        for (const int64_t id : ids)
            x.insert(x.end(), table.begin() + id * config_.d_model, table.begin() + (id + 1) * config_.d_model);
        for (int64_t i = 0; i < config_.num_layers; ++i) {
            const std::string layer = "encoder.block." + std::to_string(i) + ".layer.";
            if (i == 0 || config_.biases_every_layer)
                bias_ = weights_(layer + "0.SelfAttention.relative_attention_bias.weight");
            add(x, attention(layer + "0.", x, mask));
            add(x, feed_forward(layer + "1.", x));
        }
        return rms_norm(x, weights_("encoder.final_layer_norm.weight"));
    }

  private:
    static void add(Matrix& x, const Matrix& y) {
        for (size_t i = 0; i < x.size(); ++i) x[i] += y[i];
    }

    Matrix attention(const std::string& name, const Matrix& x, const std::vector<uint8_t>& mask) const {
        const Matrix h = rms_norm(x, weights_(name + "layer_norm.weight"));
        const auto project = [&](const char* which) {
            return times_transposed(h, weights_(name + "SelfAttention." + which + ".weight"), config_.d_model);
        };
        const Matrix q = project("q"), k = project("k"), v = project("v");
        Matrix out(q.size());
        for (int64_t head = 0; head < config_.num_heads; ++head)
            for (int64_t row = 0; row < static_cast<int64_t>(mask.size()); ++row) attend(q, k, v, mask, head, row, out);
        return times_transposed(out, weights_(name + "SelfAttention.o.weight"), config_.num_heads * config_.d_kv);
    }

    void attend(const Matrix& q, const Matrix& k, const Matrix& v, const std::vector<uint8_t>& mask, int64_t head,
                int64_t row, Matrix& out) const {
        const int64_t inner = config_.num_heads * config_.d_kv;
        const auto at = [&](int64_t token, int64_t i) {
            return static_cast<size_t>(token * inner + head * config_.d_kv + i);
        };
        std::vector<double> shares(mask.size());
        double total = 0;
        for (int64_t key = 0; key < static_cast<int64_t>(mask.size()); ++key) {
            const int64_t bucket = relative_bucket({8, 12}, key - row);
            double score = bias_[static_cast<size_t>(bucket * config_.num_heads + head)];
            for (int64_t i = 0; i < config_.d_kv; ++i) score += q[at(row, i)] * k[at(key, i)];
            shares[static_cast<size_t>(key)] = mask[static_cast<size_t>(key)] ? std::exp(score) : 0.0;
            total += shares[static_cast<size_t>(key)];
        }
        for (size_t key = 0; key < mask.size(); ++key)
            for (int64_t i = 0; i < config_.d_kv; ++i)
                out[at(row, i)] += shares[key] / total * v[at(static_cast<int64_t>(key), i)];
    }

    Matrix feed_forward(const std::string& name, const Matrix& x) const {
        const Matrix h = rms_norm(x, weights_(name + "layer_norm.weight"));
        Matrix gate = times_transposed(h, weights_(name + "DenseReluDense.wi_0.weight"), config_.d_model);
        const Matrix value = times_transposed(h, weights_(name + "DenseReluDense.wi_1.weight"), config_.d_model);
        for (size_t i = 0; i < gate.size(); ++i) gate[i] = gelu_tanh(gate[i]) * value[i];
        return times_transposed(gate, weights_(name + "DenseReluDense.wo.weight"), config_.d_ff);
    }

    const Checkpoint& weights_;
    T5Config config_;
    Matrix bias_;  // of the layer that is computed
};

class T5 : public testing::Test {
  protected:
    TestContext bundle;
    T5Config config = small_config();
    Checkpoint checkpoint{bundle.context, config};
    // Longer than max_distance on both sides, padding at the end.
    std::vector<int64_t> ids = {7, 3, 22, 0, 11, 5, 9, 2, 19, 4, 13, 8, 21, 6, 1, 0, 0, 0};
    std::vector<uint8_t> mask = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0};

    Matrix encode(DType dtype) { return encode(dtype, checkpoint); }

    Matrix encode(DType dtype, const Checkpoint& weights) {
        const auto length = static_cast<int64_t>(ids.size());
        const T5Encoder encoder = weights.encoder(bundle.context, config, dtype);
        const Tensor states = encoder(bundle.context, Tensor::of<int64_t>(bundle.context, {length}, ids),
                                      Tensor::of<uint8_t>(bundle.context, {length}, mask));
        EXPECT_EQ(states.dtype(), dtype);
        return to_doubles(states);
    }
};

TEST_F(T5, EqualsItsTwinInFloat32) {
    const Matrix want = Twin(checkpoint, config)(ids, mask);
    const Matrix got = encode(DType::Float32);
    // Sums of up to 28 products through two layers: some hundred roundings of 6e-8 on values of about 1.
    for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 2e-5) << i;
}

TEST_F(T5, HasABiasOfItsOwnForEachLayerInUmt5) {
    config.biases_every_layer = true;
    const Checkpoint umt5(bundle.context, config);
    const Matrix want = Twin(umt5, config)(ids, mask);
    const Matrix got = encode(DType::Float32, umt5);
    for (size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(got[i], want[i], 2e-5) << i;
}

TEST_F(T5, StaysCloseToItsTwinInBFloat16) {
    const Matrix want = Twin(checkpoint, config)(ids, mask);
    const Matrix got = encode(DType::BFloat16);
    double error = 0, size = 0;
    for (size_t i = 0; i < want.size(); ++i) {
        error += (got[i] - want[i]) * (got[i] - want[i]);
        size += want[i] * want[i];
    }
    EXPECT_LT(std::sqrt(error / size), 0.02);  // weights and activations carry 8 bits: 0.4 % each
}

TEST_F(T5, DoesNotAttendToPadding) {
    const Matrix first = encode(DType::Float32);
    ids[16] = 12;
    const Matrix second = encode(DType::Float32);
    for (size_t i = 0; i < 15 * 20; ++i) ASSERT_EQ(first[i], second[i]) << i;
}

TEST_F(T5, RefusesAnIdOutsideItsTable) {
    ids[2] = 23;
    EXPECT_THROW(encode(DType::Float32), Error);
}

TEST(T5Buckets, AreTheReferences) {
    // From transformers' T5Attention for distances 0 to 130 behind the query, 32 buckets up to 128.
    const int64_t first_of_bucket[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91};
    for (int64_t bucket = 0; bucket < 16; ++bucket) {
        const int64_t last = bucket < 15 ? first_of_bucket[bucket + 1] : 131;
        for (int64_t distance = first_of_bucket[bucket]; distance < last; ++distance) {
            EXPECT_EQ(relative_bucket({32, 128}, -distance), bucket) << distance;
            if (distance > 0) {
                EXPECT_EQ(relative_bucket({32, 128}, distance), bucket + 16) << distance;
            }
        }
    }
}

ErrorCode code_of(const Json& config) {
    try {
        T5Config::from_json(config, "config.json");
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::Ok;
}

/// The sizes that every file must state, with `changes` on top.
Json sized(const char* changes) {
    Json config = {{"d_model", 20}, {"d_kv", 4}, {"d_ff", 28}, {"num_layers", 2}, {"num_heads", 3}};
    config.update(Json::parse(changes));
    return config;
}

TEST(T5Config, RefusesFilesThatLeaveOutASize) {
    for (const char* size : {"d_model", "d_kv", "d_ff", "num_layers", "num_heads"}) {
        Json config = sized("{}");
        config.erase(size);
        EXPECT_EQ(code_of(config), ErrorCode::BadInput) << size;
    }
}

TEST(T5Config, RefusesWhatTheEncoderCannotBe) {
    EXPECT_EQ(code_of(sized("{}")), ErrorCode::Ok);
    EXPECT_EQ(code_of(sized(R"({"d_model": 0})")), ErrorCode::BadInput);
    EXPECT_EQ(code_of(sized(R"({"d_model": -4})")), ErrorCode::BadInput);
    EXPECT_EQ(code_of(sized(R"({"num_layers": 4000000000})")), ErrorCode::BadInput);
    EXPECT_EQ(code_of(sized(R"({"relative_attention_num_buckets": 2})")), ErrorCode::BadInput);
    EXPECT_EQ(code_of(sized(R"({"relative_attention_max_distance": 8})")), ErrorCode::BadInput);
    EXPECT_EQ(code_of(sized(R"({"layer_norm_epsilon": 0})")), ErrorCode::BadInput);
    EXPECT_EQ(code_of(sized(R"({"feed_forward_proj": "relu"})")), ErrorCode::Unsupported);
    EXPECT_EQ(code_of(sized(R"({"model_type": "umt5"})")), ErrorCode::Ok);
    EXPECT_EQ(code_of(sized(R"({"model_type": "byt5"})")), ErrorCode::Unsupported);
}

}  // namespace
}  // namespace kine::dit
