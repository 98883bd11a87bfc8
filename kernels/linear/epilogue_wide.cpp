#include "kernels/linear/activation_wide.h"
#include "kernels/linear/epilogue.h"
#include "runtime/device/host/processor.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

/// Rows of f32 sums: what stands at column i of row `row`, with the bias at `bias`.
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

struct AsFloats {
    using Value = float;
    static void put(float* to, Wide v, __mmask16 lanes) { store(to, v, lanes); }
};
struct AsHalves {
    using Value = BFloat16;
    static void put(BFloat16* to, Wide v, __mmask16 lanes) { store(to, v, lanes); }
};
struct AsHalvesAmx {
    using Value = BFloat16;
    static void put(BFloat16* to, Wide v, __mmask16 lanes) { _mm256_mask_storeu_epi16(to, lanes, rounded_amx(v)); }
};

template <class Form, class Function, bool kAddsResidual, class Source>
void finish(const Epilogue& epilogue, const Source& source, Range rows, Range columns) {
    const Function function;
    const float* bias = epilogue.bias + columns.begin;
    const int64_t width = epilogue.out->dim(1), whole = columns.size() / kWideLanes * kWideLanes;
    const int64_t first = rows.begin * width + columns.begin;
    const __mmask16 rest = first_lanes(columns.size() - whole);
    auto* to = epilogue.out->data<typename Form::Value>() + first;
    const auto* residual = kAddsResidual ? epilogue.residual->data<typename Form::Value>() + first : nullptr;
    for (int64_t row = 0; row < rows.size(); ++row, to += width) {
        const auto value_at = [&](int64_t i, auto... lanes) {
            const Wide value = function(source.load(row, i, bias, lanes...));
            if constexpr (kAddsResidual) return value + load_wide(residual + row * width + i, lanes...);
            return value;
        };
        for (int64_t i = 0; i < whole; i += kWideLanes) Form::put(to + i, value_at(i), first_lanes(kWideLanes));
        if (rest != 0) Form::put(to + whole, value_at(whole, rest), rest);
    }
}

template <class Function, bool kAddsResidual = false, class Source>
void finish(const Epilogue& epilogue, const Source& source, Range rows, Range columns) {
    if (epilogue.out->dtype() == DType::Float32)
        return finish<AsFloats, Function, kAddsResidual>(epilogue, source, rows, columns);
    if (instruction_set() < InstructionSet::Amx)
        return finish<AsHalves, Function, kAddsResidual>(epilogue, source, rows, columns);
    finish<AsHalvesAmx, Function, kAddsResidual>(epilogue, source, rows, columns);
}

template <class Source>
void finish_from(const Epilogue& epilogue, const Source& source, Range rows, Range columns) {
    switch (epilogue.activation) {
        case Activation::None:
            return finish<WideSame>(epilogue, source, rows, columns);
        case Activation::GeluTanh:
            return finish<WideGeluTanh>(epilogue, source, rows, columns);
        case Activation::Silu:
            return finish<WideSilu>(epilogue, source, rows, columns);
    }
}

}  // namespace

void finish_tile_wide(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns) {
    const PlainRows source{sums, stride};
    if (epilogue.residual) return finish<WideSame, true>(epilogue, source, rows, columns);
    finish_from(epilogue, source, rows, columns);
}

void finish_tile_wide(const Epilogue& epilogue, const ScaledSums& sums, Range rows, Range columns) {
    finish_from(epilogue, ScaledRows{sums, sums.column_scales + columns.begin}, rows, columns);
}

}  // namespace kine::kernels

#pragma GCC pop_options
