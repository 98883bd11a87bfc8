#include "dit/loaded_model.h"

#include <utility>

namespace kine::dit {

namespace {

constexpr std::array<std::pair<std::string_view, Residency>, 3> kResidencies = {
    {{"auto", Residency::Auto}, {"all", Residency::All}, {"stage", Residency::Stage}}};

}  // namespace

Residency residency_from_name(std::string_view name) {
    for (const auto& [known, residency] : kResidencies) {
        if (known == name) return residency;
    }
    fail(ErrorCode::Usage, "residency: expected auto, all or stage, got '{}'", name);
}

LoadedModel::LoadedModel(const Context& context, ModelSource source, const OpenOptions& options)
    : source_(std::move(source)), options_(options), model_(open_model(context, place())) {}

void LoadedModel::enter(const Context& context, Stage stage, bool alone) {
    check(!options_.is_plan, ErrorCode::Usage, "{}: was opened to plan, without its weights, and cannot run",
          source_.label);
    for (const Stage other : kStages) {
        if (alone && other != stage) leave(context, other);
    }
    bool& is_loaded = is_loaded_[static_cast<size_t>(stage)];
    if (is_loaded) return;
    load_stage(context, place(), *model_, stage);
    is_loaded = true;
}

void LoadedModel::leave(const Context& context, Stage stage) {
    bool& is_loaded = is_loaded_[static_cast<size_t>(stage)];
    if (!is_loaded) return;
    is_loaded = false;
    unload_stage(context, place(), *model_, stage);
}

void LoadedModel::load_all(const Context& context) {
    for (const Stage stage : kStages) enter(context, stage, false);
}

}  // namespace kine::dit
