#include "kernels/host/visit.h"
#include "kernels/host/wide.h"
#include "kernels/linear/epilogue.h"

KINE_WIDE_BEGIN

namespace kine::kernels {

namespace {

struct Same {
    Wide operator()(Wide v) const { return v; }
};
struct GeluTanh {
    Wide operator()(Wide v) const { return gelu_tanh(v); }
};
struct Silu {
    Wide operator()(Wide v) const { return silu(v); }
};

struct SumRows {
    const float* data;
    int64_t stride;
};

template <class T, class Function>
void finish(const Function& function, const float* bias, SumRows sums, Range rows, Range columns, T* out,
            int64_t width) {
    const int64_t whole = columns.size() / kWideLanes * kWideLanes;
    const __mmask16 rest = first_lanes(columns.size() - whole);
    for (int64_t row = rows.begin; row < rows.end; ++row, sums.data += sums.stride) {
        T* to = out + row * width + columns.begin;
        for (int64_t i = 0; i < whole; i += kWideLanes)
            store(to + i, function(load_wide(sums.data + i) + load_wide(bias + i)));
        if (rest != 0) {
            const Wide sum = load_wide(sums.data + whole, rest) + load_wide(bias + whole, rest);
            store(to + whole, function(sum), rest);
        }
    }
}

template <class Function>
void finish(const Epilogue& epilogue, SumRows sums, Range rows, Range columns) {
    Tensor& out = *epilogue.out;
    const float* bias = epilogue.bias + columns.begin;
    if (out.dtype() == DType::BFloat16) {
        finish(Function(), bias, sums, rows, columns, out.data<BFloat16>(), out.dim(1));
    } else {
        finish(Function(), bias, sums, rows, columns, out.data<float>(), out.dim(1));
    }
}

}  // namespace

void finish_tile_wide(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns) {
    switch (epilogue.activation) {
        case Activation::None:
            return finish<Same>(epilogue, {sums, stride}, rows, columns);
        case Activation::GeluTanh:
            return finish<GeluTanh>(epilogue, {sums, stride}, rows, columns);
        case Activation::Silu:
            return finish<Silu>(epilogue, {sums, stride}, rows, columns);
    }
}

}  // namespace kine::kernels

KINE_WIDE_END
