#include "apps/cli/surroundings.h"

#include <cstdlib>

namespace kinescope::cli {

bool is_first_process() {
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}) {
        const char* rank = std::getenv(name);
        if (rank != nullptr) return std::atoi(rank) == 0;
    }
    return true;
}

}  // namespace kinescope::cli
