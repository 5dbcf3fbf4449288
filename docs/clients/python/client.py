"""Sends a message, watches and consumes what becomes of it, and reads errors.

Usage: client.py all | send [TO] | watch MESSAGE_ID | subscribe MESSAGE_ID | errors
"""

import queue
import sys
import threading
import uuid

import grpc
from connection import METADATA, call, open_channel, print_error
from infobip.events.v1 import event_filter_pb2, event_pb2, events_service_pb2
from infobip.events.v1 import events_service_pb2_grpc, positions_pb2, subscribe_pb2
from infobip.events.v1 import subscription_pb2, subscription_requests_pb2
from infobip.messages.v1 import channel_pb2, message_pb2
from infobip.messages.v1 import messages_service_pb2_grpc, send_messages_pb2
from streams import SILENCE_S, frames

SUBSCRIPTION = "subscriptions/example-python"


def send(channel, to):
    """Sends one SMS; gives its message id."""
    message = message_pb2.Message(channel=channel_pb2.CHANNEL_SMS, sender="ShopDesk")
    message.destinations.add().to_destination.to = to
    message.content.body.text.text = "Your parcel is on its way."
    request = send_messages_pb2.SendMessagesRequest(
        messages=[message_pb2.BaseMessage(message=message)],
        # Keep it beside your own record: a repeat with it sends nothing twice.
        request_id=str(uuid.uuid4()),
    )
    messages = messages_service_pb2_grpc.MessagesServiceStub(channel)
    response = call(messages.SendMessages, request)
    for result in response.results:
        outcome = send_messages_pb2.SendOutcome.Name(result.outcome)
        print(
            f"result {result.message_index}/{result.destination_index}",
            result.message_id,
            outcome.removeprefix("SEND_OUTCOME_"),
            result.status.name,
            flush=True,
        )
    return response.results[0].message_id


def show(kind, event, extra=""):
    name = event_pb2.EventType.Name(event.type).removeprefix("EVENT_TYPE_")
    final = "true" if event.final else "false"
    text = f"{kind} {event.sequence} {name} {event.message_id} final={final}{extra}"
    print(text, flush=True)


def watch(channel, message_id):
    """Prints the events of a message until the one after which none is expected."""
    events = events_service_pb2_grpc.EventsServiceStub(channel)
    request = events_service_pb2.WatchEventsRequest(
        start=positions_pb2.START_POSITION_EARLIEST,
        filter=event_filter_pb2.EventFilter(message_ids=[message_id]),
        on_expired=positions_pb2.ON_EXPIRED_RESUME,
    )
    request.progress_interval.FromMilliseconds(int(SILENCE_S * 1000 / 3))
    # request.cursor is the position. A consumer that must go on after its own
    # restart stores it together with its work.
    open_stream = lambda: events.WatchEvents(request, metadata=METADATA)
    stream = frames(
        lambda: events.WatchEvents(request, metadata=METADATA), leave_at_once=True
    )
    for frame in stream:
        kind = frame.WhichOneof("frame")
        if kind == "events":
            for event in frame.events.events:
                show("event", event)
                request.cursor = event.cursor
                if event.final:
                    stream.close()
                    return
        elif kind in ("started", "progress"):
            request.cursor = getattr(frame, kind).cursor
        elif kind == "gap":
            print("events were removed before they were read", file=sys.stderr)
            request.cursor = frame.gap.to_cursor


class Session:
    """One Subscribe stream: its sending side, and the acks not yet confirmed."""

    def __init__(self):
        self.requests = queue.Queue()
        self.unconfirmed = 0
        self.closed = threading.Event()
        start = subscribe_pb2.SubscribeStart(
            subscription=SUBSCRIPTION, client_id="example", max_outstanding=100
        )
        start.progress_interval.FromMilliseconds(int(SILENCE_S * 1000 / 3))
        self.requests.put(subscribe_pb2.SubscribeRequest(start=start))
        threading.Thread(target=self._ping, daemon=True).start()

    def _ping(self):  # keeps the lease while there is nothing to acknowledge
        while not self.closed.wait(SILENCE_S / 3):
            ping = subscribe_pb2.SubscribePing()
            self.requests.put(subscribe_pb2.SubscribeRequest(ping=ping))

    def ack(self, event_ids):
        ack = subscribe_pb2.SubscribeAck(event_ids=event_ids)
        self.requests.put(subscribe_pb2.SubscribeRequest(ack=ack))
        self.unconfirmed += 1

    def close(self):
        self.closed.set()
        self.requests.put(None)


def subscribe(channel, message_id):
    """Handles and acknowledges events until the last one of a message."""
    events = events_service_pb2_grpc.EventsServiceStub(channel)
    create_subscription(events)
    session, done = None, False

    def open_stream():
        nonlocal session
        if session:
            session.close()
        session = Session()
        return events.Subscribe(iter(session.requests.get, None), metadata=METADATA)

    ending = False
    for frame in frames(open_stream, lambda: done and session.unconfirmed == 0):
        kind = frame.WhichOneof("frame")
        if kind == "started":
            ending = False
        elif kind == "events":
            for delivered in frame.events.events:
                # At least once: after a lost ack the same event.id comes again.
                show("delivered", delivered.event, f" attempt={delivered.attempt}")
                session.ack([delivered.event.id])
                ours = delivered.event.message_id == message_id
                done = done or (ours and delivered.event.final)
        elif kind == "ack_result":
            session.unconfirmed -= 1
            unstored = subscribe_pb2.ACK_FAILURE_REASON_LOG_UNAVAILABLE
            failed = [f.event_id for f in frame.ack_result.failures if f.reason == unstored]
            if failed:
                session.ack(failed)
        elif kind == "draining":
            ending = True
        # Closing our side ends the session in order; then the stream ends.
        if (done or ending) and session.unconfirmed == 0:
            session.close()


def create_subscription(events):
    types = [event_pb2.EVENT_TYPE_SEND_RESULT, event_pb2.EVENT_TYPE_DELIVERY_REPORT]
    request = subscription_requests_pb2.CreateSubscriptionRequest(
        subscription=subscription_pb2.Subscription(
            name=SUBSCRIPTION, filter=event_filter_pb2.EventFilter(types=types)
        ),
        start=positions_pb2.START_POSITION_EARLIEST,
    )
    try:
        call(events.CreateSubscription, request)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.ALREADY_EXISTS:
            raise


def errors(channel):
    """Sends a message without a destination, to be refused."""
    message = message_pb2.Message(channel=channel_pb2.CHANNEL_SMS, sender="ShopDesk")
    message.content.body.text.text = "To nobody."
    request = send_messages_pb2.SendMessagesRequest(
        messages=[message_pb2.BaseMessage(message=message)]
    )
    try:
        messages = messages_service_pb2_grpc.MessagesServiceStub(channel)
        call(messages.SendMessages, request)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
            raise
        print_error(error, sys.stdout)


def main(command="all", argument="385910000001"):
    with open_channel() as channel:
        try:
            if command in ("errors", "all"):
                errors(channel)
            if command in ("send", "all"):
                message_id = send(channel, argument)
            else:
                message_id = argument
            if command in ("watch", "all"):
                watch(channel, message_id)
            if command in ("subscribe", "all"):
                subscribe(channel, message_id)
        except grpc.RpcError as error:
            print_error(error, sys.stderr)
            raise SystemExit(1) from error


if __name__ == "__main__":
    main(*sys.argv[1:])
