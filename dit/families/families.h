// The table of model families.
#pragma once

#include "dit/families/family.h"
#include "dit/families/model_source.h"

namespace kine::dit {

std::span<const Family> families();

/// The family that model_index.json, or what stands for it, names. Unsupported for a class that we lack.
const Family& family_of(const ModelSource& source);

/// How a model is opened: from where, in which type, and whether files may lack.
struct ModelPlace {
    const ModelSource& source;
    DType dtype = DType::Float32;
    bool is_imagined = false;                        ///< weights that are not there are taken for granted
    Quantization quantization = Quantization::None;  ///< of linear layers in transformer blocks
};

/// A model whose stages are bound to shapes only, with sizes and defaults filled in. No weights are read but the files'
/// names and shapes, and all that is wrong with those is reported.
std::unique_ptr<Model> open_model(const Context& context, const ModelPlace& place);
/// Reads a stage's weights. Of those that can wait in host memory, `resident_share` stays on the device.
void load_stage(const Context& context, const ModelPlace& place, Model& model, Stage stage, double resident_share = 1);
/// Frees a stage's weights; the model still knows what they would cost.
void unload_stage(const Context& context, const ModelPlace& place, Model& model, Stage stage);

/// With the weights of all stages.
std::unique_ptr<Model> load_model(const Context& context, const ModelSource& source, DType dtype);

}  // namespace kine::dit
