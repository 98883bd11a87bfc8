// A model whose weights come and go: all of them at once, or a stage's at a time where the budget has no room for all
// (text encoder before transformer, transformer before VAE). What is not loaded is still known by its shapes.
#pragma once

#include "dit/families/families.h"
#include "dit/open_options.h"

#include <memory>
#include <optional>

namespace kine::dit {

/// One thread at a time.
class LoadedModel {
  public:
    /// Configurations and shapes; no weights yet.
    LoadedModel(const Context& context, ModelSource source, const OpenOptions& options);

    const Model& model() const { return *model_; }
    const ModelSource& source() const { return source_; }
    const OpenOptions& options() const { return options_; }

    /// How a stage's weights are held.
    struct Hold {
        bool alone = false;         ///< those of the other stages are freed before
        double resident_share = 1;  ///< of those that can wait in host memory, how much stays on the device
    };
    /// Binds the weights of `stage`, unless they are held so that little less stays than may. ErrorCode::Usage for a
    /// plan.
    void enter(const Context& context, Stage stage, Hold hold);
    void load_all(const Context& context);
    /// Before another run: weights that wait expect no longer what the last one would have used next.
    void finish_passes();

  private:
    void leave(const Context& context, Stage stage);
    ModelPlace place() const { return {source_, options_.dtype, options_.is_plan, options_.quantization}; }

    ModelSource source_;
    OpenOptions options_;
    std::unique_ptr<Model> model_;
    std::array<std::optional<double>, kStages.size()> loaded_share_ = {};  // of those whose weights are loaded
};

}  // namespace kine::dit
