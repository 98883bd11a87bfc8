// Published checkpoints as configurations without weights: what plans and lists need of them. JSON under
// assets/presets.
#pragma once

#include "dit/families/model_source.h"

#include <string>
#include <vector>

namespace kine::dit {

struct Preset {
    std::string name;
    std::string summary;
    std::string repository;  ///< where it is published, ORG/NAME
    std::string dtype = "bf16";
    ModelSource source;

    template <class Visitor>
    void visit(Visitor& v) {
        v("name", name, "what it is called");
        v("summary", summary, "what it is");
        v("repository", repository, "where it is published");
        v("dtype", dtype, "the type that plans assume");
    }
};

std::vector<Preset> presets();
/// By name, or the file "....json". An unknown name is ErrorCode::Usage and lists the known ones.
Preset find_preset(const std::string& name);

}  // namespace kine::dit
