// Pieces of work that two programs do in turn from the same files: bench_work with our kernels, peers/pytorch.py with
// the modules that people use there.
#pragma once

#include "apps/bench/random_model.h"

#include <filesystem>
#include <memory>
#include <span>

namespace kine::bench {

/// Where a work's files lie and how it is done.
struct Opening {
    Context& context;
    DType dtype;
    std::filesystem::path folder;
    Quantization quantization = Quantization::None;

    Weights weights() const;
    Tensor input(const std::string& name) const;  ///< of `dtype`
};

class Work {
  public:
    virtual ~Work() = default;
    /// All of it, once.
    virtual Tensor run() = 0;
    /// What the method needs, not what an implementation happens to do; 0: nobody counted.
    virtual double flops() const = 0;
};

struct WorkKind {
    std::string_view name;
    std::string_view summary;
    bool is_short;  ///< repeated by kine_bench
    ShapeMap (*weights)(Context& context);
    ShapeMap (*inputs)();
    std::unique_ptr<Work> (*open)(const Opening& opening);
};

/// Parts of models, and a step of one.
std::span<const WorkKind> work_kinds();
/// The demo model end to end, which takes the whole library and so is linked by those alone who ask.
std::span<const WorkKind> demo_kinds();

/// Random weights and inputs of a work, in bf16, so that no dtype that either program computes in has to round them.
void write_files(Context& context, const WorkKind& kind, const std::filesystem::path& folder);

}  // namespace kine::bench
