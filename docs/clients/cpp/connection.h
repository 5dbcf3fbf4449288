#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

// The one channel of the process; it reconnects by itself.
std::shared_ptr<grpc::Channel> OpenChannel();

// Adds the caller's token, if there is one.
void AddToken(grpc::ClientContext& context);

// Calls a method that may be repeated: a send with a request_id, or a read.
grpc::Status Call(const std::function<grpc::Status(grpc::ClientContext*)>& method);

// 0.2 s, doubled with each failure up to 5 s, less a random part.
std::chrono::duration<double> Backoff(int failures);

// Prints the code and the details. Decide by the reason, never by the text.
void PrintError(const grpc::Status& status, std::ostream& out);

// A variable of the environment.
std::string Setting(const char* name, const std::string& otherwise);
