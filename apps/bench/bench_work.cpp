// One side of apps/bench/compare: does a work whenever it is told to, so that two programs can take turns.
//   bench_work list
//   bench_work files WORK FOLDER               writes random weights and inputs, the same for the same work
//   bench_work run WORK ARITHMETIC FOLDER THREADS DEVICE   then obeys lines of standard input, a line of answer each:
//     run TIMES    does the work so often, one after the other; seconds of one
//     output FILE  its last result as safetensors, f32, under the name "output"
//     flops        what the work needs
//     rates        what the machine does now: FLOP/s of multiply-adds in registers (0 on a GPU), of our linear layer
// ARITHMETIC is a dtype, or int8: bf16 with the linear layers of blocks in eight bits.
#include "apps/bench/bench_session.h"
#include "apps/bench/measured_rates.h"
#include "apps/bench/works/work.h"
#include "kernels/elementwise/elementwise.h"
#include "runtime/tensor/transfer.h"

#include <fmt/core.h>

#include <chrono>
#include <exception>
#include <iostream>

namespace kine::bench {
namespace {

struct Arithmetic {
    DType dtype;
    Quantization quantization = Quantization::None;
};

Arithmetic arithmetic_from_name(const std::string& name) {
    if (name == "int8") return {DType::BFloat16, Quantization::Int8};
    return {dtype_from_name(name)};
}

class Obeying {
  public:
    Obeying(BenchSession& session, const WorkKind& kind, Arithmetic arithmetic, const std::filesystem::path& folder)
        : context_(session.context),
          arithmetic_(arithmetic),
          work_(kind.open({context_, arithmetic.dtype, folder, arithmetic.quantization})) {}

    std::string answer(const std::string& line) {
        if (line.starts_with("run ")) return run(std::stoi(line.substr(4)));
        if (line == "flops") return fmt::format("{}", work_->flops());
        if (line == "rates") return rates();
        check(line.starts_with("output "), ErrorCode::Usage,
              "expected run TIMES, output FILE, flops or rates, got '{}'", line);
        return write(line.substr(7));
    }

  private:
    std::string run(int times) {
        result_ = {};
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < times; ++i) result_ = work_->run();
        await_result(context_, result_);
        const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begin;
        return fmt::format("{}", all.count() / times);
    }

    std::string rates() const {
        const bool is_on_cpu = context_.device.kind == DeviceKind::Cpu;
        return fmt::format("{} {}", is_on_cpu ? measure_fused_multiply_add(context_) : 0.0,
                           measure_linear(context_, arithmetic_.dtype));
    }

    std::string write(const std::string& file) const {
        check(bool(result_), ErrorCode::Usage, "output {}: expected after run", file);
        const Tensor result = to_host(context_, result_);
        const bool is_float = result.dtype() == DType::Float32;
        write_safetensors(file,
                          {{"output", is_float ? result : kernels::cast(context_.host(), result, DType::Float32)}});
        return "written";
    }

    Context& context_;
    Arithmetic arithmetic_;
    std::unique_ptr<Work> work_;
    Tensor result_;
};

void say(const std::string& line) { std::cout << line << std::endl; }

struct BenchPlace {
    int threads;
    Device device;
};

int obey(const WorkKind& kind, const std::string& arithmetic, const std::filesystem::path& folder,
         const BenchPlace& place) {
    BenchSession session(place.threads, place.device);
    Obeying obeying(session, kind, arithmetic_from_name(arithmetic), folder);
    say("ready");
    for (std::string line; std::getline(std::cin, line);) say(obeying.answer(line));
    return 0;
}

const WorkKind& find_work(std::string_view name) {
    for (const auto& kinds : {work_kinds(), demo_kinds()}) {
        for (const WorkKind& kind : kinds) {
            if (kind.name == name) return kind;
        }
    }
    fail(ErrorCode::Usage, "work '{}': expected one of those that bench_work list prints", name);
}

int run(const std::vector<std::string>& words) {
    const std::string command = words.empty() ? "" : words[0];
    if (command == "list" && words.size() == 1) {
        for (const auto& kinds : {work_kinds(), demo_kinds()}) {
            for (const WorkKind& kind : kinds) fmt::print("{:<16} {}\n", kind.name, kind.summary);
        }
        return 0;
    }
    if (command == "files" && words.size() == 3) {
        BenchSession session;
        write_files(session.context, find_work(words[1]), words[2]);
        return 0;
    }
    if (command == "run" && words.size() == 6)
        return obey(find_work(words[1]), words[2], words[3], {std::stoi(words[4]), parse_device(words[5])});
    fmt::print(stderr, "usage: bench_work list | files WORK FOLDER | run WORK ARITHMETIC FOLDER THREADS DEVICE\n");
    return 2;
}

}  // namespace
}  // namespace kine::bench

int main(int argc, char** argv) {
    try {
        return kine::bench::run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        fmt::print(stderr, "bench_work: {}\n", error.what());
        return 1;
    }
}
