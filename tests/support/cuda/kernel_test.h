// Tests of kernels run twice: on an emulated grid, and on a GPU where there is one that can be used.
#pragma once

#include "runtime/context.h"
#include "runtime/device/stream.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace kine {

enum class Place { EmulatedGrid, Gpu };

/// Tensors of `context` lie in memory that the host and the kernel both see.
class KernelTest : public testing::TestWithParam<Place> {
  public:
    KernelTest();
    ~KernelTest() override;

  protected:
    void SetUp() override;
    bool is_on_gpu() const { return GetParam() == Place::Gpu; }
    /// Hands the queue to `launch` and waits until the GPU is done.
    void run_on_gpu(const std::function<void(Stream)>& launch);

  private:
    struct Means;
    std::unique_ptr<Means> means_;

  protected:
    const Context& context;
};

inline const auto kPlaces = testing::Values(Place::EmulatedGrid, Place::Gpu);

inline std::string name_of_place(const testing::TestParamInfo<Place>& info) {
    return info.param == Place::Gpu ? "Gpu" : "EmulatedGrid";
}

}  // namespace kine
