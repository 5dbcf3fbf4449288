"""The channel to the service, and what its errors tell."""

import json
import os
import random
import time

import grpc
from google.rpc import error_details_pb2, status_pb2

TARGET = os.environ.get("INFOBIP_RPC_TARGET", "127.0.0.1:50051")
TOKEN = os.environ.get("INFOBIP_RPC_TOKEN")
TLS_CA = os.environ.get("INFOBIP_RPC_TLS_CA")
DEADLINE_S = 10
MAX_ATTEMPTS = 4
METADATA = (("authorization", f"Bearer {TOKEN}"),) if TOKEN else ()

SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    # Streams wait for a connection; how long is up to their owner.
    "methodConfig": [
        {
            "name": [
                {"service": "infobip.events.v1.EventsService", "method": "WatchEvents"},
                {"service": "infobip.events.v1.EventsService", "method": "Subscribe"},
            ],
            "waitForReady": True,
        }
    ],
}


def open_channel():
    """One channel serves a whole process: it reconnects by itself."""
    options = [
        ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        # With its own retries gRPC 1.51, Debian's, can lose a call for good when
        # the connection goes away just then; not even a cancel ends it.
        ("grpc.enable_retries", 0),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 5_000),
    ]
    if TLS_CA is None:
        return grpc.insecure_channel(TARGET, options)
    with open(TLS_CA, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    return grpc.secure_channel(TARGET, credentials, options)


def call(method, request):
    """Calls a method that may be repeated: a send with a request_id, or a read."""
    end = time.monotonic() + DEADLINE_S
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            timeout = max(0, end - time.monotonic())
            return method(request, timeout=timeout, metadata=METADATA)
        except grpc.RpcError as error:
            is_last = attempt == MAX_ATTEMPTS or time.monotonic() >= end
            if error.code() != grpc.StatusCode.UNAVAILABLE or is_last:
                raise
            time.sleep(0.1 * 2**attempt * random.uniform(0.5, 1))


def print_error(error, file):
    """Prints the code and the details. Decide by the reason, never by the text."""
    print("code", error.code().name, file=file)
    print("message", error.details(), file=file)
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                print("reason", info.reason, file=file)
                print("domain", info.domain, file=file)
                for name in sorted(info.metadata):
                    print(f"metadata {name}={info.metadata[name]}", file=file)
            elif detail.Unpack(bad):
                for violation in bad.field_violations:
                    print(f"violation {violation.field}: {violation.description}", file=file)
