// Sends a message, watches and consumes what becomes of it, and reads errors.
//
// Usage: client all | send [TO] | watch MESSAGE_ID | subscribe MESSAGE_ID | errors

#include <exception>
#include <fstream>
#include <iostream>
#include <string>

#include "connection.h"
#include "events.h"
#include "infobip/messages/v1/messages_service.grpc.pb.h"

namespace ev = infobip::events::v1;
namespace msg = infobip::messages::v1;

namespace {

std::string Outcome(msg::SendOutcome outcome) {
  return msg::SendOutcome_Name(outcome).substr(std::string("SEND_OUTCOME_").size());
}

std::string NewId() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/uuid"), id);
  return id;
}

// Sends one SMS and gives its message id.
grpc::Status Send(msg::MessagesService::Stub& messages, const std::string& to, std::string& message_id) {
  msg::SendMessagesRequest request;
  auto& message = *request.add_messages()->mutable_message();
  message.set_channel(msg::CHANNEL_SMS);
  message.set_sender("ShopDesk");
  message.add_destinations()->mutable_to_destination()->set_to(to);
  message.mutable_content()->mutable_body()->mutable_text()->set_text("Your parcel is on its way.");
  // Keep it beside your own record: a repeat with it sends nothing twice.
  request.set_request_id(NewId());
  msg::SendMessagesResponse response;
  const auto status =
      Call([&](auto* context) { return messages.SendMessages(context, request, &response); });
  for (const auto& result : response.results()) {
    std::cout << "result " << result.message_index() << '/' << result.destination_index() << ' '
              << result.message_id() << ' ' << Outcome(result.outcome()) << ' '
              << result.status().name() << std::endl;
    message_id = result.message_id();
  }
  return status;
}

// Sends a message without a destination, to be refused.
grpc::Status ProvokeError(msg::MessagesService::Stub& messages) {
  msg::SendMessagesRequest request;
  auto& message = *request.add_messages()->mutable_message();
  message.set_channel(msg::CHANNEL_SMS);
  message.mutable_content()->mutable_body()->mutable_text()->set_text("To nobody.");
  msg::SendMessagesResponse response;
  const auto status =
      Call([&](auto* context) { return messages.SendMessages(context, request, &response); });
  if (status.error_code() != grpc::INVALID_ARGUMENT) return status;
  PrintError(status, std::cout);
  return grpc::Status::OK;
}

grpc::Status Run(const std::string& command, const std::string& argument) {
  const auto channel = OpenChannel();
  const auto messages = msg::MessagesService::NewStub(channel);
  const auto events = ev::EventsService::NewStub(channel);
  const bool all = command == "all";
  std::string message_id = argument;
  grpc::Status status;
  if (all || command == "errors") status = ProvokeError(*messages);
  if (status.ok() && (all || command == "send")) status = Send(*messages, argument, message_id);
  if (status.ok() && (all || command == "watch")) status = Watch(*events, message_id);
  if (status.ok() && (all || command == "subscribe")) status = Subscribe(*events, message_id);
  return status;
}

}  // namespace

int main(int argc, char** argv) try {
  const auto status = Run(argc > 1 ? argv[1] : "all", argc > 2 ? argv[2] : "385910000001");
  if (status.ok()) return 0;
  PrintError(status, std::cerr);
  return 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
