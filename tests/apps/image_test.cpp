// A first frame from a file, through the program.
#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"
#include "tests/support/source_tree.h"

#include <gtest/gtest.h>

namespace kine::apps {
namespace {

constexpr int kUsage = 2;
constexpr int kBadInput = 3;

/// A tiny model whose first frame is given, with the least work.
std::vector<std::string> animate(const std::vector<std::string>& more) {
    const std::string model = (source_tree() / "tests" / "golden" / "cogvideox" / "model").string();
    std::vector<std::string> arguments = {"generate", "-m", model, "-p", "a boat", "--steps", "1", "-f", "1", "-q"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

/// A picture that the program itself makes.
std::string picture(const TemporaryFolder& folder, const std::string& name, const std::string& size) {
    const std::string directory = folder / name;
    const Ended made = run({"generate", "-m", tiny_model(), "-p", "a boat", "--steps", "1", "-f", "1", "--size", size,
                            "-q", "-o", directory + "/%04d.png"});
    EXPECT_EQ(made.status, 0) << made.error;
    return directory + "/0000.png";
}

TEST(Image, IsTheFirstFrameOfTheVideo) {
    const TemporaryFolder folder;
    const std::string still = picture(folder, "still", "48x32");
    const Ended ended = run(animate({"--image", still, "--seed", "3", "-o", folder / "a/%04d.png"}));
    EXPECT_EQ(ended.status, 0) << ended.error;
    EXPECT_TRUE(std::filesystem::exists(folder / "a/0000.png"));
}

TEST(Image, OfAnotherSizeIsScaled) {
    const TemporaryFolder folder;
    const Ended larger = run(animate({"--image", picture(folder, "large", "64x48"), "-o", folder / "a/%04d.png"}));
    EXPECT_EQ(larger.status, 0) << larger.error;
    EXPECT_TRUE(std::filesystem::exists(folder / "a/0000.png"));
}

TEST(Image, IsRefusedWhereItIsNoneOrNotWanted) {
    const TemporaryFolder folder;
    const Ended missing = run(animate({"-o", folder / "b/%04d.png"}));
    EXPECT_EQ(missing.status, kUsage) << missing.error;
    EXPECT_TRUE(missing.says("needs an image")) << missing.error;
    const Ended unreadable =
        run(animate({"--image", folder.write("c.png", "no picture"), "-o", folder / "c/%04d.png"}));
    EXPECT_EQ(unreadable.status, kBadInput) << unreadable.error;
    const Ended unwanted = run({"generate", "-m", tiny_model(), "-p", "x", "--size", "48x32", "--image",
                                picture(folder, "still", "48x32"), "-o", folder / "d/%04d.png"});
    EXPECT_EQ(unwanted.status, kUsage) << unwanted.error;
    EXPECT_TRUE(unwanted.says("takes no image")) << unwanted.error;
}

}  // namespace
}  // namespace kine::apps
