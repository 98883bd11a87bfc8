// The matrix units of x86 processors (Intel, Architecture Instruction Set Extensions Programming Reference, chapter 3:
// AMX): eight tile registers of 16 rows of 64 bytes. Spelled in assembly, since compilers want a tile's number as a
// literal and the flags that allow it for a whole file.
#pragma once

#include <cstdint>

namespace kine::kernels {

/// The calling thread's tiles, all of full size, while this lives. What is multiplied with it is written against any
/// class with these members, so that tests can run it on other processors.
class AmxTiles {
  public:
    AmxTiles() {
        struct alignas(64) {
            uint8_t palette = 1;
            uint8_t rest[15] = {};
            uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
            uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
        } shape;
        asm volatile("ldtilecfg %0" ::"m"(shape) : "memory");
    }
    ~AmxTiles() { asm volatile("tilerelease"); }
    AmxTiles(const AmxTiles&) = delete;
    AmxTiles& operator=(const AmxTiles&) = delete;

    template <int tile>
    void zero() {
        asm volatile("tilezero %%tmm%c0" ::"i"(tile));
    }
    /// 16 rows of 64 bytes, `stride` bytes from row to row.
    template <int tile>
    void load(const void* from, int64_t stride) {
        asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(tile) : "memory");
    }
    template <int tile>
    void store(void* to, int64_t stride) {
        asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(tile) : "memory");
    }
    /// sums [16, 16] f32 += left [16, 32] bf16 x right [32, 16] bf16, whose rows lie in pairs: [16, 16, 2].
    template <int sums, int left, int right>
    void multiply() {
        asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sums), "i"(left), "i"(right));
    }
    /// sums [16, 16] i32 += left [16, 64] i8 x right [64, 16] i8, whose rows lie in fours: [16, 16, 4].
    template <int sums, int left, int right>
    void multiply_int8() {
        asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sums), "i"(left), "i"(right));
    }
};

/// Whether the processor has the units, we may use them, and one product came out exact.
bool has_amx();
/// The same for products of eight-bit whole numbers.
bool has_amx_int8();

}  // namespace kine::kernels
