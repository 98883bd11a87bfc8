// A session: one device with its memory, threads and profile, and at most one model. All state of the library lives in
// sessions, so two of them in one process do not see one another.
#pragma once

#include "apps/embed/run_request.h"
#include "dit/generator.h"
#include "dit/model_places.h"
#include "parallel/processes.h"
#include "runtime/context.h"
#include "runtime/device/host/host_allocator.h"
#include "runtime/profile.h"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

namespace kine::embed {

struct SessionOptions {
    std::string model;
    std::string device = "cpu";
    std::string dtype;
    int64_t threads = 0;
    std::string max_ram = "0";
    std::string trace;
    std::string vae;
    std::string text_encoder;
    std::string model_preset;
    std::string residency = "auto";
    bool plan_only = false;
    int64_t scaling = 0;

    dit::NamedFiles named_files() const { return {vae, text_encoder}; }

    template <class Visitor>
    void visit(Visitor& v) {
        v("model", model, "model directory, single file, or ORG/NAME in the Hugging Face cache");
        v("vae", vae, "weight file of the VAE, in place of the one that lies with the model");
        v("text_encoder", text_encoder,
          "weight file of the text encoder, in place of the one that lies with the model");
        v("device", device, "where to run: cpu");
        v("dtype", dtype, "type of weights and activations: f32 or bf16; empty for f32, or what a preset says");
        v("threads", threads, "threads, 0 for every processor");
        v("max_ram", max_ram, "most bytes that weights and activations may take (suffixes K, M, G), 0 for no limit");
        v("model_preset", model_preset, "plan this published model, which needs no files: a name or a .json file");
        v("residency", residency,
          "whose weights are in memory: all, those of the running stage, or auto: as many as fit");
        v("plan_only", plan_only, "open the model to plan: no weights are read, and files with them may lack");
        v("scaling", scaling, "plan for 1, 2, 4, ... ranks too, up to this many");
        v("trace", trace, "write a Chrome trace of every run to this file");
    }
};

/// Where the Hugging Face libraries keep what they fetched, as their environment variables say.
std::filesystem::path hub_cache();

/// One run at a time; a second one meanwhile is a usage error.
class Session {
  public:
    explicit Session(const KeyValues& options);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const SessionOptions& options() const { return options_; }
    DType dtype() const { return dtype_; }
    Context& context() { return context_; }
    HostAllocator& allocator() { return allocator_; }
    bool has_model() const { return generator_ != nullptr; }
    /// Throws ErrorCode::Usage for a session without a model.
    dit::Generator& generator();

    /// The ranks of its runs are these processes.
    void share_runs(std::shared_ptr<parallel::Processes> processes);
    /// Null if the ranks are threads.
    parallel::Processes* processes() { return processes_.get(); }
    /// Whether this process is the one that writes files and talks.
    bool tells() const { return !processes_ || processes_->rank() == 0; }

    /// Held while the session works; throws ErrorCode::Usage if another thread holds it.
    std::unique_lock<std::mutex> claim();
    void write_trace() const;

  private:
    SessionOptions options_;
    DType dtype_;
    HostAllocator allocator_;
    ThreadPool threads_;
    Profiler profiler_;
    Context context_;
    std::unique_ptr<dit::Generator> generator_;  // after the allocator: its weights lie there
    std::shared_ptr<parallel::Processes> processes_;
    std::mutex busy_;
};

}  // namespace kine::embed
