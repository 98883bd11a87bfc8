// A copy of the tiny golden Latte model that a test may damage, and the arguments that run it quickly.
#pragma once

#include "tests/support/temporary_folder.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kine::apps {

/// tests/golden/latte: a case of `verify`, with its model below.
std::filesystem::path golden_case();
/// 48 x 48 pixels, 3 frames; one step takes about 10 ms.
std::filesystem::path tiny_model();

inline constexpr std::string_view kTransformerFile = "transformer/diffusion_pytorch_model.safetensors";
inline constexpr std::string_view kTransformerConfig = "transformer/config.json";

/// A checkpoint taken apart: its header as JSON, its data as bytes.
struct Checkpoint {
    nlohmann::ordered_json header;
    std::string data;

    static Checkpoint read(const std::filesystem::path& file);
    void write(const std::filesystem::path& file) const;
    /// The bytes of one tensor inside `data`.
    char* bytes_of(const std::string& name);
};

class ModelCopy {
  public:
    ModelCopy();

    std::string path() const { return folder_.path().string(); }
    std::filesystem::path operator/(std::string_view name) const { return folder_ / name; }
    std::filesystem::path write(std::string_view name, std::string_view bytes) const {
        return folder_.write(name, bytes);
    }
    std::string read(std::string_view name) const { return content_of(folder_ / name); }
    void edit_json(std::string_view name, const std::function<void(nlohmann::json&)>& edit) const;
    void edit_checkpoint(std::string_view name, const std::function<void(Checkpoint&)>& edit) const;

  private:
    TemporaryFolder folder_;
};

/// A copy that makes up to 1,000 frames: Latte's table of frame positions is a formula.
class LongModel : public ModelCopy {
  public:
    LongModel();
};

/// "generate" with the tiny model, a prompt, a seed, two steps, and then `more`.
std::vector<std::string> generate(const std::vector<std::string>& more);
std::vector<std::string> generate_with(const std::string& model, const std::vector<std::string>& more);

}  // namespace kine::apps
