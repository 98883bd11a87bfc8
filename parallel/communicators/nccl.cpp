// NCCL has no deadlines and names no ranks: every wait here is a loop of ours that also looks whether another rank said
// that it failed, and gives up, and aborts, when the time is over.
#include "parallel/communicators/nccl.h"

#include "runtime/device/cuda/commands.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace kine::parallel {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPause = std::chrono::microseconds(20);
constexpr double kMeetingSeconds = 300;  // GPUs are slow to find one another

std::string in_place(const Call& call) { return call.place.empty() ? "" : fmt::format(" in {}", call.place); }

/// How ranks hear that one of them failed, since NCCL would let them wait.
class News {
  public:
    virtual ~News() = default;
    virtual void check_others(const Call& call) = 0;
    virtual void tell(int rank, std::exception_ptr cause) noexcept = 0;

    bool has_failure() noexcept {
        try {
            check_others({});
            return false;
        } catch (...) {
            return true;
        }
    }
};

/// Between threads.
class SharedNews final : public News {
  public:
    void check_others(const Call&) override {
        if (failed_rank_ < 0) return;
        const std::lock_guard lock(mutex_);
        fail(ErrorCode::Rank, "rank {} failed: {}", failed_rank_.load(), reason_);
    }

    void tell(int rank, std::exception_ptr cause) noexcept override {
        const std::lock_guard lock(mutex_);
        if (failed_rank_ >= 0) return;
        try {
            if (cause) std::rethrow_exception(cause);
        } catch (const std::exception& error) {
            reason_ = error.what();
        } catch (...) {
            reason_ = "unknown exception";
        }
        failed_rank_ = rank;
    }

  private:
    std::mutex mutex_;
    std::atomic<int> failed_rank_ = -1;
    std::string reason_;
};

/// Between processes, over MPI.
class ProcessNews final : public News {
  public:
    explicit ProcessNews(Processes& processes) : processes_(processes) {}
    void check_others(const Call& call) override { processes_.check_others(call); }
    void tell(int, std::exception_ptr cause) noexcept override {
        try {
            if (cause) std::rethrow_exception(cause);
        } catch (const Error& error) {
            processes_.tell(static_cast<int>(error.code()), error.what());
        } catch (const std::exception& error) {
            processes_.tell(static_cast<int>(ErrorCode::Other), error.what());
        } catch (...) {
            processes_.tell(static_cast<int>(ErrorCode::Other), {});
        }
    }

  private:
    Processes& processes_;
};

/// Waits until `state` gives 1; throws what went wrong instead.
void wait_until(const NcclLibrary& library, News& news, const Call& call, const std::function<int()>& state) {
    const Clock::time_point start = Clock::now();
    for (int now = state(); now != 1; now = state()) {
        check(now == 0, ErrorCode::Rank, "{}{}: {}", call.operation, in_place(call), library.last_error());
        news.check_others(call);
        const std::chrono::duration<double> waited = Clock::now() - start;
        check(call.timeout_seconds <= 0 || waited.count() < call.timeout_seconds, ErrorCode::Rank,
              "{}{}: not all GPUs answered within {} s", call.operation, in_place(call), call.timeout_seconds);
        std::this_thread::sleep_for(kPause);
    }
}

/// NCCL's own communicator, let go of when the last of those who use it ends. Where a rank fails nobody waits for
/// what is still on its way.
class Joined {
  public:
    Joined(const NcclLibrary& library, void* handle, std::shared_ptr<News> news)
        : library_(library), handle_(handle), news_(std::move(news)) {}
    Joined(const Joined&) = delete;
    Joined& operator=(const Joined&) = delete;
    ~Joined() {
        if (handle_ == nullptr) return;
        if (std::uncaught_exceptions() > 0 || news_->has_failure()) library_.abort(handle_);
        library_.leave(handle_);
    }

    const NcclLibrary& library() const { return library_; }
    void* handle() const { return handle_; }

  private:
    const NcclLibrary& library_;
    void* handle_;
    std::shared_ptr<News> news_;
};

struct NcclGroup {
    std::shared_ptr<Joined> joined;
    std::shared_ptr<News> news;
    int rank = 0;
    int size = 1;
};

class NcclExchange final : public Exchange {
  public:
    NcclExchange(NcclGroup group, const Call& call, std::vector<Parcel> sent, std::vector<Parcel> received)
        : group_(std::move(group)), call_(call), sent_(std::move(sent)), received_(std::move(received)) {}
    NcclExchange(const NcclExchange&) = delete;
    NcclExchange& operator=(const NcclExchange&) = delete;
    ~NcclExchange() override {
        if (handle_ == nullptr) return;
        if (!is_done_) library().abort(group_.joined->handle());
        library().drop(handle_);
    }

    void begin() {
        std::vector<NcclParcel> parcels;
        for (const Parcel& parcel : sent_) parcels.push_back(described(parcel, true));
        for (const Parcel& parcel : received_) parcels.push_back(described(parcel, false));
        handle_ = library().begin(group_.joined->handle(), parcels.data(), static_cast<int>(parcels.size()),
                                  call_.stream.handle);
        check(handle_ != nullptr, ErrorCode::Rank, "{}{}: {}", call_.operation, in_place(call_),
              library().last_error());
    }

    void finish() override {
        wait_until(library(), *group_.news, call_, [&] { return library().test(handle_); });
        is_done_ = true;
    }

  private:
    const NcclLibrary& library() const { return group_.joined->library(); }

    static NcclParcel described(const Parcel& parcel, bool is_sent) {
        const Tensor& tensor = parcel.tensor;
        if (!tensor || tensor.bytes() == 0) return {.peer = parcel.peer, .is_sent = is_sent};
        const bool is_on_device = tensor.device().kind == DeviceKind::Cuda;
        return {.peer = parcel.peer,
                .memory = is_on_device ? address_of(tensor) : const_cast<std::byte*>(tensor.raw()),
                .bytes = tensor.bytes(),
                .is_sent = is_sent,
                .is_on_device = is_on_device};
    }

    static std::byte* address_of(const Tensor& tensor) {
        use_device(tensor.device());
        return tensor.address();
    }

    NcclGroup group_;
    Call call_;
    std::vector<Parcel> sent_;
    std::vector<Parcel> received_;
    void* handle_ = nullptr;
    bool is_done_ = false;
};

class NcclTransport final : public Transport {
  public:
    explicit NcclTransport(NcclGroup group) : group_(std::move(group)) {}

    int rank() const override { return group_.rank; }
    int size() const override { return group_.size; }

    std::unique_ptr<Exchange> begin(const Call& call, std::vector<Parcel> sent, std::vector<Parcel> received) override {
        auto exchange = std::make_unique<NcclExchange>(group_, call, std::move(sent), std::move(received));
        exchange->begin();
        return exchange;
    }

    /// The first member's number tells the groups of one split apart.
    std::unique_ptr<Transport> subgroup(const std::vector<int>& members, int index) override {
        const NcclLibrary& library = group_.joined->library();
        NcclGroup part{nullptr, group_.news, index, static_cast<int>(members.size())};
        part.joined = std::make_shared<Joined>(library, library.split(group_.joined->handle(), members.front(), index),
                                               group_.news);
        check(part.joined->handle() != nullptr, ErrorCode::Rank, "split: {}", library.last_error());
        meet(part);
        return std::make_unique<NcclTransport>(std::move(part));
    }

    void abandon(std::exception_ptr cause) noexcept override {
        group_.news->tell(group_.rank, std::move(cause));
        group_.joined->library().abort(group_.joined->handle());
    }

    static void meet(const NcclGroup& group) {
        const NcclLibrary& library = group.joined->library();
        wait_until(library, *group.news, {"meeting", {}, kMeetingSeconds},
                   [&] { return library.poll(group.joined->handle()); });
    }

  private:
    NcclGroup group_;
};

struct Seat {
    int rank;
    int size;
    int device;
};

NcclGroup join(const NcclLibrary& library, const NcclId& id, const Seat& seat, std::shared_ptr<News> news) {
    const auto joined = std::make_shared<Joined>(library, library.join(&id, seat.rank, seat.size, seat.device), news);
    check(joined->handle() != nullptr, ErrorCode::Device, "cuda:{}: {}", seat.device, library.last_error());
    return {joined, std::move(news), seat.rank, seat.size};
}

NcclId make_id(const NcclLibrary& library) {
    NcclId id;
    const bool is_made = library.make_id(&id) == 1;
    check(is_made, ErrorCode::Device, "NCCL cannot be started: {}", library.last_error());
    return id;
}

}  // namespace

int nccl_devices(const NcclLibrary& library) {
    int count = 0;
    const bool is_counted = library.count_devices(&count) == 1;
    check(is_counted, ErrorCode::Device, "no GPU to be a rank: {}", library.last_error());
    return count;
}

std::vector<std::unique_ptr<Communicator>> make_nccl_communicators(std::span<const int> devices) {
    const NcclLibrary& library = open_nccl_library();
    const int present = nccl_devices(library);
    for (const int device : devices) {
        check(0 <= device && device < present, ErrorCode::Device, "cuda:{}: there are {} GPUs", device, present);
    }
    const NcclId id = make_id(library);
    const auto news = std::make_shared<SharedNews>();
    std::vector<NcclGroup> groups;
    for (int rank = 0; rank < static_cast<int>(devices.size()); ++rank) {
        const Seat seat{rank, static_cast<int>(devices.size()), devices[static_cast<size_t>(rank)]};
        groups.push_back(join(library, id, seat, news));
    }
    std::vector<std::unique_ptr<Communicator>> communicators;
    for (NcclGroup& group : groups) {
        NcclTransport::meet(group);
        communicators.push_back(std::make_unique<Communicator>(std::make_unique<NcclTransport>(std::move(group))));
    }
    return communicators;
}

std::unique_ptr<Transport> make_nccl_transport(const Context& context, Processes& processes, int device) {
    const NcclLibrary& library = open_nccl_library();
    NcclId id = {};
    if (processes.group_rank() == 0) id = make_id(library);
    const Tensor own = Tensor::of<uint8_t>(context, {sizeof(id.bytes)},
                                           {reinterpret_cast<const uint8_t*>(id.bytes), sizeof(id.bytes)});
    const Tensor first = processes.communicator()->broadcast(context, own, {0, own.shape(), DType::UInt8});
    std::copy_n(first.raw(), sizeof(id.bytes), reinterpret_cast<std::byte*>(id.bytes));
    const NcclGroup group = join(library, id, {processes.group_rank(), processes.group_size(), device},
                                 std::make_shared<ProcessNews>(processes));
    NcclTransport::meet(group);
    return std::make_unique<NcclTransport>(group);
}

}  // namespace kine::parallel
