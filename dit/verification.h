// Holds a model against a golden case: every stage on the reference's own input, then the run end to end.
#pragma once

#include "runtime/context.h"
#include "runtime/tensor/tensor.h"

#include <filesystem>
#include <functional>
#include <string>

namespace kine::dit {

struct StageResult {
    std::string stage = {};  ///< e.g. "step 003 prediction", "pab gated: step 007 latents"
    double error = 0;        ///< largest absolute difference, or relative RMS for 16 bits
    double allowed = 0;
    bool ok = false;
    bool skipped = false;  ///< e.g. a family that is not built in yet; `note` says why
    std::string note = {};
};

/// Calls `report` for each stage in order; returns whether all that were not skipped are ok. A case that cannot be read
/// throws BadInput.
bool verify_case(Context& context, const std::filesystem::path& directory, DType dtype,
                 const std::function<void(const StageResult&)>& report);

}  // namespace kine::dit
