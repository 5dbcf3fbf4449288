#include "events.h"

#include <iostream>
#include <memory>
#include <mutex>
#include <vector>

#include "connection.h"
#include "streams.h"

namespace ev = infobip::events::v1;

namespace {

constexpr char kSubscription[] = "subscriptions/example-cpp";

void Show(const char* kind, const ev::Event& event) {
  std::cout << kind << ' ' << event.sequence() << ' '
            << ev::EventType_Name(event.type()).substr(std::string("EVENT_TYPE_").size()) << ' '
            << event.message_id() << " final=" << (event.final() ? "true" : "false");
}

// One Subscribe stream. Writes come from two threads.
class Session {
 public:
  Session(ev::EventsService::Stub& events, grpc::ClientContext& context)
      : stream_(events.Subscribe(&context)) {
    ev::SubscribeRequest request;
    request.mutable_start()->set_subscription(kSubscription);
    request.mutable_start()->set_client_id("example");
    *request.mutable_start()->mutable_progress_interval() = ProgressInterval();
    Write(request);
  }

  bool Read(ev::SubscribeResponse& response) { return stream_->Read(&response); }
  grpc::Status Finish() { return stream_->Finish(); }
  bool settled() const { return unconfirmed_ == 0; }

  // Keeps the lease while there is nothing to acknowledge.
  void Ping() {
    ev::SubscribeRequest request;
    request.mutable_ping();
    Write(request);
  }

  void Ack(const std::vector<std::string>& event_ids) {
    ev::SubscribeRequest request;
    for (const auto& id : event_ids) request.mutable_ack()->add_event_ids(id);
    Write(request);
    ++unconfirmed_;
  }

  // Takes the answer to one ack, and repeats what could not be stored.
  void Confirm(const ev::AckResult& result) {
    --unconfirmed_;
    std::vector<std::string> failed;
    for (const auto& failure : result.failures()) {
      if (failure.reason() == ev::ACK_FAILURE_REASON_LOG_UNAVAILABLE) failed.push_back(failure.event_id());
    }
    if (!failed.empty()) Ack(failed);
  }

  // Ends the session in order; then the stream ends.
  void Close() {
    std::lock_guard lock(mutex_);
    if (!closed_) stream_->WritesDone();
    closed_ = true;
  }

 private:
  void Write(const ev::SubscribeRequest& request) {
    std::lock_guard lock(mutex_);
    if (!closed_) closed_ = !stream_->Write(request);  // Finish tells why it failed
  }

  std::unique_ptr<grpc::ClientReaderWriter<ev::SubscribeRequest, ev::SubscribeResponse>> stream_;
  std::mutex mutex_;
  bool closed_ = false;
  int unconfirmed_ = 0;  // acks that no ack_result came for yet
};

grpc::Status CreateSubscription(ev::EventsService::Stub& events) {
  ev::CreateSubscriptionRequest request;
  request.mutable_subscription()->set_name(kSubscription);
  auto& filter = *request.mutable_subscription()->mutable_filter();
  filter.add_types(ev::EVENT_TYPE_SEND_RESULT);
  filter.add_types(ev::EVENT_TYPE_DELIVERY_REPORT);
  request.set_start(ev::START_POSITION_EARLIEST);
  ev::CreateSubscriptionResponse response;
  const auto status =
      Call([&](auto* context) { return events.CreateSubscription(context, request, &response); });
  return status.error_code() == grpc::ALREADY_EXISTS ? grpc::Status::OK : status;
}

}  // namespace

grpc::Status Watch(ev::EventsService::Stub& events, const std::string& message_id) {
  ev::WatchEventsRequest request;
  request.set_start(ev::START_POSITION_EARLIEST);
  request.mutable_filter()->add_message_ids(message_id);
  request.set_on_expired(ev::ON_EXPIRED_RESUME);
  *request.mutable_progress_interval() = ProgressInterval();
  // request.cursor is the position. A consumer that must go on after its own
  // restart stores it together with its work.
  return Reconnecting([&](grpc::ClientContext& context, const auto& heard, bool& done) {
    const auto stream = events.WatchEvents(&context, request);
    ev::WatchEventsResponse response;
    bool draining = false;
    while (!done && !draining && stream->Read(&response)) {
      heard();
      draining = response.has_draining();
      if (response.has_started()) request.set_cursor(response.started().cursor());
      if (response.has_progress()) request.set_cursor(response.progress().cursor());
      if (response.has_gap()) {
        std::cerr << "events were removed before they were read\n";
        request.set_cursor(response.gap().to_cursor());
      }
      for (const auto& event : response.events().events()) {
        Show("event", event);
        std::cout << std::endl;
        request.set_cursor(event.cursor());
        done = done || event.final();
      }
    }
    if (done || draining) context.TryCancel();  // hangs up
    const auto status = stream->Finish();
    return draining ? grpc::Status(grpc::UNAVAILABLE, "the service is about to stop") : status;
  });
}

grpc::Status Subscribe(ev::EventsService::Stub& events, const std::string& message_id) {
  const auto created = CreateSubscription(events);
  if (!created.ok()) return created;
  return Reconnecting([&](grpc::ClientContext& context, const auto& heard, bool& done) {
    Session session(events, context);
    Every pings(Silence() / 3, [&] { session.Ping(); });
    bool last = false, draining = false;
    ev::SubscribeResponse response;
    while (session.Read(response)) {
      heard();
      for (const auto& delivered : response.events().events()) {
        // At least once: after a lost ack the same event id comes again.
        Show("delivered", delivered.event());
        std::cout << " attempt=" << delivered.attempt() << std::endl;
        session.Ack({delivered.event().id()});
        last = last || (delivered.event().final() && delivered.event().message_id() == message_id);
      }
      if (response.has_ack_result()) session.Confirm(response.ack_result());
      draining = draining || response.has_draining();
      if ((last || draining) && session.settled()) session.Close();
    }
    done = last && session.settled();
    return session.Finish();
  });
}
