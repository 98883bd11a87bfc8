// PyTorch checkpoints: what is read of them, and that nothing of them is run.
#include "runtime/io/torch_file.h"

#include "runtime/io/tensor_pickle.h"
#include "tests/support/expect_close.h"
#include "tests/support/random.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_context.h"
#include "tests/support/torch_bytes.h"

#include <gtest/gtest.h>

namespace kine {
namespace {

class TorchFile : public testing::Test {
  protected:
    Tensor some(const Shape& shape, DType dtype = DType::Float32) const {
        return random_tensor(bundle.context, shape, dtype, 3);
    }
    SafetensorsFile open(const std::string& bytes) const { return open_torch_file(folder.write("model.pth", bytes)); }

    std::string refusal_of(const std::string& bytes) const {
        try {
            open(bytes);
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()).find("model.pth"), std::string::npos) << error.what();
            return fmt::format("{} {}", static_cast<int>(error.code()), error.what());
        }
        return "was read";
    }
    std::string refusal_of_pickle(const std::string& pickle) const {
        return refusal_of(zip_of({{"a/data.pkl", "\x80\x02" + pickle + "."}, {"a/data/0", std::string(16, '\0')}}));
    }

    TestContext bundle;
    TemporaryFolder folder;
};

TEST_F(TorchFile, HoldsTheTensorsThatWereSaved) {
    const std::map<std::string, Tensor> tensors = {
        {"a.weight", some({3, 4})}, {"b", some({5})}, {"scalar", some({})}, {"half", some({2, 2}, DType::BFloat16)}};
    for (const std::string wrapper : {"", "state_dict", "module"}) {
        const SafetensorsFile file = open(torch_bytes(tensors, wrapper));
        ASSERT_EQ(file.entries().size(), tensors.size());
        for (const auto& [name, tensor] : tensors) {
            EXPECT_EQ(file.entries().at(name).shape, tensor.shape());
            EXPECT_TRUE(same_bits(file.tensor(name), tensor)) << name;
        }
    }
}

TEST_F(TorchFile, TensorsMayShareAStorage) {
    const Tensor all = some({4, 2});
    const std::string bytes(reinterpret_cast<const char*>(all.raw()), static_cast<size_t>(all.bytes()));
    const std::string pickle = "\x80\x02}(" + pickled_text("head") + pickled_tensor(all.slice(0, 0, 1), "0") +
                               pickled_text("tail") + pickled_tensor(all.slice(0, 1, 4), "0", 2) + "u.";
    const SafetensorsFile file = open(zip_of({{"x/data.pkl", pickle}, {"x/data/0", bytes}}));
    EXPECT_TRUE(same_bits(file.tensor("head"), all.slice(0, 0, 1)));
    EXPECT_TRUE(same_bits(file.tensor("tail"), all.slice(0, 1, 4)));
}

TEST_F(TorchFile, NeverCallsWhatAPickleAsksFor) {
    for (const char* call : {"cos\nsystem\n(X\x04\0\0\0true", "cbuiltins\neval\n(", "c__builtin__\nexec\n("}) {
        const std::string refusal = refusal_of_pickle(std::string(call) + "tR");
        EXPECT_TRUE(refusal.starts_with("4 ")) << refusal;
        EXPECT_NE(refusal.find("only what makes tensors"), std::string::npos) << refusal;
    }
    // Instructions that make objects, look classes up by number, or call without naming what they call.
    for (const char code : {'i', 'o', '\x81', '\x92', '\x93', '\x82', 'P', 'I'})
        EXPECT_TRUE(refusal_of_pickle(std::string("}") + code).starts_with("4 ")) << static_cast<int>(code);
}

TEST_F(TorchFile, RefusesADamagedPickle) {
    const std::string damaged[] = {"",
                                   "R",
                                   "t",
                                   "u",
                                   ")R",
                                   "h\x07",
                                   "X\xff\xff\xff\xff",
                                   "Q",
                                   "}(K\x01u",
                                   "b",
                                   "\x8a\x09",
                                   "ctorch\nFloatStorage\n)R",
                                   "ctorch",
                                   "q\x01"};
    for (const std::string& pickle : damaged) {
        const std::string refusal = refusal_of_pickle(pickle);
        EXPECT_TRUE(refusal.starts_with("3 ")) << testing::PrintToString(pickle) << ": " << refusal;
    }
}

TEST_F(TorchFile, RefusesTensorsThatTheirBytesDoNotHold) {
    const Tensor eight = some({8}), four = some({2, 2});
    const auto with = [](const std::string& tensor) { return "}(" + pickled_text("it") + tensor + "u"; };
    EXPECT_NE(refusal_of_pickle(with(pickled_tensor(eight, "0"))).find("reach beyond its storage of 4"),
              std::string::npos);
    EXPECT_NE(refusal_of_pickle(with(pickled_tensor(four, "0", 1))).find("'it'"), std::string::npos);
    EXPECT_TRUE(refusal_of_pickle(with(pickled_tensor(four, "0", -1))).starts_with("3 "));
    EXPECT_NE(refusal_of_pickle(with(pickled_tensor(four, "1"))).find("storage '1' is missing"), std::string::npos);
    EXPECT_TRUE(refusal_of_pickle(with(pickled_tensor(four.transpose(0, 1), "0"))).starts_with("4 "));
    EXPECT_EQ(refusal_of_pickle(with(pickled_tensor(four, "0"))), "was read");
}

TEST_F(TorchFile, RefusesADamagedArchive) {
    const std::string whole = torch_bytes({{"a", some({16, 4})}});
    for (size_t size = 0; size < whole.size(); size += 7) {
        const std::string refusal = refusal_of(whole.substr(0, size));
        EXPECT_TRUE(refusal.starts_with("3 ")) << size << ": " << refusal;
    }
    for (size_t at = 0; at < whole.size(); ++at) {  // any byte may be wrong: read or refused, never worse
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 0x55);
        refusal_of(changed);
    }
    EXPECT_NE(refusal_of("PK").find("no zip archive"), std::string::npos);
    EXPECT_NE(refusal_of(zip_of({{"a/b", "c"}})).find("data.pkl"), std::string::npos);
}

TEST_F(TorchFile, RefusesACompressedArchive) {
    std::string zip = torch_bytes({{"a", some({2})}});
    zip[zip.find(low_bytes(0x02014b50, 4)) + 10] = 8;  // deflate
    EXPECT_TRUE(refusal_of(zip).starts_with("4 "));
}

}  // namespace
}  // namespace kine
