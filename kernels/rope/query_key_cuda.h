// Launches of the norm and rotation of heads.
#pragma once

#include "kernels/rope/query_key_launch.h"
#include "runtime/device/stream.h"
#include "runtime/tensor/dtype.h"

namespace kine::kernels::cuda {

/// For heads up to kWidestHead.
void launch_query_key(const QueryKeyArguments<float>& all, Stream stream);
void launch_query_key(const QueryKeyArguments<BFloat16>& all, Stream stream);
void launch_query_key(const QueryKeyArguments<Float16>& all, Stream stream);

}  // namespace kine::kernels::cuda
