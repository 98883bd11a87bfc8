// What the processor computes with, as far as our ops choose by it.
#pragma once

#include <string_view>

namespace kine {

enum class InstructionSet { Avx2, Avx512, Amx };

std::string_view name_of(InstructionSet set);

/// The largest that the processor has and the system lets us use, or the one that the environment's KINE_CPU names
/// ("avx2", "avx512", "amx"). Decided at the first call. Throws ErrorCode::Usage for a name that it does not know,
/// ErrorCode::Unsupported for what the processor lacks.
InstructionSet instruction_set();
inline bool uses_avx512() { return instruction_set() >= InstructionSet::Avx512; }

/// Whether InstructionSet::Avx512 multiplies whole numbers of eight bits (VNNI).
bool has_int8_lanes();
/// Whether the matrix units of InstructionSet::Amx multiply whole numbers of eight bits too.
bool has_int8_tiles();

/// That choice as a function. `wish` may be null or empty.
InstructionSet choose_instruction_set(InstructionSet best, const char* wish);

}  // namespace kine
