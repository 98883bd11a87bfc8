#include "dit/hub_cache.h"

#include "runtime/error.h"
#include "runtime/io/json.h"

#include <algorithm>
#include <cctype>

namespace kine::dit {

namespace fs = std::filesystem;

namespace {

bool is_word(std::string_view text) {
    const auto is_plain = [](unsigned char letter) {
        return std::isalnum(letter) || letter == '.' || letter == '_' || letter == '-';
    };
    return !text.empty() && text.front() != '.' && std::all_of(text.begin(), text.end(), is_plain);
}

// Of files, which nobody names a repository like.
constexpr std::string_view kWeightEndings[] = {".safetensors", ".pt", ".pth", ".gguf", ".json"};

struct HubName {
    std::string organisation, name, revision;
};

HubName parse(const std::string& place) {
    const size_t slash = place.find('/'), at = place.find('@');
    if (slash == std::string::npos) return {};
    const size_t end = at == std::string::npos ? place.size() : at;
    return {place.substr(0, slash), place.substr(slash + 1, end - slash - 1),
            at == std::string::npos ? "main" : place.substr(at + 1)};
}

/// The commit that a branch stands at; a commit stands for itself.
std::string commit_of(const fs::path& repository, const std::string& revision) {
    constexpr size_t kMostBytes = 256;
    const fs::path file = repository / "refs" / revision;
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) return revision;
    std::string commit = read_text(file, kMostBytes);
    std::erase_if(commit, [](unsigned char letter) { return std::isspace(letter) != 0; });
    check(is_word(commit), ErrorCode::BadInput, "{}: expected a commit", file.string());
    return commit;
}

}  // namespace

bool is_hub_name(const std::string& place) {
    const HubName parts = parse(place);
    const bool is_file = std::ranges::any_of(kWeightEndings, [&](auto ending) { return parts.name.ends_with(ending); });
    return is_word(parts.organisation) && is_word(parts.name) && is_word(parts.revision) && !is_file;
}

fs::path cached_snapshot(const std::string& place, const fs::path& hub_cache) {
    const auto [organisation, name, revision] = parse(place);
    const std::string id = organisation + "/" + name;
    check(!hub_cache.empty(), ErrorCode::BadInput, "model '{}': no such directory, and there is no Hugging Face cache",
          place);
    const fs::path repository = hub_cache / fmt::format("models--{}--{}", organisation, name);
    std::error_code ignored;
    check(fs::is_directory(repository, ignored), ErrorCode::BadInput,
          "model '{}': no such directory, and {} lacks it; `hf download {}` fetches it", place, hub_cache.string(), id);
    const fs::path snapshot = repository / "snapshots" / commit_of(repository, revision);
    check(fs::is_directory(snapshot, ignored), ErrorCode::BadInput,
          "model '{}': {} lacks the snapshot of '{}'; `hf download {} --revision {}` fetches it", place,
          repository.string(), revision, id, revision);
    return snapshot;
}

}  // namespace kine::dit
