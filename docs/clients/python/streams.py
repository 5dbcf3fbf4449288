"""Streams that outlive connections, restarts and silence."""

import os
import random
import sys
import threading
import time

import grpc

# A stream on which nothing came for so long is dead: progress frames come three
# times as often.
SILENCE_S = float(os.environ.get("INFOBIP_RPC_SILENCE_SECONDS", "30"))
MAX_FAILURES = 30  # connections in a row that brought nothing


class Watchdog:
    """Calls on_silence when heard() was not called for SILENCE_S."""

    def __init__(self, on_silence):
        self.fired = False
        self._on_silence = on_silence
        self._signal = threading.Event()
        self._closed = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while self._signal.wait(SILENCE_S):
            if self._closed:
                return
            self._signal.clear()
        self.fired = True
        self._on_silence()

    def heard(self):
        self._signal.set()

    def close(self):
        self._closed = True
        self._signal.set()


def frames(open_stream, finished=lambda: False, leave_at_once=False):
    """The frames of as many streams as it takes, until finished() after an end.

    leave_at_once: hang up when the service is about to stop.
    """
    failures = 0
    while True:
        stream = open_stream()
        watchdog = Watchdog(stream.cancel)
        why = "the stream ended"
        try:
            for frame in stream:
                watchdog.heard()
                draining = frame.WhichOneof("frame") == "draining"
                if not draining:
                    failures = 0
                yield frame
                if draining and leave_at_once:
                    break
        except grpc.RpcError as error:
            retryable = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED)
            if not watchdog.fired and error.code() not in retryable:
                raise
            why = "silence" if watchdog.fired else error.details()
        finally:
            watchdog.close()
            stream.cancel()
        if finished():
            return
        failures += 1
        if failures > MAX_FAILURES:
            raise SystemExit(f"giving up: {why}")
        pause = min(5, 0.1 * 2**failures) * random.uniform(0.5, 1)
        print(f"reconnecting in {pause:.1f} s: {why}", file=sys.stderr, flush=True)
        time.sleep(pause)
