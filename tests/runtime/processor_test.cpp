#include "runtime/device/host/processor.h"

#include "runtime/error.h"

#include <gtest/gtest.h>

#include <string>

namespace kine {
namespace {

TEST(InstructionSet, IsTheBestUnlessALesserOneIsWished) {
    EXPECT_EQ(choose_instruction_set(InstructionSet::Amx, nullptr), InstructionSet::Amx);
    EXPECT_EQ(choose_instruction_set(InstructionSet::Amx, ""), InstructionSet::Amx);
    EXPECT_EQ(choose_instruction_set(InstructionSet::Amx, "avx512"), InstructionSet::Avx512);
    EXPECT_EQ(choose_instruction_set(InstructionSet::Avx2, "avx2"), InstructionSet::Avx2);
}

TEST(InstructionSet, IsRefusedWhereTheProcessorLacksItOrNobodyKnowsIt) {
    const auto message_of = [](const char* wish) -> std::string {
        try {
            choose_instruction_set(InstructionSet::Avx2, wish);
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_EQ(message_of("amx"), "KINE_CPU: this processor has no amx, its best is avx2");
    EXPECT_EQ(message_of("sse9"), "unknown KINE_CPU 'sse9', known are avx2, avx512, amx");
}

}  // namespace
}  // namespace kine
