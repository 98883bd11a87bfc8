// The program as several ranks, started by mpirun.
#pragma once

#include "tests/apps/support/program.h"

namespace kine::apps {

/// Whether there is an mpirun that works, and so a build with MPI.
bool has_mpirun();
/// `ranks` processes of the program with these arguments, however few processors there are.
Launch mpi_launch(int ranks, std::vector<std::string> arguments);
/// The process that is rank `rank` of the run that `mpirun` leads.
pid_t process_of_rank(pid_t mpirun, int rank);

}  // namespace kine::apps
