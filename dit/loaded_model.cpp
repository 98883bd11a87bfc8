#include "dit/loaded_model.h"

#include <utility>

namespace kine::dit {

namespace {

constexpr std::array<std::pair<std::string_view, Residency>, 4> kResidencies = {
    {{"auto", Residency::Auto}, {"all", Residency::All}, {"stage", Residency::Stage}, {"layer", Residency::Layer}}};

}  // namespace

Residency residency_from_name(std::string_view name) {
    for (const auto& [known, residency] : kResidencies) {
        if (known == name) return residency;
    }
    fail(ErrorCode::Usage, "residency: expected auto, all, stage or layer, got '{}'", name);
}

LoadedModel::LoadedModel(const Context& context, ModelSource source, const OpenOptions& options)
    : source_(std::move(source)), options_(options), model_(open_model(context, place())) {}

void LoadedModel::enter(const Context& context, Stage stage, Hold hold) {
    check(!options_.is_plan, ErrorCode::Usage, "{}: was opened to plan, without its weights, and cannot run",
          source_.label);
    for (const Stage other : kStages) {
        if (hold.alone && other != stage) leave(context, other);
    }
    std::optional<double>& loaded = loaded_share_[static_cast<size_t>(stage)];
    constexpr double kLittle = 0.1;  // reading weights anew costs more than a tenth of them on their way
    if (loaded && *loaded <= hold.resident_share && hold.resident_share - *loaded < kLittle) return;
    leave(context, stage);
    load_stage(context, place(), *model_, stage, hold.resident_share);
    loaded = hold.resident_share;
}

void LoadedModel::leave(const Context& context, Stage stage) {
    std::optional<double>& loaded = loaded_share_[static_cast<size_t>(stage)];
    if (!loaded) return;
    loaded.reset();
    unload_stage(context, place(), *model_, stage);
}

void LoadedModel::finish_passes() {
    for (const Stage stage : kStages)
        if (const auto& offload = model_->offload_of(stage)) offload->finish();
}

void LoadedModel::load_all(const Context& context) {
    for (const Stage stage : kStages) enter(context, stage, {});
}

}  // namespace kine::dit
