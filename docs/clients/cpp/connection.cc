#include "connection.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace {

constexpr std::chrono::seconds kDeadline{10};
constexpr int kMaxAttempts = 4;

// Streams wait for a connection; how long is up to their owner.
constexpr char kServiceConfig[] = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [
      {"service": "infobip.events.v1.EventsService", "method": "WatchEvents"},
      {"service": "infobip.events.v1.EventsService", "method": "Subscribe"}
    ],
    "waitForReady": true
  }]
})";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

const char* CodeName(grpc::StatusCode code) {
  static constexpr const char* kNames[] = {
      "OK",                  "CANCELLED",     "UNKNOWN",           "INVALID_ARGUMENT",
      "DEADLINE_EXCEEDED",   "NOT_FOUND",     "ALREADY_EXISTS",    "PERMISSION_DENIED",
      "RESOURCE_EXHAUSTED",  "FAILED_PRECONDITION", "ABORTED",     "OUT_OF_RANGE",
      "UNIMPLEMENTED",       "INTERNAL",      "UNAVAILABLE",       "DATA_LOSS",
      "UNAUTHENTICATED"};
  return code >= 0 && code <= 16 ? kNames[code] : "UNKNOWN";
}

}  // namespace

std::string Setting(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

std::shared_ptr<grpc::Channel> OpenChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  // With its own retries gRPC 1.51, Debian's, can lose a call for good when the
  // connection goes away just then; not even a cancel ends it.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5'000);
  auto credentials = grpc::InsecureChannelCredentials();
  if (const auto file = Setting("INFOBIP_RPC_TLS_CA", ""); !file.empty()) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ReadFile(file);
    credentials = grpc::SslCredentials(options);
  }
  return grpc::CreateCustomChannel(Setting("INFOBIP_RPC_TARGET", "127.0.0.1:50051"), credentials,
                                   arguments);
}

void AddToken(grpc::ClientContext& context) {
  const auto token = Setting("INFOBIP_RPC_TOKEN", "");
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
}

grpc::Status Call(const std::function<grpc::Status(grpc::ClientContext*)>& method) {
  const auto deadline = std::chrono::system_clock::now() + kDeadline;
  for (int attempt = 1;; ++attempt) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    AddToken(context);
    auto status = method(&context);
    if (status.error_code() != grpc::UNAVAILABLE || attempt == kMaxAttempts) return status;
    std::this_thread::sleep_for(Backoff(attempt));
  }
}

std::chrono::duration<double> Backoff(int failures) {
  static std::mt19937 random{std::random_device{}()};
  std::uniform_real_distribution<double> part(0.5, 1.0);
  return std::chrono::duration<double>(std::min(5.0, 0.1 * std::pow(2, failures)) * part(random));
}

void PrintError(const grpc::Status& status, std::ostream& out) {
  out << "code " << CodeName(status.error_code()) << "\nmessage " << status.error_message() << '\n';
  google::rpc::Status details;  // what came as grpc-status-details-bin
  details.ParseFromString(status.error_details());
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad;
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) {
      out << "reason " << info.reason() << "\ndomain " << info.domain() << '\n';
      const std::map<std::string, std::string> sorted(info.metadata().begin(), info.metadata().end());
      for (const auto& [name, value] : sorted) out << "metadata " << name << '=' << value << '\n';
    } else if (detail.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        out << "violation " << violation.field() << ": " << violation.description() << '\n';
      }
    }
  }
}
