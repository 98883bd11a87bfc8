// The one place where a result of the CUDA runtime becomes an error of ours.
#pragma once

#include <source_location>
#include <string_view>

namespace kine {

/// Throws unless `result`, a cudaError_t, is success: ErrorCode::DoesNotFit when memory is exhausted, otherwise
/// ErrorCode::Device; the message says what was done and what CUDA says. No header of CUDA is needed to call it.
void check_cuda(int result, std::string_view what, std::source_location where = std::source_location::current());

}  // namespace kine
