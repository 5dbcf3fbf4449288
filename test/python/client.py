"""Calls the service with grpcio and prints what came back as one JSON object.

Usage: client.py DESCRIPTOR_SET TARGET CASE. Messages are made from the
descriptors at run time, so no generated code and no protoc is needed.
"""

import json
import queue
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

TIMEOUT_S = 10
POOL = descriptor_pool.DescriptorPool()


def message_class(name):
    descriptor = POOL.FindMessageTypeByName(name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(POOL).GetPrototype(descriptor)


class Stub:
    """The methods of a service, as generated code would have them."""

    def __init__(self, name, channel):
        for method in POOL.FindServiceByName(name).methods:
            proto = descriptor_pb2.MethodDescriptorProto()
            method.CopyToProto(proto)
            shape = ("stream" if proto.client_streaming else "unary") + (
                "_stream" if proto.server_streaming else "_unary"
            )
            call = getattr(channel, shape)(
                f"/{name}/{method.name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=message_class(method.output_type.full_name).FromString,
            )
            setattr(self, method.name, call)


def request(sender="python", destinations=1):
    result = message_class("infobip.messages.v1.SendMessagesRequest")()
    message = result.messages.add().message
    message.channel = 7
    message.sender = sender
    for _ in range(destinations):
        message.destinations.add().to_destination.to = "385000000000"
    message.content.body.text.text = "hello"
    return result


def failure(call):
    """The code, text and details of a call that has to fail."""
    try:
        call()
    except grpc.RpcError as error:
        details = {}
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                status = message_class("google.rpc.Status").FromString(value)
                for detail in status.details:
                    name = detail.type_url.rsplit("/", 1)[1]
                    details[name] = str(message_class(name).FromString(detail.value))
        return {"code": error.code().name, "message": error.details(), "details": details}
    return {"code": "OK"}


def unary(stub, channel):
    response, call = stub.SendMessages.with_call(
        request(), timeout=TIMEOUT_S, metadata=(("x-tenant", "blue"), ("x-key-bin", b"\x00\x01\x02"))
    )
    return {
        "bulkId": response.bulk_id,
        "header": dict(call.initial_metadata()).get("x-answer"),
        "binary": list(dict(call.initial_metadata()).get("x-answer-bin", b"")),
        "trailer": dict(call.trailing_metadata()).get("x-cost"),
    }


def error(stub, channel):
    return failure(lambda: stub.SendMessages(request(), timeout=TIMEOUT_S))


def invalid(stub, channel):
    return failure(lambda: stub.SendMessages(request(destinations=0), timeout=TIMEOUT_S))


def too_large(stub, channel):
    result = failure(lambda: stub.SendMessages(request("x" * 5 * 1024 * 1024), timeout=TIMEOUT_S))
    result["next"] = stub.SendMessages(request("next"), timeout=TIMEOUT_S).bulk_id
    return result


def compressed(stub, channel):
    response = stub.SendMessages(
        request("z" * 5000), timeout=TIMEOUT_S, compression=grpc.Compression.Gzip
    )
    return {"length": len(response.bulk_id)}


def deadline(stub, channel):
    return failure(lambda: stub.SendMessages(request(), timeout=0.2))


def cancel(stub, channel):
    stream = Stub("infobip.events.v1.EventsService", channel).WatchEvents(
        message_class("infobip.events.v1.WatchEventsRequest")(), timeout=TIMEOUT_S
    )
    first = next(iter(stream)).started.cursor
    stream.cancel()
    return {"first": first, **failure(lambda: next(iter(stream)))}


class Requests:
    """Messages of a bidirectional call, sent as they are put in."""

    def __init__(self, *frames):
        self.queue = queue.Queue()
        for frame in frames:
            self.queue.put(frame)

    def __iter__(self):
        return iter(self.queue.get, None)


def ack_frame(*event_ids):
    result = message_class("infobip.events.v1.SubscribeRequest")()
    result.ack.event_ids.extend(event_ids)
    return result


def subscribe(channel, requests):
    return Stub("infobip.events.v1.EventsService", channel).Subscribe(iter(requests), timeout=TIMEOUT_S)


def bidi(stub, channel):
    requests = Requests()
    answers = subscribe(channel, requests)
    texts = []
    for text in ("a", "b", "c"):
        requests.queue.put(ack_frame(text))
        texts.append(next(answers).started.session_id)
    requests.queue.put(None)
    texts.extend(answer.started.session_id for answer in answers)
    return {"texts": texts, "code": answers.code().name}


def bidi_invalid(stub, channel):
    answers = subscribe(channel, Requests(ack_frame("a"), ack_frame("")))
    return failure(lambda: list(answers))


def bidi_cancel(stub, channel):
    answers = subscribe(channel, Requests(ack_frame("a")))
    first = next(answers).started.session_id
    answers.cancel()
    return {"first": first, **failure(lambda: next(answers))}


def stream_frame(**frame):
    return message_class("infobip.messages.v1.StreamMessagesRequest")(**frame)


def stream(stub, channel):
    requests = Requests(stream_frame(open={"client_id": "python"}))
    answers = stub.StreamMessages(iter(requests), timeout=TIMEOUT_S)
    credits = next(answers).opened.credits
    for ref, asked in (("a", request("one")), ("b", request(destinations=0)), ("c", request("two"))):
        requests.queue.put(stream_frame(send={"client_ref": ref, "request": asked}))
    requests.queue.put(None)
    results = {}
    for answer in answers:
        for result in answer.results.results:
            results[result.client_ref] = result.response.bulk_id or result.error.code
    return {"credits": credits, "results": results, "code": answers.code().name}


def unknown_method(stub, channel):
    call = channel.unary_unary("/infobip.messages.v1.MessagesService/Nope")
    return failure(lambda: call(b"", timeout=TIMEOUT_S))


def health(stub, channel):
    client = Stub("grpc.health.v1.Health", channel)
    check_request = message_class("grpc.health.v1.HealthCheckRequest")
    asked = check_request(service="infobip.messages.v1.MessagesService")
    unknown = check_request(service="no.Such")
    watch = client.Watch(unknown, timeout=TIMEOUT_S)
    return {
        "check": client.Check(asked, timeout=TIMEOUT_S).status,
        "watch": next(iter(client.Watch(asked, timeout=TIMEOUT_S))).status,
        "unknownWatch": next(iter(watch)).status,
        "unknownOpen": watch.is_active(),
        "unknownCheck": failure(lambda: client.Check(unknown, timeout=TIMEOUT_S))["code"],
    }


def reflect(channel, package):
    stub = Stub(f"{package}.ServerReflection", channel)
    question_class = message_class(f"{package}.ServerReflectionRequest")

    def ask(**question):
        asked = iter([question_class(**question)])
        return next(iter(stub.ServerReflectionInfo(asked, timeout=TIMEOUT_S)))

    pool = descriptor_pool.DescriptorPool()
    answer = ask(file_containing_symbol="infobip.events.v1.EventsService")
    for encoded in reversed(answer.file_descriptor_response.file_descriptor_proto):
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(encoded))
    method = pool.FindServiceByName("infobip.events.v1.EventsService").methods[0]
    return {
        "services": sorted(s.name for s in ask(list_services="*").list_services_response.service),
        "method": method.name,
        "fields": [field.name for field in method.input_type.fields],
    }


def reflection(stub, channel):
    return reflect(channel, "grpc.reflection.v1")


def reflection_alpha(stub, channel):
    return reflect(channel, "grpc.reflection.v1alpha")


CASES = {
    function.__name__: function
    for function in (
        unary,
        error,
        invalid,
        too_large,
        compressed,
        deadline,
        cancel,
        bidi,
        bidi_invalid,
        bidi_cancel,
        stream,
        unknown_method,
        health,
        reflection,
        reflection_alpha,
    )
}

with open(sys.argv[1], "rb") as descriptor_set:
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptor_set.read()).file:
        POOL.Add(file)

with grpc.insecure_channel(sys.argv[2], options=(("grpc.max_receive_message_length", -1),)) as opened:
    messages_stub = Stub("infobip.messages.v1.MessagesService", opened)
    print(json.dumps(CASES[sys.argv[3]](messages_stub, opened)))
