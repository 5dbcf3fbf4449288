#pragma once

#include <google/protobuf/duration.pb.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

// A stream on which nothing came for so long is dead: progress frames come
// three times as often.
std::chrono::milliseconds Silence();

// The interval of progress frames, and of pings.
google::protobuf::Duration ProgressInterval();

// Calls an action every so often, on a thread of its own, until it ends.
class Every {
 public:
  Every(std::chrono::milliseconds interval, std::function<void()> action);
  ~Every();
  // Begins the interval anew.
  void Restart();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned restarts_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

// One stream: reads until it ends and gives its status. Calls `heard` for each
// frame. `done` is set once no further stream is needed.
using Stream = std::function<grpc::Status(grpc::ClientContext& context,
                                          const std::function<void()>& heard, bool& done)>;

// Runs streams one after the other until one is done, or an error says that it
// is of no use.
grpc::Status Reconnecting(const Stream& stream);
