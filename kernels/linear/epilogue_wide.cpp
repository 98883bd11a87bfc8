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

/// Rows of f32 sums: what begins at column i of row `row`.
struct PlainRows {
    const float* data;
    int64_t stride;

    template <class... Lanes>
    Wide load(int64_t row, int64_t i, const float* bias, Lanes... lanes) const {
        return load_wide(data + row * stride + i, lanes...) + load_wide(bias + i, lanes...);
    }
};

/// Rows of whole sums, with their scales.
struct ScaledRows {
    const ScaledSums& sums;
    const float* column_scales;

    template <class... Lanes>
    Wide load(int64_t row, int64_t i, const float* bias, Lanes... lanes) const {
        const auto* from = reinterpret_cast<const float*>(sums.data + row * sums.stride + i);
        const Wide sum = _mm512_cvtepi32_ps(_mm512_castps_si512(load_wide(from, lanes...)));
        const Wide scale = load_wide(column_scales + i, lanes...) * wide(sums.row_scales[row]);
        return sum * scale + load_wide(bias + i, lanes...);
    }
};

template <class T, class Function, class Source>
void finish(const Function& function, const float* bias, const Source& source, Range rows, Range columns, T* out,
            int64_t width) {
    const int64_t whole = columns.size() / kWideLanes * kWideLanes;
    const __mmask16 rest = first_lanes(columns.size() - whole);
    for (int64_t row = 0; row < rows.size(); ++row) {
        T* to = out + (rows.begin + row) * width + columns.begin;
        for (int64_t i = 0; i < whole; i += kWideLanes) store(to + i, function(source.load(row, i, bias)));
        if (rest != 0) store(to + whole, function(source.load(row, whole, bias, rest)), rest);
    }
}

template <class Function, class Source>
void finish(const Epilogue& epilogue, const Source& source, Range rows, Range columns) {
    Tensor& out = *epilogue.out;
    const float* bias = epilogue.bias + columns.begin;
    if (out.dtype() == DType::BFloat16) {
        finish(Function(), bias, source, rows, columns, out.data<BFloat16>(), out.dim(1));
    } else {
        finish(Function(), bias, source, rows, columns, out.data<float>(), out.dim(1));
    }
}

template <class Source>
void finish_from(const Epilogue& epilogue, const Source& source, Range rows, Range columns) {
    switch (epilogue.activation) {
        case Activation::None:
            return finish<Same>(epilogue, source, rows, columns);
        case Activation::GeluTanh:
            return finish<GeluTanh>(epilogue, source, rows, columns);
        case Activation::Silu:
            return finish<Silu>(epilogue, source, rows, columns);
    }
}

}  // namespace

void finish_tile_wide(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns) {
    finish_from(epilogue, PlainRows{sums, stride}, rows, columns);
}

void finish_tile_wide(const Epilogue& epilogue, const ScaledSums& sums, Range rows, Range columns) {
    finish_from(epilogue, ScaledRows{sums, sums.column_scales + columns.begin}, rows, columns);
}

}  // namespace kine::kernels

KINE_WIDE_END
