#include "kernels/blend/blend.h"
#include "tests/support/expect_close.h"
#include "tests/support/test_context.h"

namespace kine::kernels {

namespace {

/// canvas + rows * columns * picture, element by element.
std::vector<double> twin(const Tensor& canvas, const Tensor& picture, const Tensor& rows, const Tensor& columns) {
    std::vector<double> result = to_doubles(canvas);
    const std::vector<double> values = to_doubles(picture);
    const std::vector<double> y_weights = to_doubles(rows);
    const std::vector<double> x_weights = to_doubles(columns);
    for (size_t i = 0; i < result.size(); ++i) {
        const size_t pixel = i / static_cast<size_t>(picture.dim(3));
        const size_t x = pixel % x_weights.size();
        const size_t y = pixel / x_weights.size() % y_weights.size();
        result[i] += y_weights[y] * x_weights[x] * values[i];
    }
    return result;
}

}  // namespace

TEST(AddWeighted, AddsIntoAWindowOfACanvasAndNowhereElse) {
    TestContext test;
    Tensor canvas = random_tensor(test.context, {2, 9, 11, 3}, DType::Float32, 1);
    const std::vector<double> before = to_doubles(canvas);
    const Tensor picture = random_tensor(test.context, {2, 4, 5, 3}, DType::Float32, 2);
    const Tensor rows = random_tensor(test.context, {4}, DType::Float32, 3);
    const Tensor columns = random_tensor(test.context, {5}, DType::Float32, 4);
    Tensor window = canvas.slice(1, 3, 7).slice(2, 2, 7);
    const std::vector<double> want = twin(window, picture, rows, columns);
    add_weighted(test.context, window, picture, rows, columns);
    expect_close(window, want, elementwise_tolerance(DType::Float32));
    const std::vector<double> after = to_doubles(canvas);
    for (size_t i = 0; i < after.size(); ++i) {
        const size_t y = i / 33 % 9;
        const size_t x = i / 3 % 11;
        const bool is_inside = y >= 3 && y < 7 && x >= 2 && x < 7;
        if (!is_inside) {
            ASSERT_EQ(after[i], before[i]);
        }
    }
}

TEST(AddWeighted, RefusesWeightsOfAnotherLength) {
    TestContext test;
    Tensor canvas = Tensor::zeros(test.context, {1, 4, 5, 3}, DType::Float32);
    const Tensor picture = Tensor::zeros(test.context, {1, 4, 5, 3}, DType::Float32);
    const Tensor rows = Tensor::zeros(test.context, {4}, DType::Float32);
    EXPECT_THROW(add_weighted(test.context, canvas, picture, rows, rows), Error);
}

}  // namespace kine::kernels
