#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "infobip/events/v1/events_service.grpc.pb.h"

// Prints the events of a message until the one after which none is expected.
grpc::Status Watch(infobip::events::v1::EventsService::Stub& events, const std::string& message_id);

// Handles and acknowledges events until the last one of a message.
grpc::Status Subscribe(infobip::events::v1::EventsService::Stub& events, const std::string& message_id);
