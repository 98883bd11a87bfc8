#include "runtime/device/graph_recording.h"

#include "runtime/error.h"

#include <utility>

namespace kine {

namespace {

thread_local GraphRecording* current = nullptr;

}  // namespace

GraphRecording::GraphRecording() {
    check(current == nullptr, ErrorCode::Bug, "a graph is recorded while another is");
    current = this;
}

GraphRecording::~GraphRecording() { current = nullptr; }

void GraphRecording::hold(std::shared_ptr<const void> used) {
    if (current != nullptr) current->held_.push_back(std::move(used));
}

void GraphRecording::refuse(std::string_view what) {
    check(current == nullptr, ErrorCode::Device, "{} while a graph is recorded", what);
}

}  // namespace kine
