// The short works of works/, repeated until their time is sure.
#include "apps/bench/report.h"
#include "apps/bench/works/work.h"

#include <unistd.h>

namespace kine::bench {

namespace {

/// Files that are gone once they are open: mappings keep the bytes.
class PassingFolder {
  public:
    PassingFolder() : path_(std::filesystem::temp_directory_path() / ("kine_bench_" + std::to_string(getpid()))) {
        std::filesystem::create_directories(path_);
    }
    ~PassingFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    PassingFolder(const PassingFolder&) = delete;
    PassingFolder& operator=(const PassingFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

std::unique_ptr<Work> open_passing(Context& context, const WorkKind& kind, DType dtype, Quantization quantization) {
    const PassingFolder folder;
    Context host = context.host();
    write_files(host, kind, folder.path());
    return kind.open({context, dtype, folder.path(), quantization});
}

void repeat(benchmark::State& state, const BenchSetup& setup, const WorkKind& kind, DType dtype,
            Quantization quantization) {
    Context context = setup.context;
    const std::unique_ptr<Work> work = open_passing(context, kind, dtype, quantization);
    for (auto _ : state) await_result(context, work->run());
    report_rate(state, setup, work->flops(), dtype);
}

}  // namespace

void register_works(const BenchSetup& setup) {
    for (const WorkKind& kind : work_kinds()) {
        if (!kind.is_short) continue;
        const auto add = [&](std::string_view part, DType dtype, Quantization quantization) {
            register_bench(fmt::format("{}/{}", part, kind.name), dtype, [=, &setup, &kind](benchmark::State& state) {
                repeat(state, setup, kind, dtype, quantization);
            });
        };
        add("works", DType::Float32, Quantization::None);
        add("works", DType::BFloat16, Quantization::None);
        if (kind.name == "block_pair" && setup.is_on_cpu()) add("works_int8", DType::BFloat16, Quantization::Int8);
    }
}

}  // namespace kine::bench
