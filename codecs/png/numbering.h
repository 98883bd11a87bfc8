// Names of numbered pictures: "DIR/%04d.png".
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace kine::codecs {

/// A file name with one number in it. Immutable.
class Numbering {
  public:
    /// Nothing unless the file name (not its folder) holds exactly one '%', as %d or %0Nd.
    static std::optional<Numbering> parse(const std::filesystem::path& pattern);
    /// The pattern that fits most numbered pictures of `folder`, nothing if there is none.
    static std::optional<Numbering> guess(const std::filesystem::path& folder);

    std::filesystem::path path(int64_t index) const;
    std::filesystem::path folder() const { return folder_; }
    /// The files that exist, by number.
    std::map<int64_t, std::filesystem::path> existing() const;

  private:
    Numbering(std::filesystem::path folder, std::string before, std::string after, int digits)
        : folder_(std::move(folder)), before_(std::move(before)), after_(std::move(after)), digits_(digits) {}
    std::optional<int64_t> number_of(const std::string& name) const;

    std::filesystem::path folder_;
    std::string before_;
    std::string after_;
    int digits_;
};

}  // namespace kine::codecs
