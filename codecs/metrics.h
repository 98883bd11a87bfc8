// How alike two videos are.
#pragma once

#include "codecs/source.h"

#include <filesystem>
#include <vector>

namespace kine::codecs {

struct FrameQuality {
    double psnr = 0;  ///< dB over the three channels; infinity where equal
    double ssim = 0;  ///< luma, 11 x 11 Gaussian window, sigma 1.5 (Wang et al. 2004)
    int max_difference = 0;
};

struct Comparison {
    std::vector<FrameQuality> frames;
    double psnr = 0;  ///< from the mean squared error of all frames
    double ssim = 0;  ///< mean
    int max_difference = 0;
};

/// Sizes and frame counts must agree (ErrorCode::BadInput).
Comparison compare(Source& first, Source& second);
/// A PNG with `columns` evenly spaced frames of each video, one video a row.
void write_contact_sheet(const std::vector<std::string>& videos, int columns, const std::filesystem::path& png);

}  // namespace kine::codecs
