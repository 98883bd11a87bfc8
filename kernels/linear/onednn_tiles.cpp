#include "kernels/linear/onednn_tiles.h"

#include "kernels/host/one_thread.h"

#include "runtime/device/host/processor.h"

#include <oneapi/dnnl/dnnl.hpp>

#include <cstdlib>
#include <vector>

namespace kine::kernels {

namespace {

using Memory = dnnl::memory;
using Matmul = dnnl::matmul;

constexpr int64_t kWidestPanel = 256;  // work for one thread, with the packed panel in its L2

// Matrix units want more rows at a time; wide tiles waste time on the one or two rows of a timestep embedding.
int64_t tile_rows(DType dtype) { return dtype == DType::BFloat16 ? 64 : 32; }

int64_t panel_width(int64_t columns) {
    const int64_t panels = (columns + kWidestPanel - 1) / kWidestPanel;
    const int64_t even = (columns + panels - 1) / panels;
    return std::min(columns, (even + 15) / 16 * 16);
}

Memory::data_type type_of(DType dtype) {
    return dtype == DType::BFloat16 ? Memory::data_type::bf16 : Memory::data_type::f32;
}

Memory::desc row_major(int64_t rows, int64_t columns, Memory::data_type type) {
    return {{rows, columns}, type, Memory::format_tag::ab};
}

/// The library goes no further than KINE_CPU. Without it, its own ONEDNN_MAX_CPU_ISA counts.
void cap_library() {
    constexpr dnnl::cpu_isa kCaps[] = {dnnl::cpu_isa::avx2, dnnl::cpu_isa::avx512_core_bf16,
                                       dnnl::cpu_isa::avx512_core_amx};
    static const bool is_capped = [&] {
        const char* wish = std::getenv("KINE_CPU");
        return wish != nullptr && *wish != '\0' &&
               dnnl::set_max_cpu_isa(kCaps[static_cast<size_t>(instruction_set())]) == dnnl::status::success;
    }();
    static_cast<void>(is_capped);
}

// Empty where the library has no implementation. Sums leave as f32 in either dtype: we round once, after the
// activation.
Matmul::primitive_desc describe(const dnnl::engine& engine, int64_t depth, int64_t columns, DType dtype) {
    cap_library();
    const int64_t rows = tile_rows(dtype);
    const Memory::desc weight({depth, columns}, type_of(dtype), Memory::format_tag::any);
    const Matmul::desc problem(row_major(rows, depth, type_of(dtype)), weight,
                               row_major(rows, columns, Memory::data_type::f32));
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // the default one is not safe for several threads
    return Matmul::primitive_desc(problem, attributes, engine, true);
}

}  // namespace

struct OnednnMatrix::State {
    struct Scratch {  // of one thread
        Tensor left, sums, library;
    };
    struct Panel {
        Range columns;
        Matmul::primitive_desc plan;
        Matmul primitive;
        Tensor packed;
    };

    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    int64_t depth = 0;
    DType dtype = DType::Float32;
    std::vector<Panel> panels;

    void add_panel(const Context& context, const Tensor& weight, Range columns);
    void run(const Panel& panel, Scratch& scratch) const;
    Scratch make_scratch(const Context& context) const;
};

void OnednnMatrix::State::add_panel(const Context& context, const Tensor& weight, Range columns) {
    Panel panel = {columns, describe(engine, depth, columns.size(), dtype), {}, {}};
    check(static_cast<bool>(panel.plan), ErrorCode::Unsupported, "linear: oneDNN has no {} product on this processor",
          name_of(dtype));
    panel.primitive = Matmul(panel.plan);
    panel.packed = Tensor::empty(context, {static_cast<int64_t>(panel.plan.weights_desc().get_size())}, DType::UInt8);
    // [N, K] row-major is [K, N] with the axes' strides swapped.
    const Memory::desc plain({depth, columns.size()}, type_of(dtype), Memory::format_tag::ba);
    const int64_t offset = columns.begin * depth * size_of(dtype);
    Memory from(plain, engine, const_cast<std::byte*>(weight.raw() + offset));  // the interface takes no const
    Memory to(panel.plan.weights_desc(), engine, panel.packed.raw());
    dnnl::stream stream(engine);
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    panels.push_back(std::move(panel));
}

void OnednnMatrix::State::run(const Panel& panel, Scratch& scratch) const {
    dnnl::stream stream(engine);
    auto* weight = const_cast<std::byte*>(panel.packed.raw());
    panel.primitive.execute(
        stream, {{DNNL_ARG_SRC, Memory(panel.plan.src_desc(), engine, scratch.left.raw())},
                 {DNNL_ARG_WEIGHTS, Memory(panel.plan.weights_desc(), engine, weight)},
                 {DNNL_ARG_DST, Memory(panel.plan.dst_desc(), engine, scratch.sums.raw())},
                 {DNNL_ARG_SCRATCHPAD, Memory(panel.plan.scratchpad_desc(), engine, scratch.library.raw())}});
    stream.wait();
}

OnednnMatrix::State::Scratch OnednnMatrix::State::make_scratch(const Context& context) const {
    int64_t bytes = 0;
    for (const Panel& panel : panels)
        bytes = std::max(bytes, static_cast<int64_t>(panel.plan.scratchpad_desc().get_size()));
    return {Tensor::zeros(context, {tile_rows(dtype), depth}, dtype),
            Tensor::empty(context, {tile_rows(dtype), kWidestPanel}, DType::Float32),
            Tensor::empty(context, {bytes}, DType::UInt8)};
}

OnednnMatrix::OnednnMatrix(const Context& context, const Tensor& weight) {
    const OneThread guard;
    auto state = std::make_shared<State>();
    state->depth = weight.dim(1);
    state->dtype = weight.dtype();
    const int64_t columns = weight.dim(0);
    const int64_t width = panel_width(columns);
    for (int64_t begin = 0; begin < columns; begin += width)
        state->add_panel(context, weight, {begin, std::min(columns, begin + width)});
    state_ = std::move(state);
}

Tensor OnednnMatrix::unpacked(const Context& context) const {
    const OneThread guard;
    const State& state = *state_;
    Tensor weight = Tensor::empty(context, {state.panels.back().columns.end, state.depth}, state.dtype);
    dnnl::stream stream(state.engine);
    for (const State::Panel& panel : state.panels) {
        const Memory::desc plain({state.depth, panel.columns.size()}, type_of(state.dtype), Memory::format_tag::ba);
        const int64_t offset = panel.columns.begin * state.depth * size_of(state.dtype);
        Memory from(panel.plan.weights_desc(), state.engine, const_cast<std::byte*>(panel.packed.raw()));
        Memory to(plain, state.engine, weight.raw() + offset);
        dnnl::reorder(from, to).execute(stream, from, to);
    }
    stream.wait();
    return weight;
}

void OnednnMatrix::multiply(const Context& context, const Rows& rows, const Epilogue& epilogue) const {
    const State& state = *state_;
    const int64_t height = tile_rows(state.dtype);
    const int64_t tiles = (rows.count + height - 1) / height;
    // Tiles are the inner loop, so that a thread keeps its panel of the weight in cache.
    context.threads.parallel_for(tiles * static_cast<int64_t>(state.panels.size()), 1, [&](int64_t begin, int64_t end) {
        const OneThread guard;
        State::Scratch scratch = state.make_scratch(context);
        for (int64_t task = begin; task < end; ++task) {
            const State::Panel& panel = state.panels[static_cast<size_t>(task / tiles)];
            const int64_t row = task % tiles * height;
            const Range which = {row, std::min(rows.count, row + height)};
            visit_floating(state.dtype, [&]<class T>(T) {
                copy_rows<T>(rows, which, {0, state.depth}, scratch.left.data<T>(), state.depth);
            });
            state.run(panel, scratch);
            finish_tile(epilogue, scratch.sums.data<float>(), panel.columns.size(), which, panel.columns);
        }
    });
}

// The order of the library's sums does not depend on the values, so one tile of equal rows tells for all.
bool OnednnMatrix::treats_rows_alike(const Context& context) const {
    const OneThread guard;
    const State& state = *state_;
    State::Scratch scratch = state.make_scratch(context);
    visit_floating(state.dtype, [&]<class T>(T) {
        T* left = scratch.left.data<T>();
        for (int64_t i = 0; i < scratch.left.elements(); ++i)
            left[i] = T(1.0f / static_cast<float>(1 + i % state.depth * 7 % 61));
    });
    for (const State::Panel& panel : state.panels) {
        state.run(panel, scratch);
        const float* sums = scratch.sums.data<float>();
        const int64_t width = panel.columns.size();
        for (int64_t row = 1; row < tile_rows(state.dtype); ++row) {
            if (!std::equal(sums, sums + width, sums + row * width)) return false;
        }
    }
    return true;
}

bool OnednnMatrix::can_run(int64_t depth, int64_t columns, DType dtype) {
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return static_cast<bool>(describe(engine, depth, panel_width(columns), dtype));
}

bool OnednnMatrix::is_packed(int64_t depth, int64_t columns, DType dtype) {
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    const auto plan = describe(engine, depth, panel_width(columns), dtype);
    return plan && plan.weights_desc().data.format_desc.blocking.inner_nblks > 0;
}

}  // namespace kine::kernels
