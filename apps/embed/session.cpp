#include "apps/embed/session.h"

#include "dit/model_places.h"
#include "dit/presets.h"
#include "runtime/device/gpus.h"
#include "runtime/device/host/processor.h"

#include <cstdlib>

namespace kine::embed {

namespace {

constexpr int64_t kMaxThreads = 1024;
constexpr int64_t kMostRanks = 1 << 16;

SessionOptions parse(const KeyValues& values) {
    SessionOptions options;
    const FieldList fields(options);
    for (const auto& [name, value] : values) fields.find(option_name(name)).parse(value);
    check(options.threads >= 0 && options.threads <= kMaxThreads, ErrorCode::Usage, "threads: expected 0 to {}, got {}",
          kMaxThreads, options.threads);
    check(options.scaling >= 0 && options.scaling <= kMostRanks, ErrorCode::Usage,
          "scaling: expected 0 to {} ranks, got {}", kMostRanks, options.scaling);
    return options;
}

DType parse_dtype(const std::string& asked, const std::string& preset) {
    const std::string otherwise = preset.empty() ? "f32" : dit::find_preset(preset).dtype;
    const std::string& name = asked.empty() ? otherwise : asked;
    check(name == "f32" || name == "bf16", ErrorCode::Usage, "dtype: expected f32 or bf16, got '{}'", name);
    return dtype_from_name(name);
}

/// Which device, if models can run on it.
Device open_device(const std::string& text) {
    const Device device = parse_device(text);
    if (device.kind == DeviceKind::Cpu) {
        instruction_set();  // a wrong KINE_CPU is better told now than in the first product
        return device;
    }
    check_usable(device, find_gpus());
    fail(ErrorCode::Device, "device '{}': models do not run on GPUs yet, use cpu", text);
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
      threads_(static_cast<int>(options_.threads)),
      context_{open_device(options_.device), allocator_, threads_, profiler_} {
    allocator_.set_budget(parse_bytes("max_ram", options_.max_ram));
    if (!options_.trace.empty()) profiler_.enable();
    const bool has_preset = !options_.model_preset.empty();
    check(!has_preset || options_.model.empty(), ErrorCode::Usage,
          "model and model_preset are both given, expected one");
    const bool names_files = !options_.vae.empty() || !options_.text_encoder.empty();
    check(!names_files || !has_preset, ErrorCode::Usage,
          "vae and text_encoder name files, and model_preset is planned without any");
    const dit::OpenOptions how = {dtype_, dit::residency_from_name(options_.residency),
                                  options_.plan_only || has_preset};
    if (has_preset) generator_ = dit::Generator::open(context_, dit::find_preset(options_.model_preset).source, how);
    if (!options_.model.empty())
        generator_ =
            dit::Generator::open(context_, dit::find_model(options_.model, hub_cache(), options_.named_files()), how);
}

dit::Generator& Session::generator() {
    check(has_model(), ErrorCode::Usage, "this session has no model, set the option 'model'");
    return *generator_;
}

void Session::share_runs(std::shared_ptr<parallel::Processes> processes) {
    processes_ = std::move(processes);
    if (processes_) generator().share_runs(*processes_);
}

std::unique_lock<std::mutex> Session::claim() {
    std::unique_lock<std::mutex> lock(busy_, std::try_to_lock);
    check(lock.owns_lock(), ErrorCode::Usage, "this session is busy with another run");
    return lock;
}

void Session::write_trace() const {
    if (!options_.trace.empty() && tells()) profiler_.write_trace(options_.trace);
}

}  // namespace kine::embed
