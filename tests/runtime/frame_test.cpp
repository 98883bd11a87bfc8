#include "runtime/frame/frame.h"

#include "tests/runtime/errors.h"

#include <gtest/gtest.h>

namespace kine {
namespace {

using Planes = std::vector<std::vector<uint8_t>>;

TEST(PixelFormat, RoundsChromaUpForOddSizes) {
    EXPECT_EQ(plane_row_bytes(PixelFormat::Yuv420p, 0, 5), 5);
    EXPECT_EQ(plane_row_bytes(PixelFormat::Yuv420p, 1, 5), 3);
    EXPECT_EQ(plane_rows(PixelFormat::Yuv420p, 2, 7), 4);
    EXPECT_EQ(plane_rows(PixelFormat::Yuv444p, 2, 7), 7);
    EXPECT_EQ(plane_row_bytes(PixelFormat::Rgb24, 0, 5), 15);
    EXPECT_EQ(plane_bytes(PixelFormat::Yuv420p, 1, 5, 7), 12);
    EXPECT_EQ(frame_bytes(PixelFormat::Yuv420p, 5, 7), 35 + 2 * 12);
    EXPECT_EQ(frame_bytes(PixelFormat::Rgb24, 5, 7), 105);
}

TEST(PixelFormat, HasNamesAndPlanes) {
    EXPECT_EQ(name_of(PixelFormat::Rgb24), "rgb24");
    EXPECT_EQ(plane_count(PixelFormat::Rgb24), 1);
    EXPECT_EQ(name_of(PixelFormat::Yuv420p), "yuv420p");
    EXPECT_EQ(plane_count(PixelFormat::Yuv444p), 3);
    expect_error(ErrorCode::Bug, "rgb24 has no plane 1", [] { plane_rows(PixelFormat::Rgb24, 1, 4); });
}

TEST(Frame, SharesItsPlanesBetweenCopies) {
    const Frame frame(PixelFormat::Rgb24, 2, 1, Planes{{1, 2, 3, 4, 5, 6}});
    const Frame copy = frame;
    EXPECT_EQ(&copy.plane(0), &frame.plane(0));
    EXPECT_EQ(frame.bytes(), 6);
    EXPECT_EQ(Frame().bytes(), 0);
}

TEST(Frame, RefusesPlanesOfAnotherSize) {
    expect_error(ErrorCode::Bug, "plane 0 of rgb24 2x1 has 6 bytes, got 5", [] {
        Frame(PixelFormat::Rgb24, 2, 1, Planes{{1, 2, 3, 4, 5}});
    });
    expect_error(ErrorCode::Bug, "yuv420p has 3 planes, got 1", [] {
        Frame(PixelFormat::Yuv420p, 2, 2, Planes{{1, 2, 3, 4}});
    });
    expect_error(ErrorCode::Bug, "got 0x4", [] { Frame(PixelFormat::Rgb24, 0, 4, Planes{{}}); });
}

TEST(Rate, UnderstandsWholeNumbersFractionsAndDecimals) {
    EXPECT_EQ(parse_rate("24"), (Rational{24, 1}));
    EXPECT_EQ(parse_rate("24000/1001"), (Rational{24000, 1001}));
    EXPECT_EQ(parse_rate("50/2"), (Rational{25, 1}));
    EXPECT_EQ(parse_rate("12.5"), (Rational{25, 2}));
    EXPECT_EQ(parse_rate("0.5"), (Rational{1, 2}));
    EXPECT_EQ(parse_rate("1000"), (Rational{1000, 1}));
    EXPECT_EQ(parse_rate("25.000"), (Rational{25, 1}));
}

TEST(Rate, ReadsBroadcastDecimalsAsTheirFractions) {
    EXPECT_EQ(parse_rate("23.976"), (Rational{24000, 1001}));
    EXPECT_EQ(parse_rate("23.98"), (Rational{24000, 1001}));
    EXPECT_EQ(parse_rate("23.976024"), (Rational{24000, 1001}));
    EXPECT_EQ(parse_rate("29.97"), (Rational{30000, 1001}));
    EXPECT_EQ(parse_rate("47.952"), (Rational{48000, 1001}));
    EXPECT_EQ(parse_rate("59.94"), (Rational{60000, 1001}));
    EXPECT_EQ(parse_rate("119.88"), (Rational{120000, 1001}));
    EXPECT_EQ(parse_rate("29.9"), (Rational{299, 10}));
}

TEST(Rate, RefusesEverythingElse) {
    for (const char* text : {"",
                             "0",
                             "-24",
                             "+24",
                             "nan",
                             "inf",
                             "1e9",
                             "1000.1",
                             "1001",
                             "24/0",
                             "0/1",
                             "24/-1",
                             "-1/-1",
                             "24 ",
                             " 24",
                             "24fps",
                             "2.4.1",
                             ".",
                             "24.",
                             ".5",
                             "1/2/3",
                             "0x18",
                             "99999999999",
                             "99999999999999999999",
                             "1.00000000000000000001",
                             "0.0",
                             "24,0"}) {
        expect_error(ErrorCode::Usage, "frame rate: expected", [&] { parse_rate(text); });
    }
}

TEST(Rate, PrintsWhatItParses) {
    for (const char* text : {"24", "24000/1001", "25/2"}) EXPECT_EQ(to_string(parse_rate(text)), text);
}

}  // namespace
}  // namespace kine
