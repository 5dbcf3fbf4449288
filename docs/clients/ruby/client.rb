# frozen_string_literal: true

# Sends a message, watches and consumes what becomes of it, and reads errors.
#
# Usage: client.rb all | send [TO] | watch MESSAGE_ID | subscribe MESSAGE_ID | errors

require "securerandom"
require "infobip/events/v1/events_service_services_pb"
require "infobip/messages/v1/messages_service_services_pb"
require_relative "connection"
require_relative "streams"

E = Infobip::Events::V1
M = Infobip::Messages::V1
SUBSCRIPTION = "subscriptions/example-ruby"
PROGRESS_INTERVAL = Google::Protobuf::Duration.new(
  seconds: Streams::SILENCE_SECONDS.to_i / 3, nanos: (Streams::SILENCE_SECONDS / 3 % 1 * 1e9).to_i
)

def sms(text, *recipients)
  M::BaseMessage.new(
    message: M::Message.new(
      channel: :CHANNEL_SMS,
      sender: "ShopDesk",
      destinations: recipients.map { |to| M::MessageDestination.new(to_destination: M::ToDestination.new(to: to)) },
      content: M::MessageContent.new(body: M::MessageBody.new(text: M::MessageTextBody.new(text: text)))
    )
  )
end

# Sends one SMS; gives its message id.
def send_message(recipient)
  request = M::SendMessagesRequest.new(
    messages: [sms("Your parcel is on its way.", recipient)],
    # Keep it beside your own record: a repeat with it sends nothing twice.
    request_id: SecureRandom.uuid
  )
  messages = Connection.stub(M::MessagesService)
  response = Connection.call { |options| messages.send_messages(request, **options) }
  response.results.each do |result|
    outcome = result.outcome.to_s.delete_prefix("SEND_OUTCOME_")
    puts "result #{result.message_index}/#{result.destination_index} #{result.message_id} #{outcome} #{result.status&.name}"
  end
  response.results.first.message_id
end

def show(kind, event, extra = "")
  type = event.type.to_s.delete_prefix("EVENT_TYPE_")
  puts "#{kind} #{event.sequence} #{type} #{event.message_id} final=#{event.final}#{extra}"
end

# Prints the events of a message until the one after which none is expected.
def watch(message_id)
  events = Connection.stub(E::EventsService)
  request = E::WatchEventsRequest.new(
    start: :START_POSITION_EARLIEST,
    filter: E::EventFilter.new(message_ids: [message_id]),
    on_expired: :ON_EXPIRED_RESUME,
    progress_interval: PROGRESS_INTERVAL
  )
  # request.cursor is the position. A consumer that must go on after its own
  # restart stores it together with its work.
  open = -> { events.watch_events(request, metadata: Connection.metadata, return_op: true) }
  Streams.frames(open, leave_at_once: true) do |frame|
    case frame.frame
    when :started then request.cursor = frame.started.cursor
    when :progress then request.cursor = frame.progress.cursor
    when :gap
      warn "events were removed before they were read"
      request.cursor = frame.gap.to_cursor
    when :events
      frame.events.events.each do |event|
        show("event", event)
        request.cursor = event.cursor
        return if event.final
      end
    end
  end
end

# One Subscribe stream: its sending side, and the acks not yet confirmed.
class Session
  attr_accessor :unconfirmed

  def initialize
    @unconfirmed = 0
    @requests = Queue.new
    start = E::SubscribeStart.new(subscription: SUBSCRIPTION, client_id: "example", progress_interval: PROGRESS_INTERVAL)
    @requests << E::SubscribeRequest.new(start: start)
    # Pings keep the lease while there is nothing to acknowledge.
    @pings = Thread.new do
      loop do
        sleep Streams::SILENCE_SECONDS / 3
        @requests << E::SubscribeRequest.new(ping: E::SubscribePing.new)
      end
    end
  end

  def open(events)
    frames = Enumerator.new do |frame|
      while (request = @requests.pop)
        frame << request
      end
    end
    events.subscribe(frames, metadata: Connection.metadata, return_op: true)
  end

  def ack(event_ids)
    @requests << E::SubscribeRequest.new(ack: E::SubscribeAck.new(event_ids: event_ids))
    @unconfirmed += 1
  end

  # Takes the answer to one ack, and repeats what could not be stored.
  def confirm(result)
    @unconfirmed -= 1
    failed = result.failures.select { |failure| failure.reason == :ACK_FAILURE_REASON_LOG_UNAVAILABLE }
    ack(failed.map(&:event_id)) unless failed.empty?
  end

  def close
    @pings.kill
    @requests << nil
  end
end

# Handles and acknowledges events until the last one of a message.
def subscribe(message_id)
  events = Connection.stub(E::EventsService)
  create_subscription(events)
  session = nil
  done = ending = false
  open = lambda do
    session&.close
    ending = false
    (session = Session.new).open(events)
  end
  Streams.frames(open, finished: -> { done && session.unconfirmed.zero? }) do |frame|
    case frame.frame
    when :events
      frame.events.events.each do |delivered|
        # At least once: after a lost ack the same event id comes again.
        show("delivered", delivered.event, " attempt=#{delivered.attempt}")
        session.ack([delivered.event.id])
        done ||= delivered.event.final && delivered.event.message_id == message_id
      end
    when :ack_result then session.confirm(frame.ack_result)
    when :draining then ending = true
    end
    # Closing our side ends the session in order; then the stream ends.
    session.close if (done || ending) && session.unconfirmed.zero?
  end
end

def create_subscription(events)
  filter = E::EventFilter.new(types: %i[EVENT_TYPE_SEND_RESULT EVENT_TYPE_DELIVERY_REPORT])
  request = E::CreateSubscriptionRequest.new(
    subscription: E::Subscription.new(name: SUBSCRIPTION, filter: filter), start: :START_POSITION_EARLIEST
  )
  Connection.call { |options| events.create_subscription(request, **options) }
rescue GRPC::AlreadyExists
  # Somebody else, or an earlier run, made it.
end

# Sends a message without a destination, to be refused.
def provoke_error
  request = M::SendMessagesRequest.new(messages: [sms("To nobody.")])
  messages = Connection.stub(M::MessagesService)
  Connection.call { |options| messages.send_messages(request, **options) }
rescue GRPC::InvalidArgument => e
  Connection.print_error(e, $stdout)
end

$stdout.sync = true
command = ARGV.fetch(0, "all")
message_id = recipient = ARGV.fetch(1, "385910000001")
begin
  provoke_error if %w[errors all].include?(command)
  message_id = send_message(recipient) if %w[send all].include?(command)
  watch(message_id) if %w[watch all].include?(command)
  subscribe(message_id) if %w[subscribe all].include?(command)
rescue GRPC::BadStatus => e
  Connection.print_error(e, $stderr)
  exit 1
end
