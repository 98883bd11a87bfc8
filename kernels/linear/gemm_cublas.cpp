// Products by cuBLASLt, which is opened when the first one is asked for: a machine without it still runs the program.
#include "kernels/linear/gemm_cuda.h"

#include "runtime/device/cuda/check.h"
#include "runtime/error.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

namespace kine::kernels::cuda {

namespace {

constexpr const char* kFile = "libcublasLt.so.13";

void check_blas(cublasStatus_t status, std::string_view what) {
    check(status == CUBLAS_STATUS_SUCCESS, ErrorCode::Device, "{}: cuBLASLt answers {}", what,
          static_cast<int>(status));
}

/// The functions that are used, by their own types.
struct Api {
    decltype(&cublasLtCreate) create;
    decltype(&cublasLtMatmulDescCreate) make_product;
    decltype(&cublasLtMatmulDescDestroy) drop_product;
    decltype(&cublasLtMatmulDescSetAttribute) set_product;
    decltype(&cublasLtMatrixLayoutCreate) make_layout;
    decltype(&cublasLtMatrixLayoutDestroy) drop_layout;
    decltype(&cublasLtMatmulPreferenceCreate) make_preference;
    decltype(&cublasLtMatmulPreferenceDestroy) drop_preference;
    decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference;
    decltype(&cublasLtMatmulAlgoGetHeuristic) choose;
    decltype(&cublasLtMatmul) multiply;
};

template <class Function>
void look_up(void* library, const char* name, Function& function) {
    void* symbol = ::dlsym(library, name);
    check(symbol != nullptr, ErrorCode::Device, "{} has no {}", kFile, name);
    function = reinterpret_cast<Function>(symbol);
}

Api open_api() {
    void* library = ::dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
    const char* reason = library == nullptr ? ::dlerror() : nullptr;
    check(library != nullptr, ErrorCode::Device, "products on a GPU need cuBLASLt of CUDA 13: {}",
          reason != nullptr ? reason : kFile);
    Api api = {};
    look_up(library, "cublasLtCreate", api.create);
    look_up(library, "cublasLtMatmulDescCreate", api.make_product);
    look_up(library, "cublasLtMatmulDescDestroy", api.drop_product);
    look_up(library, "cublasLtMatmulDescSetAttribute", api.set_product);
    look_up(library, "cublasLtMatrixLayoutCreate", api.make_layout);
    look_up(library, "cublasLtMatrixLayoutDestroy", api.drop_layout);
    look_up(library, "cublasLtMatmulPreferenceCreate", api.make_preference);
    look_up(library, "cublasLtMatmulPreferenceDestroy", api.drop_preference);
    look_up(library, "cublasLtMatmulPreferenceSetAttribute", api.set_preference);
    look_up(library, "cublasLtMatmulAlgoGetHeuristic", api.choose);
    look_up(library, "cublasLtMatmul", api.multiply);
    return api;
}

/// Opened once a process, like any library that is linked; an attempt that failed is made again.
const Api& api() {
    static const Api opened = open_api();
    return opened;
}

template <class Made>
using Owned = std::unique_ptr<std::remove_pointer_t<Made>, cublasStatus_t (*)(Made)>;

cudaDataType_t type_of(DType dtype) {
    if (dtype == DType::Float16) return CUDA_R_16F;
    return dtype == DType::BFloat16 ? CUDA_R_16BF : CUDA_R_32F;
}

cudaDataType_t operand_type(const GemmArguments& gemm) {
    return gemm.x_scales != nullptr ? CUDA_R_8F_E4M3 : type_of(gemm.dtype);
}

/// Column-major, as cuBLAS counts.
Owned<cublasLtMatrixLayout_t> layout(cudaDataType_t type, int64_t rows, int64_t columns, int64_t stride) {
    cublasLtMatrixLayout_t made = nullptr;
    check_blas(api().make_layout(&made, type, static_cast<uint64_t>(rows), static_cast<uint64_t>(columns), stride),
               "a matrix");
    return {made, api().drop_layout};
}

/// In its columns our product is out^T = weight x^T: the weight, stored row by row, counts as transposed.
struct Product {
    explicit Product(const GemmArguments& gemm)
        : description(describe(gemm)),
          weight(layout(operand_type(gemm), gemm.depth, gemm.columns, gemm.depth)),
          x(layout(operand_type(gemm), gemm.depth, gemm.rows, gemm.x_stride)),
          out(layout(type_of(gemm.dtype), gemm.columns, gemm.rows, gemm.columns)) {}

    Owned<cublasLtMatmulDesc_t> description;
    Owned<cublasLtMatrixLayout_t> weight, x, out;

  private:
    static Owned<cublasLtMatmulDesc_t> describe(const GemmArguments& gemm) {
        cublasLtMatmulDesc_t made = nullptr;
        const auto arithmetic = gemm.rounds_to_tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
        check_blas(api().make_product(&made, arithmetic, CUDA_R_32F), "a product");
        Owned<cublasLtMatmulDesc_t> owned(made, api().drop_product);
        const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
            check_blas(api().set_product(made, attribute, &value, sizeof(value)), "a product's attribute");
        };
        set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
        set(CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
        if (gemm.x_scales != nullptr) {
            set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F);
            set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F);
            set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, gemm.weight_scales);
            set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, gemm.x_scales);
        }
        if (gemm.bias != nullptr) {
            set(CUBLASLT_MATMUL_DESC_EPILOGUE, gemm.has_gelu ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_BIAS);
            set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, gemm.bias);
        } else if (gemm.has_gelu) {
            set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_GELU);
        }
        return owned;
    }
};

/// The largest power of two, up to 256, that divides the address.
uint32_t alignment_of(const std::byte* memory) {
    const auto address = reinterpret_cast<uintptr_t>(memory);
    return static_cast<uint32_t>(std::min<uintptr_t>(address & (~address + 1), 256));
}

using Algorithm = cublasLtMatmulAlgo_t;

/// A handle for each device and an algorithm for each kind of product, chosen once by cuBLASLt's own heuristic.
class Library {
  public:
    void multiply(const GemmArguments& gemm, Stream stream) {
        const Product product(gemm);
        const float one = 1.0f, kept = gemm.residual != nullptr ? 1.0f : 0.0f;
        const std::byte* added = gemm.residual != nullptr ? gemm.residual : gemm.out;
        int device = 0;
        check_cuda(cudaGetDevice(&device), "the thread's device");
        const cublasLtHandle_t handle = handle_of(device);
        const Algorithm algorithm = algorithm_of(handle, device, gemm, product);
        check_blas(api().multiply(handle, product.description.get(), &one, gemm.weight, product.weight.get(), gemm.x,
                                  product.x.get(), &kept, added, product.out.get(), gemm.out, product.out.get(),
                                  &algorithm, gemm.workspace, static_cast<size_t>(kDeviceProductBytes),
                                  static_cast<cudaStream_t>(stream.handle)),
                   "a product");
    }

  private:
    using Kind = std::tuple<int, DType, int64_t, int64_t, int64_t, int64_t, bool, bool, bool, bool, bool, uint32_t,
                            uint32_t, uint32_t, uint32_t>;

    cublasLtHandle_t handle_of(int device) {
        const std::lock_guard lock(mutex_);
        cublasLtHandle_t& handle = handles_[device];
        if (handle == nullptr) check_blas(api().create(&handle), "opening cuBLASLt");
        return handle;
    }

    Algorithm algorithm_of(cublasLtHandle_t handle, int device, const GemmArguments& gemm, const Product& product) {
        const uint32_t weight = alignment_of(gemm.weight), x = alignment_of(gemm.x), out = alignment_of(gemm.out);
        const uint32_t added = gemm.residual != nullptr ? alignment_of(gemm.residual) : out;
        const Kind kind = {device,
                           gemm.dtype,
                           gemm.rows,
                           gemm.columns,
                           gemm.depth,
                           gemm.x_stride,
                           gemm.bias != nullptr,
                           gemm.has_gelu,
                           gemm.rounds_to_tf32,
                           gemm.x_scales != nullptr,
                           gemm.residual != nullptr,
                           weight,
                           x,
                           added,
                           out};
        const std::lock_guard lock(mutex_);
        const auto known = chosen_.find(kind);
        if (known != chosen_.end()) return known->second;
        cublasLtMatmulPreference_t made = nullptr;
        check_blas(api().make_preference(&made), "a preference");
        const Owned<cublasLtMatmulPreference_t> preference(made, api().drop_preference);
        const auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
            check_blas(api().set_preference(made, attribute, &value, sizeof(value)), "a preference");
        };
        set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<size_t>(kDeviceProductBytes));
        // Parts of a sum stay f32 until they are one, else f16 might have no room for them.
        set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, weight);
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, x);
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, added);
        set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, out);
        cublasLtMatmulHeuristicResult_t best = {};
        int found = 0;
        const cublasStatus_t answer =
            api().choose(handle, product.description.get(), product.weight.get(), product.x.get(), product.out.get(),
                         product.out.get(), made, 1, &best, &found);
        if (answer != CUBLAS_STATUS_NOT_SUPPORTED) check_blas(answer, "choosing an algorithm");
        check(found > 0, ErrorCode::Device, "cuBLASLt has no algorithm for {} x {} x {} of {}{}", gemm.rows,
              gemm.columns, gemm.depth, name_of(gemm.dtype),
              gemm.x_scales != nullptr ? " from fp8, which asks for compute capability 9.0 (Hopper)" : "");
        return chosen_.emplace(kind, best.algo).first->second;
    }

    std::mutex mutex_;
    std::map<int, cublasLtHandle_t> handles_;
    std::map<Kind, Algorithm> chosen_;
};

/// Never destroyed: the driver may be gone by the time that the process ends.
Library& library() {
    static Library* const opened = new Library;
    return *opened;
}

}  // namespace

void launch_gemm(const GemmArguments& gemm, Stream stream) {
    if (gemm.rows > 0) library().multiply(gemm, stream);
}

}  // namespace kine::kernels::cuda
