#include "runtime/quantization.h"

#include "runtime/registry.h"

#include <array>

namespace kine {

namespace {

struct Row {
    std::string_view name;
};

constexpr std::array<Row, 4> kRows = {{{"none"}, {"int8"}, {"fp8"}, {"tf32"}}};  // by the numbers of Quantization

}  // namespace

Quantization quantization_from_name(std::string_view name) {
    const Row& row = find_entry(std::span<const Row>(kRows), "quantization", name);
    return static_cast<Quantization>(&row - kRows.data());
}

std::string_view name_of(Quantization quantization) { return kRows[static_cast<size_t>(quantization)].name; }

}  // namespace kine
