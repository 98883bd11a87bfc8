// Who may include whom. The longest folder that matches a file decides.
#include "tests/architecture/rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

namespace kine::architecture {
namespace {

struct Layer {
    std::string folder;
    std::vector<std::string> may_include;  ///< folders; "" is everything
};

const std::vector<Layer>& table() {
    static const std::vector<Layer> kLayers = {
        {"runtime", {"runtime"}},
        {"kernels", {"runtime", "kernels"}},
        {"codecs", {"runtime", "kernels", "codecs"}},
        {"broadcast", {"runtime", "kernels", "broadcast"}},
        {"parallel", {"runtime", "kernels", "parallel"}},
        {"dit", {"runtime", "kernels", "broadcast", "parallel", "dit"}},
        {"dit/modules", {"runtime", "kernels", "broadcast", "parallel", "dit/modules"}},
        {"dit/text", {"runtime", "kernels", "dit/modules", "dit/text"}},
        {"dit/vae", {"runtime", "kernels", "dit/modules", "dit/vae"}},
        {"dit/sampling", {"runtime", "kernels", "dit/sampling"}},
        {"dit/families",
         {"runtime", "kernels", "broadcast", "parallel", "dit/modules", "dit/text", "dit/vae", "dit/sampling",
          "dit/families", "dit/request.h"}},
        {"apps/embed", {"runtime", "dit", "codecs", "broadcast", "parallel", "apps/embed", "kernels/cudnn/library.h"}},
        {"apps/cli", {"apps/embed/kinescope.h", "apps/embed/kinescope.hpp", "apps/cli"}},
        {"apps/bench", {"runtime", "kernels", "codecs", "broadcast", "parallel", "dit", "apps/embed", "apps/bench"}},
        {"tests", {""}},
    };
    return kLayers;
}

bool lies_in(const std::string& path, const std::string& folder) {
    return folder.empty() || path == folder || path.starts_with(folder + "/");
}

const Layer* layer_of(const std::string& path) {
    const Layer* best = nullptr;
    for (const Layer& layer : table()) {
        if (lies_in(path, layer.folder) && (!best || layer.folder.size() > best->folder.size())) {
            best = &layer;
        }
    }
    return best;
}

/// "latte" for dit/families/latte/config.h; nothing for the files that all families share.
std::string family_of(const std::string& path) {
    static const std::string kFamilies = "dit/families/";
    const size_t end = path.find('/', kFamilies.size());
    return path.starts_with(kFamilies) && end != std::string::npos
               ? path.substr(kFamilies.size(), end - kFamilies.size())
               : "";
}

bool is_the_table_of_families(const std::string& path) { return path == "dit/families/families.cpp"; }

bool crosses_families(const std::string& from, const std::string& to) {
    return lies_in(from, "dit/families") && !is_the_table_of_families(from) && !family_of(to).empty() &&
           family_of(from) != family_of(to);
}

bool allows(const Layer& layer, const std::string& target) {
    return std::ranges::any_of(layer.may_include, [&](const std::string& folder) { return lies_in(target, folder); });
}

std::string complaint(const SourceFile& file, const Include& include) {
    const Layer* layer = layer_of(file.path);
    if (!layer) {
        return "lies in no folder of the table of layers";
    }
    if (!allows(*layer, include.target)) {
        return fmt::format("{} may not include {}", layer->folder, include.target);
    }
    return crosses_families(file.path, include.target)
               ? fmt::format("a family may not include another: {}", include.target)
               : "";
}

using Graph = std::map<std::string, std::vector<std::string>>;

Graph include_graph(const Sources& sources) {
    Graph graph;
    for (const SourceFile& file : sources) {
        for (const Include& include : includes(file)) {
            graph[file.path].push_back(include.target);
        }
    }
    return graph;
}

/// Depth-first: a file that is met while it is still open closes a circle.
class CycleSearch {
  public:
    explicit CycleSearch(const Graph& graph) : graph_(graph) {}

    void visit(const std::string& file) {
        const auto targets = graph_.find(file);
        if (targets == graph_.end() || !seen_.insert(file).second) {
            return;
        }
        open_.push_back(file);
        for (const std::string& target : targets->second) {
            std::ranges::find(open_, target) != open_.end() ? report(target) : visit(target);
        }
        open_.pop_back();
    }

    Violations found;

  private:
    void report(const std::string& target) {
        std::string circle;
        for (auto file = std::ranges::find(open_, target); file != open_.end(); ++file) {
            circle += *file + " -> ";
        }
        found.push_back(fmt::format("{}: includes itself: {}{}", target, circle, target));
    }

    const Graph& graph_;
    std::set<std::string> seen_;
    std::vector<std::string> open_;
};

}  // namespace

Violations layers(const Sources& sources) {
    Violations found;
    for (const SourceFile& file : sources) {
        for (const Include& include : includes(file)) {
            if (const std::string reason = complaint(file, include); !reason.empty()) {
                found.push_back(fmt::format("{}:{}: {}", file.path, include.line, reason));
            }
        }
    }
    return found;
}

Violations cycles(const Sources& sources) {
    const Graph graph = include_graph(sources);
    CycleSearch search(graph);
    for (const auto& [file, targets] : graph) {
        search.visit(file);
    }
    return search.found;
}

}  // namespace kine::architecture
