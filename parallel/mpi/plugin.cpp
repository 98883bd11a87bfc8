// libkinescope_mpi.so: the table of parallel/mpi/library.h over mpi.h, and nothing else. No exception leaves it.
#include "parallel/mpi/library.h"

#include <mpi.h>

namespace {

using kine::parallel::MpiChannel;
using kine::parallel::MpiLibrary;

struct Joined {
    MPI_Comm channels[2] = {MPI_COMM_NULL, MPI_COMM_NULL};
    bool is_ours = false;  // we initialised MPI, so we finalise it

    MPI_Comm on(MpiChannel channel) const { return channels[static_cast<int>(channel)]; }
};

struct Message {
    MPI_Request request = MPI_REQUEST_NULL;
};

Joined& of(void* joined) { return *static_cast<Joined*>(joined); }

int initialise(bool& is_ours) {
    int is_running = 0;
    if (MPI_Initialized(&is_running) != MPI_SUCCESS) return 1;
    is_ours = is_running == 0;
    int provided = MPI_THREAD_SINGLE;
    // The thread that runs need not be the one that joins, but they are never two at once.
    if (is_ours && MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS) return 1;
    return MPI_Query_thread(&provided) == MPI_SUCCESS && provided >= MPI_THREAD_SERIALIZED ? 0 : 1;
}

int join(void** joined, int* rank, int* size) {
    auto made = std::make_unique<Joined>();
    if (initialise(made->is_ours) != 0) return 1;
    for (MPI_Comm& channel : made->channels) {
        if (MPI_Comm_dup(MPI_COMM_WORLD, &channel) != MPI_SUCCESS) return 1;
        if (MPI_Comm_set_errhandler(channel, MPI_ERRORS_RETURN) != MPI_SUCCESS) return 1;
    }
    if (MPI_Comm_rank(MPI_COMM_WORLD, rank) != MPI_SUCCESS || MPI_Comm_size(MPI_COMM_WORLD, size) != MPI_SUCCESS)
        return 1;
    *joined = made.release();
    return 0;
}

void* send(void* joined, MpiChannel channel, const void* bytes, int count, int peer, int tag) {
    auto message = std::make_unique<Message>();
    const int result = MPI_Isend(bytes, count, MPI_BYTE, peer, tag, of(joined).on(channel), &message->request);
    return result == MPI_SUCCESS ? message.release() : nullptr;
}

void* receive(void* joined, MpiChannel channel, void* bytes, int count, int peer, int tag) {
    auto message = std::make_unique<Message>();
    const int result = MPI_Irecv(bytes, count, MPI_BYTE, peer, tag, of(joined).on(channel), &message->request);
    return result == MPI_SUCCESS ? message.release() : nullptr;
}

int test(void* message, int* count) {
    std::unique_ptr<Message> held(static_cast<Message*>(message));
    int is_done = 0;
    MPI_Status status;
    if (MPI_Test(&held->request, &is_done, &status) != MPI_SUCCESS) return -1;
    if (is_done == 0) {
        held.release();
        return 0;
    }
    return MPI_Get_count(&status, MPI_BYTE, count) == MPI_SUCCESS ? 1 : -1;
}

void drop(void* message) {
    const std::unique_ptr<Message> held(static_cast<Message*>(message));
    if (MPI_Cancel(&held->request) == MPI_SUCCESS) MPI_Request_free(&held->request);
}

int probe(void* joined, MpiChannel channel, int* peer, int* count) {
    int is_there = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, of(joined).on(channel), &is_there, &status) != MPI_SUCCESS) return 0;
    if (is_there == 0) return 0;
    *peer = status.MPI_SOURCE;
    return MPI_Get_count(&status, MPI_BYTE, count) == MPI_SUCCESS ? 1 : 0;
}

int leave(void* joined) {
    const std::unique_ptr<Joined> held(static_cast<Joined*>(joined));
    for (MPI_Comm& channel : held->channels) MPI_Comm_free(&channel);
    return held->is_ours && MPI_Finalize() != MPI_SUCCESS ? 1 : 0;
}

void abort(void*, int status) { MPI_Abort(MPI_COMM_WORLD, status); }

}  // namespace

extern "C" __attribute__((visibility("default"))) const MpiLibrary kine_mpi_library;
const MpiLibrary kine_mpi_library = {join, send, receive, test, drop, probe, leave, abort};
