// What a host asks of one run: the generator's request and what surrounds it, set by name from text.
#pragma once

#include "apps/embed/values.h"
#include "codecs/sink.h"
#include "dit/request.h"
#include "runtime/io/json_fwd.h"
#include "runtime/options.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kine::embed {

using KeyValues = std::vector<std::pair<std::string, std::string>>;

struct OutputRequest {
    std::string target;
    codecs::SinkOptions options;
};

/// Beside the generator's own request: what only a program with files needs.
struct RunOptions {
    std::string image;
    std::string latents;  ///< FILE[:NAME]
    std::string save_latents;
    bool overwrite = false;
    bool metadata = true;

    template <class Visitor>
    void visit(Visitor& v) {
        v("image", image, "the video's first frame, for models that take one; its middle, scaled to the video's size");
        v("latents", latents, "start from the noise in this safetensors file: FILE[:NAME]");
        v("save_latents", save_latents, "keep the last latents before decoding in this safetensors file");
        v("overwrite", overwrite, "replace an existing latents file");
        v("metadata", metadata, "write prompt, seed, settings and model hash into the video");
    }
};

/// A value: copied into the job that runs it.
class RunRequest {
  public:
    RunRequest() { generation.seed = random_seed(); }

    /// Strict; throws ErrorCode::Usage naming option and value.
    void set(std::string_view name, std::string_view value);
    void add_output(std::string target, const KeyValues& options);
    /// All options by name, without what lies in files.
    Json describe() const;

    dit::Request generation;
    RunOptions run;
    std::vector<OutputRequest> outputs;
    bool is_seed_drawn = true;  ///< nobody asked for this one

  private:
    void check_range(std::string_view name) const;
};

/// [{"name", "type", "default", "help", "group"}] of request, output and session options.
Json option_table();
/// `name` with '_' for '-'.
std::string option_name(std::string_view name);

}  // namespace kine::embed
