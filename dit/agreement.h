// Ranks that are processes were each started with options of their own; a run needs them to be the same.
#pragma once

#include "dit/request.h"
#include "parallel/communicator.h"
#include "runtime/context.h"
#include "runtime/quantization.h"

namespace kine::dit {

/// What a process opened, and how, as far as its tensors show it.
struct OpenedModel {
    std::string_view hash;  ///< tells models apart
    DType dtype = DType::Float32;
    Quantization quantization = Quantization::None;
};

/// Every rank calls this before the first step. ErrorCode::Usage names a rank whose request or model differs from those
/// of rank 0, and in what.
void check_agreement(const Context& context, parallel::Communicator& communicator, const Request& request,
                     const OpenedModel& model);

}  // namespace kine::dit
