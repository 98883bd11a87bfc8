// What emulated launches go through, so that a queue may put them off or a graph record them.
#pragma once

#include "runtime/device/stream.h"

#include <functional>

namespace kine {

/// Does the work now where the queue is the context's own, the null one; else when somebody waits for the queue.
void enqueue(Stream stream, std::function<void()> work);

}  // namespace kine
