#include "streams.h"

#include <atomic>
#include <cstdio>
#include <string>

#include "connection.h"

namespace {

// Connections in a row that brought nothing.
constexpr int kMaxFailures = 30;

}  // namespace

std::chrono::milliseconds Silence() {
  static const double seconds = std::stod(Setting("INFOBIP_RPC_SILENCE_SECONDS", "30"));
  return std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
}

google::protobuf::Duration ProgressInterval() {
  const auto ms = Silence().count() / 3;
  google::protobuf::Duration interval;
  interval.set_seconds(ms / 1000);
  interval.set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
  return interval;
}

Every::Every(std::chrono::milliseconds interval, std::function<void()> action)
    : thread_([this, interval, action = std::move(action)] {
        std::unique_lock lock(mutex_);
        while (!ended_) {
          const auto before = restarts_;
          const auto changed = [&] { return ended_ || restarts_ != before; };
          if (changed_.wait_for(lock, interval, changed)) continue;
          lock.unlock();
          action();
          lock.lock();
        }
      }) {}

Every::~Every() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Every::Restart() {
  std::lock_guard lock(mutex_);
  ++restarts_;
  changed_.notify_all();
}

grpc::Status Reconnecting(const Stream& stream) {
  for (int failures = 1;; ++failures) {
    grpc::ClientContext context;
    AddToken(context);
    std::atomic<bool> silent = false;
    bool done = false;
    grpc::Status status;
    {
      Every watchdog(Silence(), [&] {
        silent = true;
        context.TryCancel();
      });
      const auto heard = [&] {
        failures = 1;
        watchdog.Restart();
      };
      status = stream(context, heard, done);
    }
    if (done) return grpc::Status::OK;
    const bool retryable = status.ok() || status.error_code() == grpc::UNAVAILABLE ||
                           status.error_code() == grpc::ABORTED;
    if ((!silent && !retryable) || failures > kMaxFailures) return status;
    const auto pause = Backoff(failures);
    const std::string why = silent ? "silence" : status.ok() ? "the stream ended" : status.error_message();
    std::fprintf(stderr, "reconnecting in %.1f s: %s\n", pause.count(), why.c_str());
    std::this_thread::sleep_for(pause);
  }
}
