# frozen_string_literal: true

require "grpc"

# Streams that outlive connections, restarts and silence.
module Streams
  # A stream on which nothing came for so long is dead: progress frames come
  # three times as often.
  SILENCE_SECONDS = Float(ENV.fetch("INFOBIP_RPC_SILENCE_SECONDS", "30"))
  MAX_FAILURES = 30 # connections in a row that brought nothing

  # Cancels a call when heard was not called for SILENCE_SECONDS.
  class Watchdog
    attr_reader :fired

    def initialize(call)
      @fired = false
      @heard = now
      @thread = Thread.new do
        sleep 0.1 while now - @heard < SILENCE_SECONDS
        @fired = true
        call.cancel
      end
    end

    def heard
      @heard = now
    end

    def close
      @thread.kill
    end

    private

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end

  module_function

  # Yields the frames of as many streams as it takes, until finished is true
  # after an end. The block breaks to end earlier. leave_at_once: hangs up when
  # the service is about to stop.
  def frames(open, finished: -> { false }, leave_at_once: false, &block)
    failures = 0
    loop do
      why = read(open.call, leave_at_once, -> { failures = 0 }, &block)
      return if finished.call

      failures += 1
      raise "giving up: #{why}" if failures > MAX_FAILURES

      pause = [5, 0.1 * (2**failures)].min * rand(0.5..1.0)
      warn format("reconnecting in %<pause>.1f s: %<why>s", pause: pause, why: why)
      sleep pause
    end
  end

  # Yields the frames of one stream; gives why it ended.
  def read(call, leave_at_once, progressed)
    watchdog = Watchdog.new(call)
    call.execute.each do |frame|
      watchdog.heard
      progressed.call unless frame.frame == :draining
      yield frame
      return "the service is about to stop" if leave_at_once && frame.frame == :draining
    end
    "the stream ended"
  rescue GRPC::BadStatus => e
    return "silence" if watchdog.fired
    raise unless e.is_a?(GRPC::Unavailable) || e.is_a?(GRPC::Aborted)

    e.details
  ensure
    watchdog.close
    call.cancel
  end
end
