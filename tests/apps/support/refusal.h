// What must hold for every input that is refused: the exit code, the words, and nothing lost.
#pragma once

#include "tests/apps/support/model_copy.h"
#include "tests/apps/support/program.h"

#include <string>
#include <vector>

namespace kine::apps {

/// One way to damage a model, and what the program says to it.
struct BadModel {
    std::string name;
    void (*damage)(const ModelCopy& model);
    int status;
    std::vector<std::string> says;
};

/// Runs `arguments` with an output that exists and may be replaced; it must survive, and nothing else be left.
void expect_refused(std::vector<std::string> arguments, int status, const std::vector<std::string>& says);
void expect_refused(const BadModel& row);

}  // namespace kine::apps
