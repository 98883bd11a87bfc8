#include "runtime/device/host/processor.h"

#include "runtime/registry.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <array>
#include <cstdlib>

namespace kine {

namespace {

struct Row {
    std::string_view name;
};

constexpr std::array<Row, 3> kRows = {{{"avx2"}, {"avx512"}, {"amx"}}};  // by the numbers of InstructionSet

bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

/// Whether the system saves the tiles of a thread that it interrupts (register XCR0).
bool saves_tiles() {
    constexpr uint32_t kTileState = 3u << 17;
    uint32_t low = 0, high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & kTileState) == kTileState;
}

/// Linux hands tiles out to processes that ask.
bool may_use_tiles() {
    constexpr long kRequestPermission = 0x1023, kTileData = 18;
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

bool has_amx() {
    constexpr uint32_t kSystemSaves = 1u << 27, kBf16 = 1u << 22, kTiles = 1u << 24;
    uint32_t a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kSystemSaves) == 0) return false;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kBf16) == 0 || (d & kTiles) == 0) return false;
    return saves_tiles() && may_use_tiles();
}

InstructionSet find_best() {
    if (!has_avx512()) return InstructionSet::Avx2;
    return has_amx() ? InstructionSet::Amx : InstructionSet::Avx512;
}

}  // namespace

std::string_view name_of(InstructionSet set) { return kRows[static_cast<size_t>(set)].name; }

InstructionSet choose_instruction_set(InstructionSet best, const char* wish) {
    if (wish == nullptr || *wish == '\0') return best;
    const Row& row = find_entry(std::span<const Row>(kRows), "KINE_CPU", wish);
    const auto wished = static_cast<InstructionSet>(&row - kRows.data());
    check(wished <= best, ErrorCode::Unsupported, "KINE_CPU: this processor has no {}, its best is {}", row.name,
          name_of(best));
    return wished;
}

bool has_int8_lanes() { return instruction_set() >= InstructionSet::Avx512 && __builtin_cpu_supports("avx512vnni"); }

bool has_int8_tiles() {
    constexpr uint32_t kInt8 = 1u << 25;
    uint32_t a = 0, b = 0, c = 0, d = 0;
    return instruction_set() == InstructionSet::Amx && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kInt8) != 0;
}

InstructionSet instruction_set() {
    static const InstructionSet set = choose_instruction_set(find_best(), std::getenv("KINE_CPU"));
    return set;
}

}  // namespace kine
