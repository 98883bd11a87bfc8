#include "kernels/linear/activation_wide.h"
#include "kernels/linear/epilogue.h"
#include "runtime/device/host/processor.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,prefer-vector-width=512")

namespace kine::kernels {

namespace {

struct SumRows {
    const float* data;
    int64_t stride;
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

template <class Form, class Function>
void finish(const Epilogue& epilogue, SumRows sums, Range rows, Range columns) {
    const Function function;
    const float* bias = epilogue.bias + columns.begin;
    const int64_t width = epilogue.out->dim(1), whole = columns.size() / kWideLanes * kWideLanes;
    const __mmask16 rest = first_lanes(columns.size() - whole);
    auto* to = epilogue.out->data<typename Form::Value>() + rows.begin * width + columns.begin;
    for (int64_t row = rows.begin; row < rows.end; ++row, to += width, sums.data += sums.stride) {
        for (int64_t i = 0; i < whole; i += kWideLanes)
            Form::put(to + i, function(load_wide(sums.data + i) + load_wide(bias + i)), first_lanes(kWideLanes));
        if (rest == 0) continue;
        const Wide sum = load_wide(sums.data + whole, rest) + load_wide(bias + whole, rest);
        Form::put(to + whole, function(sum), rest);
    }
}

template <class Function>
void finish(const Epilogue& epilogue, SumRows sums, Range rows, Range columns) {
    if (epilogue.out->dtype() == DType::Float32) return finish<AsFloats, Function>(epilogue, sums, rows, columns);
    if (instruction_set() < InstructionSet::Amx) return finish<AsHalves, Function>(epilogue, sums, rows, columns);
    finish<AsHalvesAmx, Function>(epilogue, sums, rows, columns);
}

}  // namespace

void finish_tile_wide(const Epilogue& epilogue, const float* sums, int64_t stride, Range rows, Range columns) {
    switch (epilogue.activation) {
        case Activation::None:
            return finish<WideSame>(epilogue, {sums, stride}, rows, columns);
        case Activation::GeluTanh:
            return finish<WideGeluTanh>(epilogue, {sums, stride}, rows, columns);
        case Activation::Silu:
            return finish<WideSilu>(epilogue, {sums, stride}, rows, columns);
    }
}

}  // namespace kine::kernels

#pragma GCC pop_options
