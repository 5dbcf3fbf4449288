# frozen_string_literal: true

require "json"
require "grpc"
require "google/protobuf/well_known_types"
require "google/rpc/error_details_pb"
require "google/rpc/status_pb"

# The connection to the service, and what its errors tell.
module Connection
  DEADLINE_SECONDS = 10
  MAX_ATTEMPTS = 4
  TARGET = ENV.fetch("INFOBIP_RPC_TARGET", "127.0.0.1:50051")
  TOKEN = ENV.fetch("INFOBIP_RPC_TOKEN", nil)
  TLS_CA = ENV.fetch("INFOBIP_RPC_TLS_CA", nil)

  SERVICE_CONFIG = {
    loadBalancingConfig: [{ round_robin: {} }],
    # Streams wait for a connection; how long is up to their owner.
    methodConfig: [{
      name: %w[WatchEvents Subscribe].map { |method| { service: "infobip.events.v1.EventsService", method: method } },
      waitForReady: true
    }]
  }.freeze

  CHANNEL_ARGS = {
    "grpc.service_config" => JSON.generate(SERVICE_CONFIG),
    # With its own retries gRPC 1.51, Debian's, can lose a call for good when the
    # connection goes away just then; not even a cancel ends it.
    "grpc.enable_retries" => 0,
    "grpc.keepalive_time_ms" => 30_000,
    "grpc.keepalive_timeout_ms" => 10_000,
    "grpc.initial_reconnect_backoff_ms" => 200,
    "grpc.max_reconnect_backoff_ms" => 5_000
  }.freeze

  module_function

  # Stubs of one channel, which serves a whole process and reconnects by itself.
  def stub(service)
    @credentials ||= TLS_CA ? GRPC::Core::ChannelCredentials.new(File.read(TLS_CA)) : :this_channel_is_insecure
    @channel ||= GRPC::ClientStub.setup_channel(nil, TARGET, @credentials, CHANNEL_ARGS.dup)
    service::Stub.new(TARGET, @credentials, channel_override: @channel)
  end

  def metadata
    TOKEN ? { "authorization" => "Bearer #{TOKEN}" } : {}
  end

  # Calls a method that may be repeated: a send with a request_id, or a read.
  # Yields the options of the call.
  def call
    deadline = Time.now + DEADLINE_SECONDS
    attempt = 1
    begin
      yield({ deadline: deadline, metadata: metadata })
    rescue GRPC::Unavailable
      raise if attempt == MAX_ATTEMPTS || Time.now >= deadline

      sleep 0.1 * (2**attempt) * rand(0.5..1.0)
      attempt += 1
      retry
    end
  end

  # Prints the code and the details. Decide by the reason, never by the text.
  def print_error(error, out)
    out.puts "code #{code_name(error.code)}", "message #{error.details}"
    status = error.to_rpc_status or return
    status.details.each do |detail|
      if detail.is(Google::Rpc::ErrorInfo)
        info = detail.unpack(Google::Rpc::ErrorInfo)
        out.puts "reason #{info.reason}", "domain #{info.domain}"
        info.metadata.to_h.sort.each { |name, value| out.puts "metadata #{name}=#{value}" }
      elsif detail.is(Google::Rpc::BadRequest)
        detail.unpack(Google::Rpc::BadRequest).field_violations.each do |violation|
          out.puts "violation #{violation.field}: #{violation.description}"
        end
      end
    end
  end

  def code_name(code)
    GRPC::Core::StatusCodes.constants.find { |name| GRPC::Core::StatusCodes.const_get(name) == code }
  end
end
