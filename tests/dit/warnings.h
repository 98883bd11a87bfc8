// What a run warns of.
#pragma once

#include "dit/generator.h"

#include <string>
#include <vector>

namespace kine::dit {

class Warnings final : public Observer {
  public:
    void on_log(LogLevel level, std::string_view line) override {
        if (level == LogLevel::Warning) lines.emplace_back(line);
    }
    std::vector<std::string> lines;
};

/// The warnings of a whole run.
inline std::vector<std::string> warnings_of(Generator& generator, Context& context, const Request& request) {
    Warnings observer;
    FrameQueue frames(1000);
    generator.generate(context, request, frames, observer, {});
    return observer.lines;
}

}  // namespace kine::dit
