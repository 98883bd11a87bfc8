// The tree keeps the rules of the house.
#include "tests/architecture/rules.h"
#include "tests/support/source_tree.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace kine::architecture {
namespace {

std::string said(const Violations& violations) { return fmt::format("\n{}", fmt::join(violations, "\n")); }

class House : public testing::Test {
  protected:
    const Sources sources = read_sources(source_tree());
};

TEST_F(House, HasSources) { EXPECT_GT(sources.size(), 200u); }
TEST_F(House, KeepsItsLayers) { EXPECT_TRUE(layers(sources).empty()) << said(layers(sources)); }
TEST_F(House, HasNoIncludeCycles) { EXPECT_TRUE(cycles(sources).empty()) << said(cycles(sources)); }
TEST_F(House, IncludesOwnHeadersFirst) {
    EXPECT_TRUE(own_header_first(sources).empty()) << said(own_header_first(sources));
}
TEST_F(House, AsksThePreprocessorNothing) { EXPECT_TRUE(conditionals(sources).empty()) << said(conditionals(sources)); }
TEST_F(House, CallsCudaOnlyWhereDevicesAre) { EXPECT_TRUE(cuda_calls(sources).empty()) << said(cuda_calls(sources)); }
TEST_F(House, KeepsFilesAndFunctionsShort) { EXPECT_TRUE(sizes(sources).empty()) << said(sizes(sources)); }
TEST_F(House, SaysWhatEachHeaderIsFor) { EXPECT_TRUE(headers(sources).empty()) << said(headers(sources)); }
TEST_F(House, ExplainsEachFolderInUnderSixtyLines) {
    EXPECT_TRUE(readmes(source_tree()).empty()) << said(readmes(source_tree()));
}

}  // namespace
}  // namespace kine::architecture
