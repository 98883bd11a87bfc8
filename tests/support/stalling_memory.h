// Memory that stands for a device or a disk which does not answer: whoever reads it waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kine {

/// One at a time in a process: it takes the signal of a bad address for itself.
class StallingMemory {
  public:
    /// All zeros once it can be read.
    StallingMemory();
    ~StallingMemory();
    StallingMemory(const StallingMemory&) = delete;
    StallingMemory& operator=(const StallingMemory&) = delete;

    std::span<const std::byte> bytes() const;
    /// Reading goes on. After ten seconds it does so by itself.
    void release();
};

}  // namespace kine
