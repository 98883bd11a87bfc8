// The table of model families.
#pragma once

#include "dit/families/family.h"

namespace kine::dit {

std::span<const Family> families();

/// The family that a directory's model_index.json names. BadInput without one, Unsupported for a class that we lack.
const Family& family_of(const std::filesystem::path& directory);
/// Loads a model; fills in hash and sizes.
std::unique_ptr<Model> load_model(Context& context, const std::filesystem::path& directory, DType dtype);

}  // namespace kine::dit
