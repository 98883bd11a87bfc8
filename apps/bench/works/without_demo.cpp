// For programs that go where codecs do not.
#include "apps/bench/works/work.h"

namespace kine::bench {

std::span<const WorkKind> demo_kinds() { return {}; }

}  // namespace kine::bench
