#include "dit/rank_reports.h"

#include <cmath>

namespace kine::dit {

namespace {

constexpr double kNanoseconds = 1e9;

/// A report as a row of whole numbers, in the order in which it is read again.
class Row {
  public:
    void add(double seconds) { numbers.push_back(std::llround(seconds * kNanoseconds)); }
    void add(int64_t number) { numbers.push_back(number); }
    void add(const parallel::Traffic& traffic) {
        for (const int64_t number : {traffic.calls, traffic.bytes_sent, traffic.bytes_received}) add(number);
        add(traffic.seconds);
    }
    std::vector<int64_t> numbers;
};

class Reader {
  public:
    explicit Reader(const int64_t* numbers) : next_(numbers) {}
    int64_t number() { return *next_++; }
    double seconds() { return static_cast<double>(*next_++) / kNanoseconds; }
    parallel::Traffic traffic() {
        parallel::Traffic traffic;
        traffic.calls = number();
        traffic.bytes_sent = number();
        traffic.bytes_received = number();
        traffic.seconds = seconds();
        return traffic;
    }

  private:
    const int64_t* next_;
};

std::vector<int64_t> row_of(const RankReport& report) {
    Row row;
    row.add(report.traffic);
    row.add(report.cache_peak_bytes);
    row.add(report.decode.pieces);
    row.add(report.decode.seconds);
    row.add(report.decode.traffic);
    for (const StepTime& step : report.steps) {
        row.add(step.seconds);
        row.add(step.communication_seconds);
    }
    return row.numbers;
}

RankReport report_of(const int64_t* numbers, size_t steps) {
    Reader reader(numbers);
    RankReport report;
    report.traffic = reader.traffic();
    report.cache_peak_bytes = reader.number();
    report.decode.pieces = reader.number();
    report.decode.seconds = reader.seconds();
    report.decode.traffic = reader.traffic();
    for (size_t step = 0; step < steps; ++step) {
        const double seconds = reader.seconds();
        report.steps.push_back({seconds, reader.seconds()});
    }
    return report;
}

}  // namespace

void gather_reports(const Context& context, parallel::Communicator& communicator, std::span<RankReport> reports) {
    const RankReport& own = reports[static_cast<size_t>(communicator.rank())];
    const size_t steps = own.steps.size();
    const std::vector<int64_t> row = row_of(own);
    const Shape shape = {static_cast<int64_t>(row.size())};
    const std::vector<Shape> shapes(reports.size(), shape);
    const auto all = communicator.all_gather(context.host(), Tensor::of<int64_t>(context.host(), shape, row), shapes);
    for (size_t rank = 0; rank < all.size(); ++rank) reports[rank] = report_of(all[rank].data<int64_t>(), steps);
}

}  // namespace kine::dit
