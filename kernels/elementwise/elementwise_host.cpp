#include "kernels/elementwise/elementwise_host.h"

#include "kernels/elementwise/rows_wide.h"
#include "kernels/host/simd.h"
#include "kernels/host/visit.h"
#include "kernels/linear/epilogue.h"
#include "runtime/device/host/processor.h"

#include <algorithm>
#include <atomic>
#include <cmath>

namespace kine::kernels {

namespace {

constexpr int64_t kGrainElements = 16384;  // below this a thread costs more than it saves

// out[i] = function(in[i]...), in parallel.
template <class Out, class Function, class... In>
void map_flat(const Context& context, int64_t count, Out* out, const Function& function, const In*... in) {
    context.threads.parallel_for(count, kGrainElements, [&](int64_t begin, int64_t end) {
        map_lanes(end - begin, out + begin, function, (in + begin)...);
    });
}

// A fresh tensor of function(x[i], more[i]...); all of x's dtype.
template <class Function, class... More>
Tensor map_tensors(const Context& context, const Function& function, const Tensor& x, const More&... more) {
    Tensor out = Tensor::empty(context, x.shape(), x.dtype());
    visit_floating(x.dtype(), [&]<class T>(T) {
        map_flat(context, x.elements(), out.data<T>(), function, x.data<T>(), more.template data<T>()...);
    });
    return out;
}

// Calls body(row) for every row of the last axis, in parallel.
template <class Body>
void for_rows(const Context& context, const Tensor& x, const Body& body) {
    if (x.elements() == 0) return;
    const int64_t grain = std::max<int64_t>(1, kGrainElements / x.dim(-1));
    context.threads.parallel_for(x.elements() / x.dim(-1), grain, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) body(row);
    });
}

int64_t rows_in_group(const Tensor& x, int64_t groups) {
    return std::max<int64_t>(1, x.elements() / std::max<int64_t>(1, x.dim(-1) * groups));
}

// NaN and infinity are the values whose exponent bits are all ones.
template <class T>
bool is_finite_run(const T* x, int64_t count) {
    Int8 worst = {};
    const auto note = [&worst](Float8 v) { worst |= ((Int8)v & 0x7f800000) == 0x7f800000; };
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) note(load(x + i));
    if (i < count) note(load_first(x + i, count - i));
    return std::all_of(&worst[0], &worst[0] + kLanes, [](int32_t lane) { return lane == 0; });
}

// The product is rounded to f32 before it is rounded to a level, as every reference does; NaN becomes 0.
Float8 scaled_to_levels(Float8 values) {
    const Float8 positive = values > 0.0f ? values : splat(0.0f);
    return (positive < 1.0f ? positive : splat(1.0f)) * 255.0f;
}

// Some at a time, so that the loop that rounds, ties to even, has nothing to decide and goes in lanes.
template <class T>
void write_levels(const T* from, int64_t count, uint8_t* to) {
    constexpr int64_t kAtOnce = 512;
    float levels[kAtOnce];
    for (int64_t done = 0; done < count; done += kAtOnce) {
        const int64_t part = std::min(kAtOnce, count - done);
        map_lanes(part, levels, scaled_to_levels, from + done);
        std::transform(levels, levels + part, to + done, [](float v) { return static_cast<uint8_t>(std::rint(v)); });
    }
}

}  // namespace

Tensor add_host(const Context& context, const Tensor& a, const Tensor& b) {
    return map_tensors(
        context, [](Float8 u, Float8 v) { return u + v; }, a, b);
}

Tensor multiply_host(const Context& context, const Tensor& a, const Tensor& b) {
    return map_tensors(
        context, [](Float8 u, Float8 v) { return u * v; }, a, b);
}

Tensor scale_host(const Context& context, const Tensor& x, float factor, float offset) {
    return map_tensors(
        context, [=](Float8 v) { return v * factor + offset; }, x);
}

Tensor activate_host(const Context& context, const Tensor& x, Activation activation) {
    Tensor out;
    with_activation(activation, [&](auto function) { out = map_tensors(context, function, x); });
    return out;
}

Tensor gelu_tanh_gate_host(const Context& context, const Tensor& gate, const Tensor& value) {
    return map_tensors(
        context, [](Float8 g, Float8 v) { return gelu_tanh(g) * v; }, gate, value);
}

Tensor clamp_host(const Context& context, const Tensor& x, float low, float high) {
    const Float8 lows = splat(low);
    const Float8 highs = splat(high);
    return map_tensors(
        context, [=](Float8 v) { return v < lows ? lows : (v > highs ? highs : v); }, x);
}

Tensor combine_host(const Context& context, const Tensor& x, const Tensor& y, float a, float b) {
    Tensor out = Tensor::empty(context, x.shape(), DType::Float32);
    visit_floating(x.dtype(), [&]<class X>(X) {
        visit_floating(y.dtype(), [&]<class Y>(Y) {
            const auto function = [=](Float8 u, Float8 v) { return a * u + b * v; };
            map_flat(context, x.elements(), out.data<float>(), function, x.data<X>(), y.data<Y>());
        });
    });
    return out;
}

bool all_finite_host(const Context& context, const Tensor& x) {
    std::atomic<bool> finite = true;
    visit_floating(x.dtype(), [&]<class T>(T) {
        context.threads.parallel_for(x.elements(), kGrainElements, [&](int64_t begin, int64_t end) {
            if (!is_finite_run(x.data<T>() + begin, end - begin)) finite = false;
        });
    });
    return finite;
}

Tensor cast_host(const Context& context, const Tensor& x, DType dtype) {
    Tensor out = Tensor::empty(context, x.shape(), dtype);
    visit_floating(x.dtype(), [&]<class In>(In) {
        visit_floating(dtype, [&]<class Out>(Out) {
            map_flat(
                context, x.elements(), out.data<Out>(), [](Float8 v) { return v; }, x.data<In>());
        });
    });
    return out;
}

Tensor quantize_rgb_host(const Context& context, const Tensor& x) {
    Tensor out = Tensor::empty(context, x.shape(), DType::UInt8);
    visit_floating(x.dtype(), [&]<class T>(T) {
        context.threads.parallel_for(x.elements(), kGrainElements, [&](int64_t begin, int64_t end) {
            write_levels(x.data<T>() + begin, end - begin, out.data<uint8_t>() + begin);
        });
    });
    return out;
}

void gate_residual_host(const Context& context, const Tensor& x, const Tensor& gates, const Tensor& y, Tensor& out) {
    const int64_t width = x.dim(-1);
    const int64_t repeat = rows_in_group(x, gates.dim(0));
    const auto narrow = [](Float8 u, Float8 g, Float8 v) { return u + g * v; };
    visit_floating(x.dtype(), [&]<class T>(T) {
        for_rows(context, x, [&, is_wide = uses_avx512()](int64_t row) {
            const float* gate = gates.data<float>() + row / repeat * width;
            const T *u = x.data<T>() + row * width, *v = y.data<T>() + row * width;
            T* to = out.data<T>() + row * width;
            return is_wide ? add_gated_wide(u, gate, v, width, to) : map_lanes(width, to, narrow, u, gate, v);
        });
    });
}

void add_into_host(const Context& context, const Tensor& x, const Tensor& y, Tensor& out) {
    visit_floating(x.dtype(), [&]<class T>(T) {
        const T *u = x.data<T>(), *v = y.data<T>();
        T* to = out.data<T>();
        if (!uses_avx512())
            return map_flat(
                context, x.elements(), to, [](Float8 a, Float8 b) { return a + b; }, u, v);
        context.threads.parallel_for(x.elements(), kGrainElements, [&](int64_t begin, int64_t end) {
            add_wide(u + begin, v + begin, end - begin, to + begin);
        });
    });
}

Tensor gate_multiply_host(const Context& context, const Tensor& gates, const Tensor& y) {
    Tensor out = Tensor::empty(context, y.shape(), y.dtype());
    const int64_t width = y.dim(-1);
    const int64_t repeat = rows_in_group(y, gates.dim(0));
    visit_floating(y.dtype(), [&]<class T>(T) {
        for_rows(context, y, [&](int64_t row) {
            const float* gate = gates.data<float>() + row / repeat * width;
            map_lanes(
                width, out.data<T>() + row * width, [](Float8 g, Float8 v) { return g * v; }, gate,
                y.data<T>() + row * width);
        });
    });
    return out;
}

void add_rows_host(const Context& context, const Tensor& x, const Tensor& table, int64_t repeat, Tensor& out) {
    const int64_t width = x.dim(-1);
    visit_floating(x.dtype(), [&]<class T>(T) {
        for_rows(context, x, [&](int64_t row) {
            const float* added = table.data<float>() + row / repeat % table.dim(0) * width;
            map_lanes(
                width, out.data<T>() + row * width, [](Float8 u, Float8 v) { return u + v; }, x.data<T>() + row * width,
                added);
        });
    });
}

}  // namespace kine::kernels
