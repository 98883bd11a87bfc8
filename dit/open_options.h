// How a model is opened.
#pragma once

#include "runtime/quantization.h"
#include "runtime/tensor/dtype.h"

#include <string_view>

namespace kine::dit {

/// Which weights are in memory: all, the running stage's, of that the layer's that is computed and the next ones' (on a
/// GPU; the others wait in host memory), or as many as the budget has room for.
enum class Residency { Auto, All, Stage, Layer };

Residency residency_from_name(std::string_view name);  ///< "auto", "all", "stage", "layer"; ErrorCode::Usage

struct OpenOptions {
    DType dtype = DType::Float32;
    Residency residency = Residency::Auto;
    bool is_plan = false;                            ///< no weights are ever read, and files may lack
    Quantization quantization = Quantization::None;  ///< of linear layers in transformer blocks
};

}  // namespace kine::dit
