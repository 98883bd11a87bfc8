#include "runtime/io/shards.h"

#include "runtime/error.h"
#include "runtime/io/json.h"
#include "runtime/printable.h"

#include <algorithm>

namespace kine {

namespace fs = std::filesystem;

namespace {

bool is_plain(const std::string& name) {
    const bool has_only_plain_bytes = std::none_of(name.begin(), name.end(), [](unsigned char letter) {
        return letter == '/' || letter == '\\' || letter == ':' || letter < 0x20 || letter == 0x7f;
    });
    return has_only_plain_bytes && !name.empty() && name != "." && name != "..";
}

bool is_hash(const std::string& text) {
    const bool has_length = text.size() >= 40 && text.size() <= 64;  // git's SHA-1 to LFS's SHA-256
    return has_length && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool lies_under(const fs::path& path, const fs::path& folder) {
    const fs::path relative = path.lexically_relative(folder);
    return !relative.empty() && *relative.begin() != "..";
}

/// REPO/snapshots/REVISION/[COMPONENT/]NAME -> ../../[../]blobs/HASH, where HASH is a file and no further link.
bool is_cache_link(const fs::path& directory, const fs::path& target) {
    const fs::path blob = (directory / target).lexically_normal();
    const fs::path repository = blob.parent_path().parent_path();
    if (target.is_absolute() || blob.parent_path().filename() != "blobs" || !is_hash(blob.filename())) return false;
    std::error_code ignored;
    return lies_under(directory, repository / "snapshots") &&
           fs::symlink_status(blob.parent_path(), ignored).type() == fs::file_type::directory &&
           fs::symlink_status(blob, ignored).type() == fs::file_type::regular;
}

bool stays_inside(const fs::path& directory, const fs::path& link) {
    std::error_code failed;
    const fs::path end = fs::canonical(link, failed);
    return !failed && lies_under(end, directory);
}

}  // namespace

std::map<std::string, std::string> read_shard_index(const fs::path& index) {
    const Json json = read_json(index);
    const std::string where = index.string();
    const bool has_map = json.is_object() && json.contains("weight_map") && json["weight_map"].is_object();
    check(has_map, ErrorCode::BadInput, "{}: expected an object with a weight_map object", where);
    std::map<std::string, std::string> shards;
    for (const auto& [tensor, file] : json["weight_map"].items()) {
        check(file.is_string(), ErrorCode::BadInput, "{}: weight_map: '{}': expected a file name, got {}", where,
              printable(tensor), file.type_name());
        shards[tensor] = file.get<std::string>();
    }
    check(!shards.empty(), ErrorCode::BadInput, "{}: weight_map: names no tensor", where);
    return shards;
}

fs::path shard_path(const fs::path& directory, const std::string& name, const fs::path& where) {
    check(is_plain(name), ErrorCode::BadInput, "{}: weight_map: expected plain file names, got '{}'", where.string(),
          printable(name));
    std::error_code failed;
    const fs::path folder = fs::canonical(directory, failed);
    check(!failed, ErrorCode::BadInput, "{}: {}", directory.string(), failed.message());
    const fs::path file = folder / name;
    const fs::file_status status = fs::symlink_status(file, failed);
    check(fs::exists(status), ErrorCode::BadInput, "{}: shard '{}' is missing", where.string(), printable(name));
    if (!fs::is_symlink(status)) return file;
    const fs::path target = fs::read_symlink(file, failed);
    check(!failed && (stays_inside(folder, file) || is_cache_link(folder, target)), ErrorCode::BadInput,
          "{}: shard '{}' links to '{}', expected a file inside the folder or in the cache's blobs", where.string(),
          printable(name), printable(target.string()));
    return file;
}

}  // namespace kine
