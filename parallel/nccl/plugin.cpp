// libkinescope_nccl.so: the table of parallel/nccl/library.h over nccl.h and the CUDA runtime, and nothing else. No
// exception leaves it. Communicators do not block, so that a rank that is gone can be noticed and the rest aborted.
#include "parallel/nccl/library.h"

#include <cuda_runtime_api.h>
#include <nccl.h>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using kine::parallel::NcclId;
using kine::parallel::NcclLibrary;
using kine::parallel::NcclParcel;

static_assert(sizeof(NcclId) == sizeof(ncclUniqueId));

thread_local std::string error;

bool is_well(cudaError_t result) {
    if (result == cudaSuccess) return true;
    error = std::string("CUDA: ") + cudaGetErrorString(result);
    return false;
}

bool is_well(ncclResult_t result, ncclComm_t communicator = nullptr) {
    if (result == ncclSuccess || result == ncclInProgress) return true;
    error = std::string("NCCL: ") + ncclGetErrorString(result) + ": " + ncclGetLastError(communicator);
    return false;
}

struct Joined {
    ~Joined() {
        if (device < 0 || cudaSetDevice(device) != cudaSuccess) return;
        end();
        if (signal != nullptr) cudaFree(signal);
        if (stream != nullptr) cudaStreamDestroy(stream);
    }

    bool prepare(int own_device) {
        device = own_device;
        return is_well(cudaSetDevice(device)) && is_well(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)) &&
               is_well(cudaMalloc(&signal, 2));
    }

    /// A peer may still be taking what was sent last, so only a communicator that fails, or is kept waiting, is
    /// aborted.
    void end() {
        if (communicator == nullptr) return;
        constexpr auto kPatience = std::chrono::seconds(10);
        const auto start = std::chrono::steady_clock::now();
        ncclResult_t state = ncclCommFinalize(communicator);
        while (state == ncclInProgress && std::chrono::steady_clock::now() - start < kPatience) {
            std::this_thread::sleep_for(std::chrono::microseconds(50));
            if (ncclCommGetAsyncError(communicator, &state) != ncclSuccess) state = ncclInternalError;
        }
        if (state == ncclSuccess) {
            ncclCommDestroy(communicator);
        } else {
            ncclCommAbort(communicator);
        }
    }

    ncclComm_t communicator = nullptr;
    cudaStream_t stream = nullptr;
    void* signal = nullptr;  // what a parcel without content sends, and where it is received
    int device = -1;
    bool is_aborted = false;
};

ncclConfig_t without_blocking() {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    return config;
}

/// A parcel's content on the GPU: where it is, or a copy beside it.
struct Staged {
    NcclParcel parcel;
    void* memory = nullptr;
    bool is_copy = false;
};

struct Exchange {
    ~Exchange() {
        if (event != nullptr) cudaEventDestroy(event);
        if (start != nullptr) cudaEventDestroy(start);
        for (const Staged& part : parts) {
            if (part.is_copy) cudaFreeAsync(part.memory, joined->stream);
        }
    }

    /// What is sent was written there, and what is received may lie where work of that queue still reads.
    bool follow(cudaStream_t before) {
        return is_well(cudaEventCreateWithFlags(&start, cudaEventDisableTiming)) &&
               is_well(cudaEventRecord(start, before)) && is_well(cudaStreamWaitEvent(joined->stream, start, 0));
    }

    bool stage(const NcclParcel& parcel) {
        Staged part{parcel, parcel.memory, false};
        if (parcel.bytes == 0) {
            part.memory = static_cast<char*>(joined->signal) + (parcel.is_sent ? 0 : 1);
            part.parcel.bytes = 1;
            part.parcel.is_on_device = true;
        } else if (!parcel.is_on_device) {
            if (!is_well(cudaMallocAsync(&part.memory, static_cast<size_t>(parcel.bytes), joined->stream)))
                return false;
            part.is_copy = true;
        }
        parts.push_back(part);
        if (!part.is_copy || !parcel.is_sent) return true;
        return is_well(cudaMemcpyAsync(part.memory, parcel.memory, static_cast<size_t>(parcel.bytes),
                                       cudaMemcpyHostToDevice, joined->stream));
    }

    bool enqueue() {
        if (!is_well(ncclGroupStart())) return false;
        bool good = true;
        for (const Staged& part : parts) {
            const auto bytes = static_cast<size_t>(part.parcel.bytes);
            const ncclResult_t result =
                part.parcel.is_sent
                    ? ncclSend(part.memory, bytes, ncclUint8, part.parcel.peer, joined->communicator, joined->stream)
                    : ncclRecv(part.memory, bytes, ncclUint8, part.parcel.peer, joined->communicator, joined->stream);
            good = is_well(result, joined->communicator) && good;
        }
        return is_well(ncclGroupEnd(), joined->communicator) && good;
    }

    /// What was received goes where it is wanted.
    bool deliver() {
        for (const Staged& part : parts) {
            if (!part.is_copy || part.parcel.is_sent) continue;
            if (!is_well(cudaMemcpyAsync(part.parcel.memory, part.memory, static_cast<size_t>(part.parcel.bytes),
                                         cudaMemcpyDeviceToHost, joined->stream)))
                return false;
        }
        return is_well(cudaEventCreateWithFlags(&event, cudaEventDisableTiming)) &&
               is_well(cudaEventRecord(event, joined->stream));
    }

    Joined* joined = nullptr;
    std::vector<Staged> parts;
    cudaEvent_t start = nullptr;
    cudaEvent_t event = nullptr;  // after all is delivered
};

Joined& of(void* joined) { return *static_cast<Joined*>(joined); }

int count_devices(int* count) { return is_well(cudaGetDeviceCount(count)) ? 1 : -1; }

int make_id(NcclId* id) { return is_well(ncclGetUniqueId(reinterpret_cast<ncclUniqueId*>(id))) ? 1 : -1; }

void* join(const NcclId* id, int rank, int size, int device) {
    auto made = std::make_unique<Joined>();
    if (!made->prepare(device)) return nullptr;
    ncclConfig_t config = without_blocking();
    ncclUniqueId common;
    for (size_t i = 0; i < sizeof(common.internal); ++i) common.internal[i] = id->bytes[i];
    if (!is_well(ncclCommInitRankConfig(&made->communicator, size, common, rank, &config))) return nullptr;
    return made.release();
}

void* split(void* joined, int color, int key) {
    auto made = std::make_unique<Joined>();
    if (!made->prepare(of(joined).device)) return nullptr;
    ncclConfig_t config = without_blocking();
    const ncclComm_t parent = of(joined).communicator;
    if (!is_well(ncclCommSplit(parent, color, key, &made->communicator, &config), parent)) return nullptr;
    return made.release();
}

int poll(void* joined) {
    ncclResult_t state = ncclSuccess;
    if (of(joined).communicator == nullptr) return 0;
    if (!is_well(ncclCommGetAsyncError(of(joined).communicator, &state))) return -1;
    if (!is_well(state, of(joined).communicator)) return -1;
    return state == ncclInProgress ? 0 : 1;
}

void* begin(void* joined, const NcclParcel* parcels, int count, void* before) {
    auto exchange = std::make_unique<Exchange>();
    exchange->joined = static_cast<Joined*>(joined);
    if (!is_well(cudaSetDevice(of(joined).device)) || !exchange->follow(static_cast<cudaStream_t>(before)))
        return nullptr;
    for (int i = 0; i < count; ++i) {
        if (!exchange->stage(parcels[i])) return nullptr;
    }
    return exchange->enqueue() ? exchange.release() : nullptr;
}

int test(void* exchange) {
    auto& call = *static_cast<Exchange*>(exchange);
    if (const int state = poll(call.joined); state != 1) return state;
    if (call.event == nullptr && !call.deliver()) return -1;
    const cudaError_t state = cudaEventQuery(call.event);
    if (state == cudaErrorNotReady) return 0;
    return is_well(state) ? 1 : -1;
}

void drop(void* exchange) {
    const std::unique_ptr<Exchange> held(static_cast<Exchange*>(exchange));
    if (!held->joined->is_aborted) cudaStreamSynchronize(held->joined->stream);
}

void abort(void* joined) {
    of(joined).is_aborted = true;
    if (of(joined).communicator != nullptr) ncclCommAbort(of(joined).communicator);
    of(joined).communicator = nullptr;
    cudaStreamSynchronize(of(joined).stream);
}

void leave(void* joined) { const std::unique_ptr<Joined> held(static_cast<Joined*>(joined)); }

const char* last_error() { return error.c_str(); }

}  // namespace

extern "C" __attribute__((visibility("default"))) const NcclLibrary kine_nccl_library;
const NcclLibrary kine_nccl_library = {count_devices, make_id, join,  split, poll,      begin,
                                       test,          drop,    abort, leave, last_error};
