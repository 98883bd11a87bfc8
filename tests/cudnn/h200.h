// The GPU that plans are made for where there is none: an H200 as cuDNN describes one.
#pragma once

#include "kernels/cudnn/plugin/execution_plan.h"

namespace kine::kernels::cudnn {

inline Target h200() {
    return {nullptr, R"({"deviceName": "NVIDIA H200", "cudaDeviceId": 0, "deviceVer": 900, "multiProcessorCount": 132,
        "driverVer": 13000, "maxSharedMemoryPerBlockOptin": 232448, "maxSharedMemoryPerBlock": 49152,
        "reservedSharedMemoryPerBlock": 1024, "totalGlobalMem": 150754820096, "maxGridSize": [2147483647, 65535, 65535],
        "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "smClockRateKHz": 1980000,
        "memClockRateKHz": 3201000, "l2CacheSize": 62914560, "warpSize": 32, "pciDeviceId": 0, "maxCtasPerSM": 32,
        "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "isTccDriver": 0, "supportCoopLaunch": 1})"};
}

}  // namespace kine::kernels::cudnn
