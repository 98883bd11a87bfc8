#include "apps/cli/surroundings.h"

#include <chrono>
#include <cstdlib>
#include <thread>

namespace kinescope::cli {

bool is_first_process() {
    struct Names {
        const char* rank;
        const char* size;
    };
    for (const auto& [rank, size] : {Names{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                     Names{"PMIX_RANK", "SLURM_NTASKS"}, Names{"PMI_RANK", "PMI_SIZE"}}) {
        const char *place = std::getenv(rank), *all = std::getenv(size);
        if (place != nullptr && all != nullptr && std::atoi(all) > 1) return std::atoi(place) == 0;
    }
    return true;
}

void let_the_first_speak() {
    if (!is_first_process()) std::this_thread::sleep_for(std::chrono::seconds(3));
}

}  // namespace kinescope::cli
