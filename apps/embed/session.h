// A session: one device, or several GPUs, with its memory, threads and profile, and at most one model. All state of the
// library lives in sessions, so two of them in one process do not see one another. Runs at once have threads of their
// own, and share the weights and the memory budget.
#pragma once

#include "apps/embed/run_request.h"
#include "dit/generator.h"
#include "dit/model_places.h"
#include "parallel/processes.h"
#include "runtime/context.h"
#include "runtime/device/floor.h"
#include "runtime/device/host/host_allocator.h"
#include "runtime/profile.h"

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace kine::embed {

struct SessionOptions {
    std::string model;
    std::string device = "cpu";
    std::string dtype;
    std::string quantize = "none";
    int64_t threads = 0;
    std::string max_ram = "0";
    std::string max_vram = "0";
    std::string trace;
    std::string vae;
    std::string text_encoder;
    std::string model_preset;
    std::string residency = "auto";
    bool plan_only = false;
    int64_t scaling = 0;
    int64_t request_parallel = 1;

    dit::NamedFiles named_files() const { return {vae, text_encoder}; }

    template <class Visitor>
    void visit(Visitor& v) {
        v("model", model, "model directory, single file, or ORG/NAME in the Hugging Face cache");
        v("vae", vae, "weight file of the VAE, in place of the one that lies with the model");
        v("text_encoder", text_encoder,
          "weight file of the text encoder, in place of the one that lies with the model");
        v("device", device, "where to run: cpu, cuda, cuda:N, or several GPUs, a rank each: cuda:0,1");
        v("dtype", dtype,
          "type of weights and activations: f32, bf16 or, on GPUs, f16; empty for f32, or what a preset says");
        v("quantize", quantize,
          "linear layers of transformer blocks in eight bits, faster and smaller but less exact: none, int8 (CPUs) or "
          "fp8 "
          "(GPUs, bf16); or tf32 (GPUs, f32)");
        v("threads", threads, "threads, 0 for every processor");
        v("max_ram", max_ram, "most bytes that weights and activations may take (suffixes K, M, G), 0 for no limit");
        v("max_vram", max_vram, "the same of a GPU's memory, 0 for what is free of it when the session begins");
        v("model_preset", model_preset, "plan this published model, which needs no files: a name or a .json file");
        v("residency", residency,
          "whose weights are in memory: all, those of the running stage, of that those of the layers at work (GPUs: "
          "the "
          "others wait in host memory), or auto: as many as fit");
        v("plan_only", plan_only, "open the model to plan: no weights are read, and files with them may lack");
        v("scaling", scaling, "plan for 1, 2, 4, ... ranks too, up to this many");
        v("trace", trace, "write a Chrome trace of every run to this file");
        v("request_parallel", request_parallel, "groups that the ranks are parted into, each of which makes videos");
    }
};

/// Where the Hugging Face libraries keep what they fetched, as their environment variables say.
std::filesystem::path hub_cache();

/// What one run works with: a share of the session's threads.
struct Lane {
    Lane(const std::vector<std::unique_ptr<DeviceFloor>>& floors, Allocator& host_memory, Profiler& profiler,
         int threads)
        : pool(threads), host{Device{}, host_memory, pool, profiler}, context(on(*floors.front())) {
        for (const auto& floor : std::span(floors).subspan(1)) others.push_back(on(*floor));
        if (!others.empty()) context.others = &others;
    }
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    ThreadPool pool;
    Context host;  // beside a GPU: for what is made in host memory
    std::vector<Context> others;
    Context context;
    std::mutex busy;

  private:
    Context on(DeviceFloor& floor) {
        const Device device = floor.memory().device();
        const bool is_host = device.kind == DeviceKind::Cpu;
        return {device, floor.memory(), pool, host.profiler, floor.stream(), is_host ? nullptr : &host};
    }
};

/// A lane, as long as this lives.
struct Claim {
    std::unique_lock<std::mutex> lock;
    Context& context;
};

/// As many runs at a time as ranks that are threads are parted into groups; one more meanwhile is a usage error.
class Session {
  public:
    explicit Session(const KeyValues& options);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const SessionOptions& options() const { return options_; }
    DType dtype() const { return dtype_; }
    Quantization quantization() const { return quantization_; }
    /// For what runs no kernel, such as estimates; what does claims a lane.
    const Context& context() const { return lanes_.front()->context; }
    /// Of the device where the session computes, the first one if there are several.
    Allocator& allocator() { return floors_.front()->memory(); }
    bool has_model() const { return generator_ != nullptr; }
    /// Throws ErrorCode::Usage for a session without a model.
    dit::Generator& generator();

    /// The ranks of its runs are these processes, parted into groups.
    void share_runs(std::shared_ptr<parallel::Processes> processes);
    /// Null if the ranks are threads.
    parallel::Processes* processes() { return processes_.get(); }
    /// Whether this process is the one of its group that writes files and talks.
    bool tells() const { return !processes_ || processes_->group_rank() == 0; }
    /// The group that this process is in.
    int group() const { return processes_ ? processes_->group() : 0; }
    /// Of the `ranks` that a request names, which are all of them, those that make its video.
    int64_t ranks_of_run(int64_t ranks) const;

    /// Held while the session works; throws ErrorCode::Usage if as many threads as it serves hold theirs.
    Claim claim();
    /// Replaces the one that an earlier run of this session wrote.
    void write_trace();
    bool has_written_trace() const { return has_written_trace_; }

  private:
    void make_lanes(int64_t count);

    SessionOptions options_;
    DType dtype_;
    Quantization quantization_;
    HostAllocator host_memory_;                         // beside a GPU's
    std::vector<std::unique_ptr<DeviceFloor>> floors_;  // one for each device
    Profiler profiler_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::unique_ptr<dit::Generator> generator_;  // after the allocator: its weights lie there
    std::shared_ptr<parallel::Processes> processes_;
    std::atomic<bool> has_written_trace_ = false;
};

}  // namespace kine::embed
