// Published checkpoints as configurations without weights: what plans and lists need of them. JSON under
// assets/presets.
#pragma once

#include "dit/families/model_source.h"

#include <string>
#include <vector>

namespace kine::dit {

/// What a paper says that one video of the default size and steps costs without reuse.
struct PublishedCost {
    double teraflops = 0;  ///< two for each multiply-add; 0: nobody says
    std::string source;

    template <class Visitor>
    void visit(Visitor& v) {
        v("teraflops", teraflops, "floating point operations in 10^12");
        v("source", source, "who says so");
    }
};

struct Preset {
    std::string name;
    std::string summary;
    std::string repository;  ///< where it is published, ORG/NAME
    std::string dtype = "bf16";
    ModelSource source;
    PublishedCost published_cost;

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
