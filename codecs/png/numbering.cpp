#include "codecs/png/numbering.h"

#include "codecs/words.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace kine::codecs {
namespace {

constexpr std::string_view kDigits = "0123456789";

/// "%d" and "%04d": how many characters it takes and how many digits it asks for.
struct Placeholder {
    size_t length = 0;
    int digits = 0;
};

Placeholder placeholder_at(std::string_view text) {
    if (text.starts_with("%d")) return {2, 1};
    if (text.size() >= 4 && text[1] == '0' && text[2] >= '1' && text[2] <= '9' && text[3] == 'd')
        return {4, text[2] - '0'};
    return {};
}

/// "shot_0007.png" as before, digits and after; nothing unless a picture's name ends in a number.
std::optional<std::string> pattern_of(const std::filesystem::path& file) {
    const std::string stem = file.stem().string();
    const size_t start = stem.find_last_not_of(kDigits) + 1;  // npos + 1 is 0
    const size_t digits = stem.size() - start;
    if (digits == 0 || digits > 9 || stem.find('%') != std::string::npos) return std::nullopt;
    if (stem.starts_with('.') || !contains_word(".png .jpg .jpeg .webp .bmp", file.extension().string()))
        return std::nullopt;
    const std::string number = digits == 1 ? "%d" : fmt::format("%0{}d", digits);
    return stem.substr(0, start) + number + file.extension().string();
}

}  // namespace

std::optional<Numbering> Numbering::parse(const std::filesystem::path& pattern) {
    const std::string name = pattern.filename().string();
    const size_t at = name.find('%');
    if (at == std::string::npos || name.find('%', at + 1) != std::string::npos) return std::nullopt;
    const Placeholder found = placeholder_at(std::string_view(name).substr(at));
    if (found.length == 0) return std::nullopt;
    return Numbering(pattern.parent_path(), name.substr(0, at), name.substr(at + found.length), found.digits);
}

std::optional<Numbering> Numbering::guess(const std::filesystem::path& folder) {
    std::map<std::string, int64_t> votes;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        if (const auto pattern = pattern_of(entry.path())) ++votes[*pattern];
    const std::pair<const std::string, int64_t>* best = nullptr;
    for (const auto& vote : votes)
        if (best == nullptr || vote.second > best->second) best = &vote;
    return best ? parse(folder / best->first) : std::nullopt;
}

std::filesystem::path Numbering::path(int64_t index) const {
    return folder_ / fmt::format("{}{:0{}}{}", before_, index, digits_, after_);
}

std::optional<int64_t> Numbering::number_of(const std::string& name) const {
    if (!name.starts_with(before_) || !name.ends_with(after_) || name.size() <= before_.size() + after_.size())
        return std::nullopt;
    const std::string_view text =
        std::string_view(name).substr(before_.size(), name.size() - before_.size() - after_.size());
    if (text.find_first_not_of(kDigits) != std::string_view::npos) return std::nullopt;
    int64_t index = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), index);
    if (parsed.ec != std::errc() || path(index).filename() != name) return std::nullopt;  // e.g. 7 where 0007 is meant
    return index;
}

std::map<int64_t, std::filesystem::path> Numbering::existing() const {
    std::map<int64_t, std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.empty() ? "." : folder_, error))
        if (const auto index = number_of(entry.path().filename().string())) files[*index] = path(*index);
    return files;
}

}  // namespace kine::codecs
