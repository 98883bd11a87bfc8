#include "runtime/weights.h"

#include "tests/runtime/errors.h"
#include "tests/support/expect_close.h"
#include "tests/support/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_context.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

namespace kine {
namespace {

using Tensors = std::map<std::string, Tensor>;
namespace fs = std::filesystem;

const std::string kHash(64, 'a');

Tensor some(const Context& context, const Shape& shape, uint64_t seed = 1, DType dtype = DType::Float32) {
    return random_tensor(context, shape, dtype, seed);
}

TEST(Weights, BindViewsOfTheFileWhereTheTypeAgrees) {
    TestContext test;
    const TemporaryFolder folder;
    write_safetensors(folder / "a", Tensors{{"blocks.3.attn.weight", some(test.context, {2, 3})}});
    Weights weights = Weights::open_file(folder / "a");
    const int64_t before = test.allocator.bytes_in_use();
    const Scope scope(test.context, weights, DType::Float32);
    const Tensor bound = (scope / "blocks" / 3 / "attn").bind("weight", {2, 3});
    EXPECT_TRUE(same_bits(bound, some(test.context, {2, 3})));
    EXPECT_EQ(test.allocator.bytes_in_use(), before);
    EXPECT_NO_THROW(weights.finish());
    EXPECT_TRUE(weights.unused().empty());
}

TEST(Weights, ConvertBothWaysBetweenAllFloatingTypes) {
    TestContext test;
    const TemporaryFolder folder;
    for (const DType stored : {DType::Float32, DType::BFloat16, DType::Float16}) {
        const Tensor tensor = some(test.context, {9}, 2, stored);
        write_safetensors(folder / "a", Tensors{{"w", tensor}});
        Weights weights = Weights::open_file(folder / "a");
        const Scope scope(test.context, weights, DType::Float32);
        for (const DType wanted : {DType::Float32, DType::BFloat16, DType::Float16}) {
            EXPECT_TRUE(same_bits(scope.as(wanted).bind("w", {9}), convert(test.context, tensor, wanted)));
        }
        EXPECT_NO_THROW(weights.finish());
    }
}

TEST(Weights, SayWhichOnesFloat16HasNoRoomFor) {
    TestContext test;
    const TemporaryFolder folder;
    const std::vector<double> values = {1.0, -65504.0, 65520.0};
    write_safetensors(folder / "a", Tensors{{"fits", from_doubles(test.context, {2}, DType::Float32, {1.0, -65504.0})},
                                            {"w", from_doubles(test.context, {3}, DType::Float32, values)}});
    Weights weights = Weights::open_file(folder / "a");
    const Scope scope(test.context, weights, DType::Float16);
    EXPECT_EQ(to_doubles(scope.bind("fits", {2})), (std::vector{1.0, -65504.0}));
    expect_error(ErrorCode::Unsupported, "'w' has values that are not in the range of f16 (65504)",
                 [&] { scope.bind("w", {3}); });
}

TEST(Weights, ReportEverythingThatIsWrongAtOnce) {
    TestContext test;
    const TemporaryFolder folder;
    write_safetensors(folder / "a", Tensors{{"block.to_q.weight", some(test.context, {4, 4})},
                                            {"block.to_k.weigth", some(test.context, {4, 4})},
                                            {"block.to_v.weights.weight", some(test.context, {4, 4})},
                                            {"block.ids", Tensor::zeros(test.context, {4}, DType::Int64)},
                                            {"block.extra", some(test.context, {1})}});
    Weights weights = Weights::open_file(folder / "a");
    const Scope block = Scope(test.context, weights, DType::Float32) / "block";
    EXPECT_EQ(to_doubles(block.bind("to_q.weight", {4, 5})), std::vector<double>(20, 0.0));
    EXPECT_EQ(block.bind("to_v.weight", {4, 4}).shape(), (Shape{4, 4}));
    block.bind("ids", {4});
    const std::string message = error_of(ErrorCode::BadInput, [&] { weights.finish(); });
    EXPECT_EQ(message, (folder / "a").string() +
                           ": 6 of the weights do not fit the model"
                           "\n  block.to_q.weight: expected [4, 5], the file has [4, 4]"
                           "\n  block.to_v.weight: is missing, expected [4, 4]"
                           "\n  block.ids: expected f32, the file has I64"
                           "\n  block.extra: [1] of F32 is not used by this model"
                           "\n  block.to_k.weigth: [4, 4] of F32 is not used by this model"
                           "\n  block.to_v.weights.weight: [4, 4] of F32 is not used by this model");
}

TEST(Weights, NameAFormatThatWeLackAsUnsupported) {
    TestContext test;
    const TemporaryFolder folder;
    std::ofstream(folder / "a", std::ios::binary)
        << safetensors_bytes(R"({"w": {"dtype": "F8_E8M0", "shape": [4], "data_offsets": [0, 4]}})", 4);
    Weights weights = Weights::open_file(folder / "a");
    expect_error(ErrorCode::Unsupported, "'w' is stored as F8_E8M0",
                 [&] { Scope(test.context, weights, DType::Float32).bind("w", {4}); });
}

/// As ComfyUI's scaled files are: the weight in eight bits, a scale beside it, and what eight-bit arithmetic wants.
std::string scaled_file(const char* scale_type, const char* scale_shape) {
    const std::string header =
        fmt::format(R"({{"a.weight": {{"dtype": "F8_E4M3", "shape": [2, 2], "data_offsets": [0, 4]}},)"
                    R"("a.bias": {{"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},)"
                    R"("a.scale_weight": {{"dtype": "{}", "shape": {}, "data_offsets": [8, 12]}},)"
                    R"("a.scale_input": {{"dtype": "F32", "shape": [], "data_offsets": [12, 16]}},)"
                    R"("scaled_fp8": {{"dtype": "F8_E4M3", "shape": [2], "data_offsets": [16, 18]}}}})",
                    scale_type, scale_shape);
    std::string file = safetensors_bytes(header, 18);
    const float scale = 0.3f;
    const uint8_t small[] = {0x38, 0xb8, 0x01, 0x7e};  // 1, -1, the least, the largest
    std::memcpy(file.data() + file.size() - 18, small, 4);
    std::memcpy(file.data() + file.size() - 10, &scale, 4);
    return file;
}

TEST(Weights, WidenEightBitsAndMultiplyByTheirScale) {
    TestContext test;
    const TemporaryFolder folder;
    std::ofstream(folder / "a", std::ios::binary) << scaled_file("F32", "[]");
    Weights weights = Weights::open_file(folder / "a");
    weights.rename([](const std::string& name) { return "b" + name.substr(1); });
    const Scope scope(test.context, weights, DType::Float32);
    const Tensor bound = scope.bind("b.weight", {2, 2});
    const std::vector<float> expected = {0.3f, -0.3f, 0x1p-9f * 0.3f, 448.0f * 0.3f};
    EXPECT_EQ(std::vector<float>(bound.data<float>(), bound.data<float>() + 4), expected);
    scope.bind("b.bias", {1});
    EXPECT_NO_THROW(weights.finish()) << "scales and marks are no tensors of the model";
}

TEST(Weights, RefuseAScaleForEachRow) {
    const TemporaryFolder folder;
    std::ofstream(folder / "a", std::ios::binary) << scaled_file("F16", "[2]");
    expect_error(ErrorCode::Unsupported, "'a.scale_weight' is [2] of F16", [&] { Weights::open_file(folder / "a"); });
}

TEST(Weights, NameTheNearestThatIsPresent) {
    TestContext test;
    const TemporaryFolder folder;
    write_safetensors(folder / "a", Tensors{{"blocks.0.attention.query.weight", some(test.context, {4})}});
    Weights weights = Weights::open_file(folder / "a");
    (Scope(test.context, weights, DType::Float32) / "blocks" / 0).bind("attn.query.weight", {4});
    expect_error(ErrorCode::BadInput, "is missing, expected [4], nearest is blocks.0.attention.query.weight",
                 [&] { weights.finish(); });
}

TEST(Weights, CutALongReportAndCountTheRest) {
    TestContext test;
    const TemporaryFolder folder;
    write_safetensors(folder / "a", Tensors{{"w", some(test.context, {1})}});
    Weights weights = Weights::open_file(folder / "a");
    const Scope scope(test.context, weights, DType::Float32);
    for (int i = 0; i < 50; ++i) (scope / "blocks" / i).bind("w", {1});
    const std::string message = error_of(ErrorCode::BadInput, [&] { weights.finish(); });
    EXPECT_NE(message.find(": 50 of the weights"), std::string::npos) << message;
    EXPECT_NE(message.find("\n  and 30 more"), std::string::npos) << message;
    EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 21);
}

TEST(Weights, LeavePartsAloneThatNobodyAskedFor) {
    TestContext test;
    const TemporaryFolder folder;
    const Tensor tensor = some(test.context, {1});
    write_safetensors(folder / "a", Tensors{{"decoder.conv", tensor}, {"encoder.conv", tensor}});
    Weights weights = Weights::open_file(folder / "a");
    (Scope(test.context, weights, DType::Float32) / "decoder").bind("conv", {1});
    EXPECT_NO_THROW(weights.finish());
    EXPECT_EQ(weights.unused(), std::vector<std::string>{"encoder.conv"});
}

TEST(Weights, RenameBeforeAnythingIsLookedUp) {
    TestContext test;
    const TemporaryFolder folder;
    const Tensor tensor = some(test.context, {3});
    write_safetensors(folder / "a", Tensors{{"model.w", tensor}, {"model.position_ids", tensor}});
    Weights weights = Weights::open_file(folder / "a");
    weights.rename([](const std::string& name) -> std::optional<std::string> {
        if (name.ends_with("position_ids")) return std::nullopt;
        return name.substr(6);
    });
    EXPECT_EQ(weights.names(), std::vector<std::string>{"w"});
    EXPECT_EQ(weights.parameters(), 3);
    EXPECT_TRUE(Scope(test.context, weights, DType::Float32).has("w"));
    EXPECT_TRUE(same_bits(Scope(test.context, weights, DType::Float32).bind("w", {3}), tensor));
    EXPECT_NO_THROW(weights.finish());
}

TEST(Weights, RefuseTwoNamesThatBecomeOne) {
    TestContext test;
    const TemporaryFolder folder;
    write_safetensors(folder / "a", Tensors{{"a", some(test.context, {1})}, {"b", some(test.context, {1})}});
    Weights weights = Weights::open_file(folder / "a");
    expect_error(ErrorCode::BadInput, "tensors 'a' and 'b' both mean 'w'",
                 [&] { weights.rename([](const std::string&) { return std::optional<std::string>("w"); }); });
}

TEST(Weights, NoticeAFileThatChangesWhileTheyAreBound) {
    TestContext test;
    const TemporaryFolder folder;
    write_safetensors(folder / "a", Tensors{{"w", some(test.context, {1})}});
    Weights weights = Weights::open_file(folder / "a");
    Scope(test.context, weights, DType::Float32).bind("w", {1});
    std::ofstream(folder / "a", std::ios::app) << "x";
    expect_error(ErrorCode::BadInput, "was changed while it was being read", [&] { weights.finish(); });
}

TEST(Weights, TakeTheFirstFileThatExists) {
    TestContext test;
    const TemporaryFolder folder;
    write_safetensors(folder / "model.safetensors", Tensors{{"w", some(test.context, {1})}});
    EXPECT_TRUE(Weights::open_component(folder.path(), {"diffusion_pytorch_model", "model"}).contains("w"));
    expect_error(ErrorCode::BadInput, "has no weights, looked for other.safetensors, other.safetensors.index.json",
                 [&] { Weights::open_component(folder.path(), {"other"}); });
    expect_error(ErrorCode::BadInput, "missing: expected a folder with weights",
                 [&] { Weights::open_component(folder / "missing", {"model"}); });
}

/// A folder with the shards one and two, and whatever index a test writes.
class Shards : public ::testing::Test {
  protected:
    Shards() {
        fs::create_directories(folder_ / "model");
        write_safetensors(folder_ / "model/one", Tensors{{"a", some(test_.context, {1})}});
        write_safetensors(folder_ / "model/two", Tensors{{"b", some(test_.context, {2})}});
    }

    Weights open(std::string_view weight_map) {
        folder_.write("model/m.safetensors.index.json",
                      fmt::format(R"({{"metadata":{{}},"weight_map":{}}})", weight_map));
        return Weights::open_component(folder_ / "model", {"m"});
    }

    void expect_refused(std::string_view weight_map, std::string_view message) {
        SCOPED_TRACE(weight_map);
        expect_error(ErrorCode::BadInput, message, [&] { open(weight_map); });
    }

    TestContext test_;
    TemporaryFolder folder_;
};

TEST_F(Shards, AreOneSetOfWeights) {
    Weights weights = open(R"({"a":"one","b":"two"})");
    EXPECT_EQ(weights.names(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(Scope(test_.context, weights, DType::Float32).bind("b", {2}).elements(), 2);
}

TEST_F(Shards, MustHavePlainNames) {
    for (const char* name :
         {"../x", "/etc/passwd", "a/b", R"(C:\\x)", "C:x", "", ".", "..", R"(one\u0000)", R"(\u001bx)"}) {
        expect_refused(fmt::format(R"({{"a":"{}","b":"two"}})", name), "weight_map: expected plain file names");
    }
}

TEST_F(Shards, MustBeNamedByAGoodIndex) {
    expect_refused("[]", "expected an object with a weight_map object");
    expect_refused("{}", "weight_map: names no tensor");
    expect_refused(R"({"a":1})", "weight_map: 'a': expected a file name, got number");
    expect_refused(R"({"a":"one","a":"two"})", "key 'a' appears twice");
}

TEST_F(Shards, MustHoldWhatTheIndexSaysAndNothingElse) {
    expect_refused(R"({"a":"one","b":"three"})", "shard 'three' is missing");
    expect_refused(R"({"a":"one","b":"one"})", "weight_map: 'b' is not in one");
    expect_refused(R"({"a":"two","b":"one"})", "weight_map: 'a' is not in two");
    expect_refused(R"({"a":"one","b":"two","c":"two"})", "weight_map: 'c' is not in two");
    write_safetensors(folder_ / "model/two", Tensors{{"b", some(test_.context, {2})}, {"x", some(test_.context, {2})}});
    expect_refused(R"({"a":"one","b":"two"})", "weight_map: lacks 'x', which is in two");
    write_safetensors(folder_ / "model/two", Tensors{{"a", some(test_.context, {2})}, {"b", some(test_.context, {2})}});
    expect_refused(R"({"a":"one","b":"two"})", "tensor 'a' is in one and in two");
}

TEST_F(Shards, MayNotLinkOutOfTheFolder) {
    fs::rename(folder_ / "model/two", folder_ / "outside");
    for (const fs::path& target :
         {fs::path("../outside"), folder_ / "outside", fs::path("nowhere"), fs::path("/dev/zero")}) {
        fs::remove(folder_ / "model/two");
        fs::create_symlink(target, folder_ / "model/two");
        expect_refused(R"({"a":"one","b":"two"})", "shard 'two' links to '" + target.string());
    }
}

TEST_F(Shards, MayLinkInsideTheFolder) {
    fs::rename(folder_ / "model/two", folder_ / "model/second");
    fs::create_symlink("second", folder_ / "model/two");
    EXPECT_TRUE(open(R"({"a":"one","b":"two"})").contains("b"));
}

/// The cache of huggingface_hub: REPO/snapshots/REVISION/[COMPONENT/]NAME links into REPO/blobs.
class CachedShards : public Shards {
  protected:
    /// Puts the shard "b" into the blobs and links to it from a component of a snapshot.
    void link(const fs::path& target, std::string_view snapshots = "snapshots") {
        component_ = folder_.path() / "repo" / snapshots / "revision/transformer";
        fs::create_directories(component_);
        fs::create_directories(folder_ / "repo/blobs");
        fs::copy_file(folder_ / "model/two", (folder_ / "repo/blobs") / kHash, fs::copy_options::overwrite_existing);
        fs::create_symlink(target, component_ / "two");
        std::ofstream(component_ / "m.safetensors.index.json") << R"({"weight_map":{"b":"two"}})";
    }

    void expect_link_refused() {
        expect_error(ErrorCode::BadInput, "shard 'two' links to", [&] { Weights::open_component(component_, {"m"}); });
    }

    fs::path component_;
};

TEST_F(CachedShards, MayLinkToTheBlobs) {
    link("../../../blobs/" + kHash);
    EXPECT_TRUE(Weights::open_component(component_, {"m"}).contains("b"));
}

TEST_F(CachedShards, MayNotDangle) {
    link("../../../blobs/" + std::string(64, 'b'));
    expect_link_refused();
}

TEST_F(CachedShards, MustBeNamedByAHash) {
    link("../../../blobs/passwords");
    fs::copy_file(folder_ / "model/two", folder_ / "repo/blobs/passwords");
    expect_link_refused();
}

TEST_F(CachedShards, MayNotLinkOnFromTheBlobs) {
    link("../../../blobs/" + kHash);
    fs::remove((folder_ / "repo/blobs") / kHash);
    fs::create_symlink(folder_ / "model/two", (folder_ / "repo/blobs") / kHash);
    expect_link_refused();
}

TEST_F(CachedShards, MustLieUnderSnapshots) {
    link("../../../blobs/" + kHash, "elsewhere");
    expect_link_refused();
}

}  // namespace
}  // namespace kine
