#!/usr/bin/env bash
# Sends a message, watches and consumes what becomes of it, and reads errors,
# with JSON over HTTP (the Connect protocol).
#
# Usage: client.sh all | send [TO] | watch MESSAGE_ID | subscribe MESSAGE_ID | errors
set -euo pipefail

url=${INFOBIP_RPC_URL:-http://127.0.0.1:8080}
# A stream on which nothing came for so long is dead: progress frames come three
# times as often.
silence=${INFOBIP_RPC_SILENCE_SECONDS:-30}
interval=$(jq -rn --arg s "$silence" '"\(($s | tonumber) / 3 * 1000 | floor / 1000)s"')
deadline=10
max_failures=30 # connections in a row that brought nothing
messages=infobip.messages.v1.MessagesService
events=infobip.events.v1.EventsService
subscription=subscriptions/example-curl

options=(--silent --connect-timeout 5)
[ -z "${INFOBIP_RPC_TLS_CA-}" ] || options+=(--cacert "$INFOBIP_RPC_TLS_CA")

# The token stays out of the list of processes: curl reads it from a file.
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT
[ -z "${INFOBIP_RPC_TOKEN-}" ] || printf 'authorization: Bearer %s\n' "$INFOBIP_RPC_TOKEN" >"$headers"
options+=(--header "@$headers")

# call METHOD REQUEST [SECONDS]: prints the answer. Fails with 1 when the answer
# is an error, which it prints as well.
call() {
  local seconds=${3:-$deadline} answer
  if ! answer=$(curl "${options[@]}" --max-time "$((seconds + 1))" --fail-with-body "$url/$1" \
    --header 'content-type: application/json' --header "connect-timeout-ms: ${seconds}000" --data-binary "$2"); then
    # Without an error of the service there was none that answered.
    [ -n "$(jq -r '.code?' <<<"$answer" 2>/dev/null)" ] || answer='{"code":"unavailable","message":"no answer"}'
    printf '%s\n' "$answer"
    return 1
  fi
  printf '%s\n' "$answer"
}

# print_error: the code and the details of the error on stdin. Decide by the
# reason, never by the text.
print_error() {
  jq -r '"code \(.code)", "message \(.message)", (.details[]? | .debug
    | if .reason then "reason \(.reason)", "domain \(.domain)", (.metadata // {} | to_entries[] | "metadata \(.key)=\(.value)")
      else (.fieldViolations[]? | "violation \(.field): \(.description)") end)'
}

fail() {
  print_error >&2
  exit 1
}

# retry FAILURES REASON: waits before the next attempt, or gives up.
retry() {
  if [ "$1" -gt "$max_failures" ]; then
    echo "giving up: $2" >&2
    exit 1
  fi
  local pause
  pause=$(jq -rn --argjson n "$1" --argjson r "$RANDOM" '[5, 0.1 * pow(2; $n)] | min * (0.5 + $r / 65536) * 10 | ceil / 10')
  echo "reconnecting in $pause s: $2" >&2
  sleep "$pause"
}

is_temporary() {
  [[ $1 == unavailable || $1 == aborted || $1 == deadline_exceeded ]]
}

sms() { # TEXT DESTINATIONS
  jq -cn --arg text "$1" --argjson destinations "$2" '{message: {channel: "CHANNEL_SMS", sender: "ShopDesk",
    destinations: $destinations, content: {body: {text: {text: $text}}}}}'
}

# Sends one SMS, and sets message_id.
send() {
  local request answer to
  to=$(jq -cn --arg to "$1" '[{toDestination: {to: $to}}]')
  # Keep the request id beside your own record: a repeat with it sends nothing twice.
  request=$(jq -cn --argjson message "$(sms 'Your parcel is on its way.' "$to")" \
    --arg id "$(cat /proc/sys/kernel/random/uuid)" '{messages: [$message], requestId: $id}')
  local attempt
  for attempt in 1 2 3 4; do
    answer=$(call $messages/SendMessages "$request") && break
    [[ $attempt -lt 4 && $(jq -r .code <<<"$answer") == unavailable ]] || fail <<<"$answer"
    sleep "0.$((attempt * 2))"
  done
  jq -r '.results[] | "result \(.messageIndex // 0)/\(.destinationIndex // 0) \(.messageId) \(.outcome | ltrimstr("SEND_OUTCOME_")) \(.status.name)"' <<<"$answer"
  message_id=$(jq -r '.results[0].messageId' <<<"$answer")
}

# Lines for the events of a frame, on stdin.
show() { # KIND
  jq -r --arg kind "$1" '(.event // .) as $event | "\($kind) \($event.sequence) \($event.type | ltrimstr("EVENT_TYPE_"))" +
    " \($event.messageId) final=\($event.final // false)" + if .attempt then " attempt=\(.attempt)" else "" end'
}

# Frames of one WatchEvents stream, a line of JSON each. In the Connect protocol
# a frame is a byte of flags, four bytes of length, and JSON; the last one has
# the flag 2 and tells how the stream ended.
open_watch() { # REQUEST
  local hex
  printf -v hex '%08x' "$(printf '%s' "$1" | wc -c)"
  { printf "\0\x${hex:0:2}\x${hex:2:2}\x${hex:4:2}\x${hex:6:2}%s" "$1"; } |
    curl "${options[@]}" --no-buffer --speed-limit 1 --speed-time "$silence" "$url/$events/WatchEvents" \
      --header 'content-type: application/connect+json' --data-binary @- |
    while read -r flags a b c d < <(head -c 5 | od -An -tu1) && [ -n "${d-}" ]; do
      head -c "$((a << 24 | b << 16 | c << 8 | d))" | jq -c --argjson last "$((flags & 2))" 'if $last > 0 then {end: .} else . end'
    done
}

# Prints the events of a message until the one after which none is expected.
watch() {
  # The position. A consumer that must go on after its own restart stores it
  # together with its work.
  local from='{"start": "START_POSITION_EARLIEST"}' failures=0 frame code reason
  while true; do
    reason='silence, or no connection'
    while read -r frame; do
      if jq -e .end <<<"$frame" >/dev/null; then
        reason=$(jq -r '.end.error.message // "the stream ended"' <<<"$frame")
        code=$(jq -r '.end.error.code // "unavailable"' <<<"$frame")
        is_temporary "$code" || jq -c .end.error <<<"$frame" | fail
        break
      fi
      failures=0
      jq -c '.events.events[]?' <<<"$frame" | show event
      if jq -e 'any(.events.events[]?; .final)' <<<"$frame" >/dev/null; then return; fi
      if jq -e .draining <<<"$frame" >/dev/null; then
        reason='the service is about to stop'
        break
      fi
      from=$(jq -c --argjson from "$from" '(.started // .progress // (.events.events | arrays | last) // {cursor: .gap.toCursor})
        | if .cursor then {cursor} else $from end' <<<"$frame")
    done < <(open_watch "$(jq -cn --argjson from "$from" --arg id "$1" --arg interval "$interval" '$from +
      {filter: {messageIds: [$id]}, onExpired: "ON_EXPIRED_RESUME", progressInterval: $interval}')")
    failures=$((failures + 1))
    retry "$failures" "$reason"
  done
}

# Handles and acknowledges events until the last one of a message. Subscribe
# needs both directions of a stream; PullEvents and AcknowledgeEvents do not.
subscribe() {
  local request answer code session='' failures=0
  request=$(jq -cn --arg name $subscription '{subscription: {name: $name,
    filter: {types: ["EVENT_TYPE_SEND_RESULT", "EVENT_TYPE_DELIVERY_REPORT"]}}, start: "START_POSITION_EARLIEST"}')
  answer=$(call $events/CreateSubscription "$request") || [ "$(jq -r .code <<<"$answer")" = already_exists ] || fail <<<"$answer"
  while true; do
    request=$(jq -cn --arg name $subscription --arg session "$session" '{subscription: $name, sessionId: $session, wait: "5s", maxEvents: 50}')
    if answer=$(call $events/PullEvents "$request") && session=$(jq -r .sessionId <<<"$answer") && handle "$1"; then
      failures=0
      [ "$is_last" = false ] || return 0
      continue
    fi
    code=$(jq -r .code <<<"$answer")
    # A session ends with its lease. Its events come again, in another one.
    [ "$(jq -r 'first(.details[]?.debug.reason // empty)' <<<"$answer")" = SESSION_EXPIRED ] || is_temporary "$code" || fail <<<"$answer"
    session=''
    failures=$((failures + 1))
    retry "$failures" "$(jq -r .message <<<"$answer")"
  done
}

# Does the work of the pulled events, then acknowledges them. Sets is_last, and
# answer to an error.
handle() { # MESSAGE_ID
  # At least once: after a lost ack the same event.id comes again.
  jq -c '.events[]?' <<<"$answer" | show delivered
  is_last=$(jq --arg id "$1" 'any(.events[]?.event; .final and .messageId == $id)' <<<"$answer")
  local ids request
  ids=$(jq -c '[.events[]?.event.id]' <<<"$answer")
  [ "$ids" != '[]' ] || return 0
  request=$(jq -cn --arg name $subscription --arg session "$session" --argjson ids "$ids" --argjson last "$is_last" \
    '{subscription: $name, sessionId: $session, ack: {eventIds: $ids}, closeSession: $last}')
  answer=$(call $events/AcknowledgeEvents "$request")
}

# Sends a message without a destination, to be refused.
provoke_error() {
  local request answer
  request=$(jq -cn --argjson message "$(sms 'To nobody.' '[]')" '{messages: [$message]}')
  answer=$(call $messages/SendMessages "$request") || [ "$(jq -r .code <<<"$answer")" = invalid_argument ] || fail <<<"$answer"
  print_error <<<"$answer"
}

command=${1:-all}
message_id=${2:-385910000001}
case $command in errors | all) provoke_error ;; esac
case $command in send | all) send "$message_id" ;; esac
case $command in watch | all) watch "$message_id" ;; esac
case $command in subscribe | all) subscribe "$message_id" ;; esac
