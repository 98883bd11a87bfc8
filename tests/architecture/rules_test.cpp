// The rules themselves: each must find a small breach and pass a small good example.
#include "tests/architecture/rules.h"

#include <gtest/gtest.h>

namespace kine::architecture {
namespace {

SourceFile including(std::string path, const std::string& target) {
    return parse_source(std::move(path), "#include \"" + target + "\"\n");
}

std::string function_of(int lines) {
    std::string text = "int long_one(int x) {\n";
    for (int i = 0; i < lines - 2; ++i) {
        text += "    x += [&] { return 1; }();\n";
    }
    return text + "}\n";
}

struct Breach {
    const char* from;
    const char* to;
};

class LayerBreach : public testing::TestWithParam<Breach> {};

TEST_P(LayerBreach, IsFound) {
    const Violations found = layers({including(GetParam().from, GetParam().to)});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].starts_with(std::string(GetParam().from) + ":1: ")) << found[0];
}

INSTANTIATE_TEST_SUITE_P(
    Rules, LayerBreach,
    testing::Values(Breach{"runtime/error.cpp", "kernels/norm/norm.h"}, Breach{"codecs/pump.cpp", "dit/run.h"},
                    Breach{"broadcast/cache.cpp", "parallel/layout.h"}, Breach{"parallel/mesh.cpp", "broadcast/plan.h"},
                    Breach{"dit/modules/linear.cpp", "dit/families/family.h"},
                    Breach{"dit/text/t5.cpp", "dit/vae/blocks.h"}, Breach{"dit/run.cpp", "codecs/sink.h"},
                    Breach{"apps/cli/main.cpp", "dit/generator.h"}, Breach{"apps/cli/main.cpp", "apps/embed/session.h"},
                    Breach{"dit/families/latte/block.cpp", "dit/families/wan/config.h"},
                    Breach{"dit/families/components.cpp", "dit/families/wan/config.h"},
                    Breach{"utils/a.cpp", "runtime/error.h"}));

TEST(Layers, AllowWhatTheTableAllows) {
    EXPECT_TRUE(layers({including("dit/families/latte/block.cpp", "dit/families/latte/block.h"),
                        including("dit/families/families.cpp", "dit/families/latte/family.h"),
                        including("apps/cli/main.cpp", "apps/embed/kinescope.hpp"),
                        including("tests/dit/a_test.cpp", "dit/run.h")})
                    .empty());
}

TEST(Cycles, AreFoundAcrossFiles) {
    EXPECT_EQ(cycles({including("a/x.h", "a/y.h"), including("a/y.h", "a/z.h"), including("a/z.h", "a/x.h")}).size(),
              1u);
    EXPECT_TRUE(cycles({including("a/x.h", "a/y.h"), including("a/z.h", "a/y.h")}).empty());
}

TEST(OwnHeader, MustComeFirst) {
    const SourceFile header = parse_source("a/x.h", "");
    EXPECT_EQ(own_header_first({header, including("a/x.cpp", "a/y.h")}).size(), 1u);
    EXPECT_TRUE(own_header_first({header, including("a/x.cpp", "a/x.h"), including("a/main.cpp", "a/y.h")}).empty());
}

TEST(Conditionals, AreFoundButNotInComments) {
    EXPECT_EQ(conditionals({parse_source("a/x.cpp", "int a;\n#ifdef A\n#endif\n")}),
              Violations{"a/x.cpp:2: conditional compilation or a macro"});
    EXPECT_TRUE(
        conditionals({parse_source("a/x.cpp", "// #if\n/*\n#if\n*/\nconst char* text = R\"(\n#if\n)\";\n")}).empty());
}

TEST(CudaCalls, AreFoundOutsideTheirFolders) {
    EXPECT_EQ(cuda_calls({parse_source("dit/run.cpp", "void f() { cudaFree(nullptr); }\n")}).size(), 1u);
    EXPECT_TRUE(cuda_calls({parse_source("kernels/norm/norm.cu", "void f() { cudaFree(nullptr); }\n")}).empty());
}

TEST(Sizes, CountTheLinesOfAFunction) {
    EXPECT_TRUE(sizes({parse_source("a/x.cpp", "namespace a {\n" + function_of(60) + "}\n")}).empty());
    EXPECT_EQ(sizes({parse_source("a/x.cpp", "namespace a {\n" + function_of(61) + "}\n")}),
              Violations{"a/x.cpp:2: a function of 61 lines, at most 60 are allowed"});
    EXPECT_TRUE(sizes({parse_source("a/x.cu", function_of(150))}).empty());
    EXPECT_EQ(sizes({parse_source("a/x.cu", function_of(151))}).size(), 1u);
}

TEST(Sizes, SeeConstructorsWithBracesBeforeTheirBody) {
    std::string text = "Thing::Thing(int x) : x_{x}, y_(x) {\n";
    text.append(70, '\n');
    EXPECT_EQ(sizes({parse_source("a/x.cpp", text + "}\n")}).size(), 1u);
}

TEST(Sizes, DoNotTakeTypesAndTablesForFunctions) {
    std::string rows;
    for (int i = 0; i < 100; ++i) {
        rows += "    {\"a\", make(1)},\n";
    }
    EXPECT_TRUE(sizes({parse_source("a/x.cpp", "const Row kRows[] = {\n" + rows + "};\nstruct A {\n" +
                                                   std::string(100, '\n') + "};\n")})
                    .empty());
}

TEST(Sizes, CountTheLinesOfAFile) { EXPECT_EQ(sizes({parse_source("a/x.cpp", std::string(501, '\n'))}).size(), 1u); }

TEST(Headers, SayTheirPurposeAndArePragmaOnce) {
    EXPECT_EQ(headers({parse_source("a/x.h", "int a;\n")}).size(), 2u);
    EXPECT_TRUE(headers({parse_source("a/x.h", "// What it is.\n#pragma once\n")}).empty());
}

}  // namespace
}  // namespace kine::architecture
