// PSNR and SSIM against slow twins in double precision.
#include "codecs/metrics.h"
#include "tests/codecs/codec_support.h"

#include <cmath>

namespace kine::codecs::testing {
namespace {

/// Frames from memory.
class ListSource final : public Source {
  public:
    explicit ListSource(std::vector<Frame> frames) : frames_(std::move(frames)) {
        info_ = info_of(frames_.front().width(), frames_.front().height());
    }
    const VideoInfo& info() const override { return info_; }
    std::optional<Frame> read() override {
        if (next_ == frames_.size()) return std::nullopt;
        return frames_[next_++];
    }

  private:
    std::vector<Frame> frames_;
    VideoInfo info_;
    size_t next_ = 0;
};

double luma(const Frame& frame, int x, int y) {
    const uint8_t* pixel = &frame.plane(0)[static_cast<size_t>(y * frame.width() + x) * 3];
    return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
}

/// The window around (x, y), every sum written out.
double slow_ssim_at(const Frame& a, const Frame& b, int x, int y) {
    double total = 0, mean_a = 0, mean_b = 0, square_a = 0, square_b = 0, product = 0;
    for (int dy = -5; dy <= 5; ++dy)
        for (int dx = -5; dx <= 5; ++dx) {
            const double weight = std::exp(-(dx * dx + dy * dy) / (2 * 1.5 * 1.5));
            const double va = luma(a, x + dx, y + dy), vb = luma(b, x + dx, y + dy);
            total += weight;
            mean_a += weight * va;
            mean_b += weight * vb;
            square_a += weight * va * va;
            square_b += weight * vb * vb;
            product += weight * va * vb;
        }
    mean_a /= total, mean_b /= total;
    const double variance_a = square_a / total - mean_a * mean_a, variance_b = square_b / total - mean_b * mean_b;
    const double covariance = product / total - mean_a * mean_b;
    const double c1 = 6.5025, c2 = 58.5225;
    return (2 * mean_a * mean_b + c1) * (2 * covariance + c2) /
           ((mean_a * mean_a + mean_b * mean_b + c1) * (variance_a + variance_b + c2));
}

double slow_ssim(const Frame& a, const Frame& b) {
    double sum = 0;
    int count = 0;
    for (int y = 5; y < a.height() - 5; ++y)
        for (int x = 5; x < a.width() - 5; ++x, ++count) sum += slow_ssim_at(a, b, x, y);
    return sum / count;
}

TEST(Compare, FindsEqualVideosEqual) {
    ListSource first({moving_frame(40, 30, 0), moving_frame(40, 30, 1)});
    ListSource second({moving_frame(40, 30, 0), moving_frame(40, 30, 1)});
    const Comparison result = compare(first, second);
    EXPECT_EQ(result.frames.size(), 2u);
    EXPECT_TRUE(std::isinf(result.psnr));
    EXPECT_NEAR(result.ssim, 1, 1e-12);
    EXPECT_EQ(result.max_difference, 0);
}

TEST(Compare, AgreesWithTheSlowSsim) {
    for (const auto& [a, b] : {std::pair(moving_frame(40, 30, 0), moving_frame(40, 30, 3)),
                               std::pair(noisy_frame(23, 19, 0), moving_frame(23, 19, 0)),
                               std::pair(noisy_frame(11, 11, 0), noisy_frame(11, 11, 1))}) {
        ListSource first({a}), second({b});
        EXPECT_NEAR(compare(first, second).ssim, slow_ssim(a, b), 1e-9);
    }
}

TEST(Compare, TakesPsnrFromTheMeanOfAllFrames) {
    // One frame equal, one off by 10 everywhere: mean squared error 50 over the whole.
    ListSource first({flat_frame(16, 16, {100, 100, 100}), flat_frame(16, 16, {100, 100, 100})});
    ListSource second({flat_frame(16, 16, {100, 100, 100}), flat_frame(16, 16, {110, 90, 110})});
    const Comparison result = compare(first, second);
    EXPECT_TRUE(std::isinf(result.frames[0].psnr));
    EXPECT_NEAR(result.frames[1].psnr, 10 * std::log10(255.0 * 255 / 100), 1e-9);
    EXPECT_NEAR(result.psnr, 10 * std::log10(255.0 * 255 / 50), 1e-9);
    EXPECT_EQ(result.max_difference, 10);
}

TEST(Compare, WorksOnPicturesSmallerThanItsWindow) {
    ListSource first({moving_frame(3, 2, 0)}), second({moving_frame(3, 2, 0)});
    EXPECT_NEAR(compare(first, second).ssim, 1, 1e-12);
}

TEST(Compare, RefusesVideosThatDoNotMatch) {
    ListSource small({moving_frame(16, 16, 0)}), large({moving_frame(20, 16, 0)});
    EXPECT_EQ(code_of([&] { compare(small, large); }), ErrorCode::BadInput);
    ListSource one({moving_frame(16, 16, 0)}), two({moving_frame(16, 16, 0), moving_frame(16, 16, 1)});
    EXPECT_EQ(code_of([&] { compare(one, two); }), ErrorCode::BadInput);
}

TEST(ContactSheet, ShowsEvenlySpacedFramesOfEveryVideo) {
    const Folder folder;
    write_video(folder / "a/%d.png", info_of(20, 10, {24, 1}, 9));
    write_video(folder / "b/%d.png", info_of(20, 10, {24, 1}, 2));
    write_contact_sheet({folder / "a", folder / "b"}, 3, folder / "sheet.png");
    const auto sheet = read_frames(folder / "sheet.png");
    ASSERT_EQ(sheet.size(), 1u);
    EXPECT_EQ(sheet[0].width(), 4 + 3 * 24);
    EXPECT_EQ(sheet[0].height(), 4 + 2 * 14);
    const auto pixel = [&](const Frame& frame, int x, int y) {
        return frame.plane(0)[static_cast<size_t>(y * frame.width() + x) * 3];
    };
    EXPECT_EQ(pixel(sheet[0], 4, 4), pixel(moving_frame(20, 10, 0), 0, 0));
    EXPECT_EQ(pixel(sheet[0], 28, 4), pixel(moving_frame(20, 10, 4), 0, 0));
    EXPECT_EQ(pixel(sheet[0], 52, 4), pixel(moving_frame(20, 10, 8), 0, 0));
}

TEST(ContactSheet, ShrinksLargeFrames) {
    const Folder folder;
    write_video(folder / "v.png", info_of(640, 320, {24, 1}, 1));
    write_contact_sheet({folder / "v.png"}, 1, folder / "sheet.png");
    EXPECT_EQ(read_frames(folder / "sheet.png")[0].width(), 328);
}

}  // namespace
}  // namespace kine::codecs::testing
