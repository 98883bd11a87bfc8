#include "apps/embed/session.h"

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

DType parse_dtype(const std::string& name) {
    check(name == "f32" || name == "bf16", ErrorCode::Usage, "dtype: expected f32 or bf16, got '{}'", name);
    return dtype_from_name(name);
}

}  // namespace

Session::Session(const KeyValues& options)
    : options_(parse(options)),
      dtype_(parse_dtype(options_.dtype)),
      threads_(static_cast<int>(options_.threads)),
      context_{parse_device(options_.device), allocator_, threads_, profiler_} {
    allocator_.set_budget(parse_bytes("max_ram", options_.max_ram));
    if (!options_.trace.empty()) profiler_.enable();
    if (!options_.model.empty()) generator_ = dit::Generator::open(context_, options_.model, dtype_);
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
