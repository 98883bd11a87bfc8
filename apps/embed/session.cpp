#include "apps/embed/session.h"

#include "dit/model_places.h"
#include "dit/presets.h"
#include "parallel/partition.h"
#include "runtime/device/gpus.h"
#include "runtime/device/host/processor.h"
#include "runtime/environment_switch.h"

#include <algorithm>
#include <cstdlib>

namespace kine::embed {

namespace {

constexpr int64_t kMaxThreads = 1024;
constexpr int64_t kMostRanks = 1 << 16;
constexpr int64_t kMostGroups = 1024;

SessionOptions parse(const KeyValues& values) {
    SessionOptions options;
    const FieldList fields(options);
    for (const auto& [name, value] : values) fields.find(option_name(name)).parse(value);
    check(options.threads >= 0 && options.threads <= kMaxThreads, ErrorCode::Usage, "threads: expected 0 to {}, got {}",
          kMaxThreads, options.threads);
    check(options.scaling >= 0 && options.scaling <= kMostRanks, ErrorCode::Usage,
          "scaling: expected 0 to {} ranks, got {}", kMostRanks, options.scaling);
    check(options.request_parallel >= 1 && options.request_parallel <= kMostGroups, ErrorCode::Usage,
          "request_parallel: expected 1 to {}, got {}", kMostGroups, options.request_parallel);
    check(options.trace.empty() || options.request_parallel == 1, ErrorCode::Usage,
          "trace: a timeline holds one video at a time, expected request_parallel 1, got {}", options.request_parallel);
    return options;
}

DType parse_dtype(const std::string& asked, const std::string& preset) {
    const std::string otherwise = preset.empty() ? "f32" : dit::find_preset(preset).dtype;
    const std::string& name = asked.empty() ? otherwise : asked;
    check(name == "f32" || name == "bf16" || name == "f16", ErrorCode::Usage,
          "dtype: expected f32, bf16 or f16, got '{}'", name);
    return dtype_from_name(name);
}

/// Of processes, "cuda" is each one's own; a launcher may also have left each only one to see.
std::vector<Device> devices_of(const SessionOptions& options) {
    if (options.device != "cuda") return parse_devices(options.device);
    const auto gpus = std::max<int>(static_cast<int>(find_gpus().gpus.size()), 1);
    return {{DeviceKind::Cuda, parallel::place_on_machine() % gpus}};
}

std::vector<std::unique_ptr<DeviceFloor>> open_devices(const std::vector<Device>& devices) {
    instruction_set();  // what is wrong in the environment is better told now than in the first product or step
    is_switched_on("KINE_CUDA_GRAPHS");
    std::vector<std::unique_ptr<DeviceFloor>> floors;
    for (const Device& device : devices) floors.push_back(open_floor(device));
    for (const auto& floor : floors) {
        for (const Device& other : devices) {
            if (other != floor->memory().device()) floor->let_in(other);
        }
    }
    return floors;
}

// Of a GPU's free memory: for its driver, cuBLASLt and cuDNN, and where it is one of several ranks for NCCL.
constexpr int64_t kLeftOver = int64_t{512} << 20;
constexpr int64_t kLeftForOthers = int64_t{1} << 30;

/// What `options` allow a device to take; 0 for no limit.
int64_t budget_of(const SessionOptions& options, DeviceFloor& floor, bool is_one_of_several) {
    if (floor.memory().device().kind == DeviceKind::Cpu) return parse_bytes("max_ram", options.max_ram);
    const int64_t asked = parse_bytes("max_vram", options.max_vram);
    const int64_t left = kLeftOver + (is_one_of_several ? kLeftForOthers : 0);
    return asked > 0 ? asked : std::max<int64_t>(floor.free_bytes() - left, 1);
}

/// cuBLASLt knows two vectors of scales on Hopper only, which it would say in the middle of a run.
void check_fp8(const std::vector<Device>& devices) {
    const GpuFacts facts = find_gpus();
    for (const Device& device : devices) {
        if (device.kind == DeviceKind::Cpu) continue;  // which has none at all, as its products say
        const Gpu& gpu = facts.gpus.at(static_cast<size_t>(device.index));
        check(gpu.major == 9, ErrorCode::Unsupported,
              "quantize fp8: {} is {}, expected compute capability 9.0 (Hopper)", to_string(device), describe(gpu));
    }
}

void check_device(const SessionOptions& options, const std::vector<Device>& devices) {
    const bool is_cpu = devices.front().kind == DeviceKind::Cpu;
    check(is_cpu || options.request_parallel == 1, ErrorCode::Unsupported,
          "request_parallel {}: GPUs make one video at a time, expected 1", options.request_parallel);
}

std::filesystem::path variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

}  // namespace

std::filesystem::path hub_cache() {
    if (const auto hub = variable("HF_HUB_CACHE"); !hub.empty()) return hub;
    if (const auto home = variable("HF_HOME"); !home.empty()) return home / "hub";
    if (const auto cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache / "huggingface" / "hub";
    const auto home = variable("HOME");
    return home.empty() ? home : home / ".cache" / "huggingface" / "hub";
}

Session::Session(const KeyValues& options)
    : options_(parse(options)),
      dtype_(parse_dtype(options_.dtype, options_.model_preset)),
      quantization_(quantization_from_name(options_.quantize)) {
    const std::vector<Device> devices = devices_of(options_);
    check_device(options_, devices);
    floors_ = open_devices(devices);
    if (quantization_ == Quantization::Fp8) check_fp8(devices);
    make_lanes(options_.request_parallel);
    Context& context = lanes_.front()->context;
    const bool are_several = floors_.size() > 1 || parallel::has_mpi_launcher();
    for (const auto& floor : floors_) floor->memory().set_budget(budget_of(options_, *floor, are_several));
    host_memory_.set_budget(parse_bytes("max_ram", options_.max_ram));
    if (!options_.trace.empty()) profiler_.enable();
    const bool has_preset = !options_.model_preset.empty();
    check(!has_preset || options_.model.empty(), ErrorCode::Usage,
          "model and model_preset are both given, expected one");
    const bool names_files = !options_.vae.empty() || !options_.text_encoder.empty();
    check(!names_files || !has_preset, ErrorCode::Usage,
          "vae and text_encoder name files, and model_preset is planned without any");
    const dit::OpenOptions how = {dtype_, dit::residency_from_name(options_.residency),
                                  options_.plan_only || has_preset, quantization_};
    if (has_preset) generator_ = dit::Generator::open(context, dit::find_preset(options_.model_preset).source, how);
    if (!options_.model.empty())
        generator_ =
            dit::Generator::open(context, dit::find_model(options_.model, hub_cache(), options_.named_files()), how);
    if (has_model()) generator_->expect_runs_at_once(options_.request_parallel);
}

/// Each with its share of the threads, at least one.
void Session::make_lanes(int64_t count) {
    const auto asked = static_cast<int>(options_.threads);
    const auto groups = static_cast<int>(count);
    const int64_t all = groups == 1 ? asked : ThreadPool(asked).size();
    lanes_.clear();
    for (int group = 0; group < groups; ++group) {
        const int64_t share = groups == 1 ? all : std::max<int64_t>(parallel::partition(all, group, groups).size(), 1);
        lanes_.push_back(std::make_unique<Lane>(floors_, host_memory_, profiler_, static_cast<int>(share)));
    }
}

dit::Generator& Session::generator() {
    check(has_model(), ErrorCode::Usage, "this session has no model, set the option 'model'");
    return *generator_;
}

/// A process makes one video at a time, with all its threads.
void Session::share_runs(std::shared_ptr<parallel::Processes> processes) {
    if (!processes) return;
    check(floors_.size() == 1, ErrorCode::Usage,
          "device {}: the launcher started {} processes, each of which has one; expected cuda, for each its own",
          options_.device, processes->size());
    dit::Generator& shared = generator();
    if (options_.request_parallel > 1) make_lanes(1);
    shared.expect_runs_at_once(1);
    processes->part(context(), static_cast<int>(options_.request_parallel));
    shared.share_runs(*processes);
    processes_ = std::move(processes);
}

int64_t Session::ranks_of_run(int64_t ranks) const {
    const int64_t groups = options_.request_parallel;
    const auto devices = static_cast<int64_t>(floors_.size());
    const int64_t given = processes_ ? processes_->size() : devices;
    const bool is_given = processes_ || devices > 1;
    const int64_t all = is_given && ranks == 1 ? given : ranks;
    check(!processes_ || all == given, ErrorCode::Usage,
          "ranks {}: the launcher started {} processes, each of which is one", all, given);
    check(devices == 1 || all == devices, ErrorCode::Usage, "ranks {}: device {} names {} GPUs, each of which is one",
          all, options_.device, devices);
    check(all % groups == 0, ErrorCode::Usage, "request_parallel {}: expected a divisor of the {} ranks", groups, all);
    return all / groups;
}

Claim Session::claim() {
    for (const std::unique_ptr<Lane>& lane : lanes_) {
        std::unique_lock<std::mutex> lock(lane->busy, std::try_to_lock);
        if (lock.owns_lock()) return {std::move(lock), lane->context};
    }
    if (lanes_.size() == 1) fail(ErrorCode::Usage, "this session is busy with another run");
    fail(ErrorCode::Usage, "this session is busy with {} other runs, as many as request_parallel says", lanes_.size());
}

void Session::write_trace() {
    if (options_.trace.empty() || !tells()) return;
    profiler_.write_trace(options_.trace);
    has_written_trace_ = true;
}

}  // namespace kine::embed
