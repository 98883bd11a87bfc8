// Weight files that must be refused, through the program: exit code 3 or 4, the file named, nothing lost.
#include "runtime/io/json.h"
#include "tests/apps/support/refusal.h"
#include "tests/support/safetensors_bytes.h"

#include <gtest/gtest.h>

namespace kine::apps {
namespace {

constexpr int kBadInput = 3;
constexpr int kUnsupported = 4;
constexpr std::string_view kIndex = "transformer/diffusion_pytorch_model.safetensors.index.json";
constexpr const char* kBias = "proj_out.bias";

using Json = nlohmann::ordered_json;

void cut_file(const ModelCopy& model, size_t bytes) {
    const std::string all = model.read(kTransformerFile);
    model.write(kTransformerFile, all.substr(0, bytes));
}

void edit(const ModelCopy& model, const std::function<void(Json& header)>& change) {
    model.edit_checkpoint(kTransformerFile, [&](Checkpoint& checkpoint) { change(checkpoint.header); });
}

void edit_text(const ModelCopy& model, const std::function<std::string(std::string header)>& change) {
    const Checkpoint checkpoint = Checkpoint::read(model / kTransformerFile);
    const std::string text = change(checkpoint.header.dump());
    model.write(kTransformerFile, little_endian(text.size()) + text + checkpoint.data);
}

void write_index(const ModelCopy& model, const std::string& shard) {
    std::filesystem::remove(model / kTransformerFile);
    model.write(kIndex, R"({"metadata":{},"weight_map":{"proj_out.bias":")" + shard + R"("}})");
}

const std::vector<BadModel> kDamagedFiles = {
    {"empty",
     [](const ModelCopy& m) { m.write(kTransformerFile, ""); },
     kBadInput,
     {"diffusion_pytorch_model.safetensors", "has 0 bytes"}},
    {"truncated in the header", [](const ModelCopy& m) { cut_file(m, 1000); }, kBadInput, {"header length is"}},
    {"truncated in the data",
     [](const ModelCopy& m) { cut_file(m, 100'000); },
     kBadInput,
     {"diffusion_pytorch_model.safetensors"}},
    {"header beyond the file",
     [](const ModelCopy& m) { m.write(kTransformerFile, little_endian(1 << 20) + "{}"); },
     kBadInput,
     {"header length is 1048576", "has only 2 bytes"}},
    {"header of 101 MB",
     [](const ModelCopy& m) {
         m.write(kTransformerFile, little_endian(101'000'000) + "{");
         std::filesystem::resize_file(m / kTransformerFile, 102'000'000);  // sparse: takes no space
     },
     kBadInput,
     {"header length is 101000000"}},
    {"not UTF-8",
     [](const ModelCopy& m) { edit_text(m, [](auto text) { return text.insert(2, "\xff"); }); },
     kBadInput,
     {"JSON"}},
    {"not JSON",
     [](const ModelCopy& m) { edit_text(m, [](auto text) { return text.insert(1, "?"); }); },
     kBadInput,
     {"JSON"}},
    {"duplicate name",
     [](const ModelCopy& m) {
         edit_text(m, [](auto text) {
             return text.insert(1, R"("proj_out.bias":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},)");
         });
     },
     kBadInput,
     {"proj_out.bias", "twice"}},
};

const std::vector<BadModel> kWrongHeaders = {
    {"overlap",
     [](const ModelCopy& m) { edit(m, [](Json& h) {
                                  h[kBias]["data_offsets"] = {0, 128};
                              }); },
     kBadInput,
     {"offset"}},
    {"gap", [](const ModelCopy& m) { edit(m, [](Json& h) { h.erase(kBias); }); }, kBadInput, {"offset"}},
    {"offsets backwards",
     [](const ModelCopy& m) { edit(m, [](Json& h) {
                                  h[kBias]["data_offsets"] = {100448, 100320};
                              }); },
     kBadInput,
     {kBias, "100448"}},
    {"dtype unknown",
     [](const ModelCopy& m) { edit(m, [](Json& h) { h[kBias]["dtype"] = "F33"; }); },
     kBadInput,
     {kBias, "F33"}},
    {"shape beyond 64 bits",
     [](const ModelCopy& m) { edit(m, [](Json& h) {
                                  h[kBias]["shape"] = {int64_t{1} << 32, int64_t{1} << 32};
                              }); },
     kBadInput,
     {kBias}},
    {"negative shape",
     [](const ModelCopy& m) { edit(m, [](Json& h) { h[kBias]["shape"] = {-32}; }); },
     kBadInput,
     {kBias, "-32"}},
    {"shape of other size",
     [](const ModelCopy& m) { edit(m, [](Json& h) { h[kBias]["shape"] = {33}; }); },
     kBadInput,
     {kBias, "33"}},
    {"a dtype we cannot read",
     [](const ModelCopy& m) { edit(m, [](Json& h) { h[kBias]["dtype"] = "U32"; }); },
     kUnsupported,
     {kBias, "U32"}},
};

const std::vector<BadModel> kWrongShards = {
    {"missing shard",
     [](const ModelCopy& m) { write_index(m, "shard-2.safetensors"); },
     kBadInput,
     {"shard-2.safetensors"}},
    {"shard outside the folder",
     [](const ModelCopy& m) { write_index(m, "../vae/diffusion_pytorch_model.safetensors"); },
     kBadInput,
     {"../vae/"}},
    {"index that is a list",
     [](const ModelCopy& m) {
         std::filesystem::remove(m / kTransformerFile);
         m.write(kIndex, "[1]");
     },
     kBadInput,
     {"index.json"}},
    {"no weights at all",
     [](const ModelCopy& m) { std::filesystem::remove(m / kTransformerFile); },
     kBadInput,
     {"transformer", "diffusion_pytorch_model"}},
    {"a folder in the place of the file",
     [](const ModelCopy& m) {
         std::filesystem::remove(m / kTransformerFile);
         std::filesystem::create_directory(m / kTransformerFile);
     },
     kBadInput,
     {"diffusion_pytorch_model.safetensors"}},
};

TEST(BadCheckpoint, RefusesDamagedFiles) {
    for (const BadModel& row : kDamagedFiles) expect_refused(row);
}

TEST(BadCheckpoint, RefusesHeadersThatContradictThemselves) {
    for (const BadModel& row : kWrongHeaders) expect_refused(row);
}

TEST(BadCheckpoint, RefusesShardsThatAreNotThere) {
    for (const BadModel& row : kWrongShards) expect_refused(row);
}

TEST(BadCheckpoint, ReportsMissingUnexpectedAndMisshapenTensorsTogether) {
    const ModelCopy model;
    edit(model, [](Json& header) {
        Json renamed = Json::object();
        for (const auto& [name, entry] : header.items()) renamed[name == kBias ? "proj_out.bios" : name] = entry;
        renamed["scale_shift_table"]["shape"] = {40, 2};
        header = renamed;
    });
    expect_refused(generate_with(model.path(), {}), kBadInput,
                   {"proj_out.bias", "proj_out.bios", "scale_shift_table", "[40, 2]", "[2, 40]", "\n  ",
                    "diffusion_pytorch_model.safetensors"});
}

}  // namespace
}  // namespace kine::apps
