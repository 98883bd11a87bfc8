// FNV-1a, 64 bits: short, the same on every machine, and collisions are no attack where we use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kine {

class Digest {
  public:
    void add(std::span<const std::byte> bytes) {
        for (const std::byte byte : bytes) state_ = (state_ ^ static_cast<uint64_t>(byte)) * 0x100000001b3ull;
    }
    void add(std::string_view text) { add(std::as_bytes(std::span(text.data(), text.size()))); }
    uint64_t value() const { return state_; }

  private:
    uint64_t state_ = 0xcbf29ce484222325ull;
};

}  // namespace kine
