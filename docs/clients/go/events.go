package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	eventsv1 "infobip-rpc-stubs/infobip/events/v1"
)

const subscription = "subscriptions/example-go"

// watch prints the events of a message until the one after which none is
// expected.
func watch(ctx context.Context, conn *grpc.ClientConn, messageID string) error {
	client := eventsv1.NewEventsServiceClient(conn)
	request := &eventsv1.WatchEventsRequest{
		From:             &eventsv1.WatchEventsRequest_Start{Start: eventsv1.StartPosition_START_POSITION_EARLIEST},
		Filter:           &eventsv1.EventFilter{MessageIds: []string{messageID}},
		OnExpired:        eventsv1.OnExpired_ON_EXPIRED_RESUME,
		ProgressInterval: durationpb.New(silence / 3),
	}
	// The position. A consumer that must go on after its own restart stores it
	// together with its work.
	handled := func(cursor string) { request.From = &eventsv1.WatchEventsRequest_Cursor{Cursor: cursor} }
	return reconnecting(ctx, func(ctx context.Context, heard func()) error {
		stream, err := client.WatchEvents(ctx, request)
		if err != nil {
			return err
		}
		for {
			response, err := stream.Recv()
			if err != nil {
				return err
			}
			heard()
			switch frame := response.GetFrame().(type) {
			case *eventsv1.WatchEventsResponse_Started:
				handled(frame.Started.GetCursor())
			case *eventsv1.WatchEventsResponse_Events:
				for _, event := range frame.Events.GetEvents() {
					show("event", event)
					fmt.Println()
					handled(event.GetCursor())
					if event.GetFinal() {
						return errDone
					}
				}
			case *eventsv1.WatchEventsResponse_Progress:
				handled(frame.Progress.GetCursor())
			case *eventsv1.WatchEventsResponse_Gap:
				fmt.Fprintln(os.Stderr, "events were removed before they were read")
				handled(frame.Gap.GetToCursor())
			case *eventsv1.WatchEventsResponse_Draining:
				return status.Error(codes.Unavailable, "the service is about to stop")
			}
		}
	})
}

// session is one Subscribe stream. Sends come from two goroutines.
type session struct {
	stream      eventsv1.EventsService_SubscribeClient
	mutex       sync.Mutex
	unconfirmed int // acks that no ack_result came for yet
}

// send passes a frame on. Why it failed is told by Recv.
func (s *session) send(request *eventsv1.SubscribeRequest) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_ = s.stream.Send(request)
}

func (s *session) ack(ids ...string) {
	s.unconfirmed++
	s.send(&eventsv1.SubscribeRequest{Frame: &eventsv1.SubscribeRequest_Ack{Ack: &eventsv1.SubscribeAck{EventIds: ids}}})
}

// ping keeps the lease while there is nothing to acknowledge.
func (s *session) ping(stop <-chan struct{}) {
	ticker := time.NewTicker(silence / 3)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			s.send(&eventsv1.SubscribeRequest{Frame: &eventsv1.SubscribeRequest_Ping{Ping: &eventsv1.SubscribePing{}}})
		}
	}
}

// subscribe handles and acknowledges events until the last one of a message.
func subscribe(ctx context.Context, conn *grpc.ClientConn, messageID string) error {
	client := eventsv1.NewEventsServiceClient(conn)
	if err := createSubscription(ctx, client); err != nil {
		return err
	}
	return reconnecting(ctx, func(ctx context.Context, heard func()) error {
		stream, err := client.Subscribe(ctx)
		if err != nil {
			return err
		}
		s := &session{stream: stream}
		s.send(&eventsv1.SubscribeRequest{Frame: &eventsv1.SubscribeRequest_Start{Start: &eventsv1.SubscribeStart{
			Subscription:     subscription,
			ClientId:         "example",
			ProgressInterval: durationpb.New(silence / 3),
		}}})
		closing := make(chan struct{})
		go s.ping(closing)
		defer func() {
			if closing != nil {
				close(closing)
			}
		}()
		done, ending := false, false
		for {
			response, err := stream.Recv()
			if done && s.unconfirmed == 0 && closing == nil {
				return errDone
			}
			if err != nil {
				return err
			}
			heard()
			switch frame := response.GetFrame().(type) {
			case *eventsv1.SubscribeResponse_Events:
				for _, delivered := range frame.Events.GetEvents() {
					// At least once: after a lost ack the same event id comes again.
					event := delivered.GetEvent()
					show("delivered", event)
					fmt.Printf(" attempt=%d\n", delivered.GetAttempt())
					s.ack(event.GetId())
					done = done || event.GetFinal() && event.GetMessageId() == messageID
				}
			case *eventsv1.SubscribeResponse_AckResult:
				s.confirm(frame.AckResult)
			case *eventsv1.SubscribeResponse_Draining:
				ending = true
			}
			// Closing our side ends the session in order; then the stream ends.
			if (done || ending) && s.unconfirmed == 0 && closing != nil {
				close(closing)
				closing = nil
				s.mutex.Lock()
				_ = stream.CloseSend()
				s.mutex.Unlock()
			}
		}
	})
}

// confirm takes the answer to one ack, and repeats what could not be stored.
func (s *session) confirm(result *eventsv1.AckResult) {
	s.unconfirmed--
	var failed []string
	for _, failure := range result.GetFailures() {
		if failure.GetReason() == eventsv1.AckFailureReason_ACK_FAILURE_REASON_LOG_UNAVAILABLE {
			failed = append(failed, failure.GetEventId())
		}
	}
	if len(failed) > 0 {
		s.ack(failed...)
	}
}

func createSubscription(ctx context.Context, client eventsv1.EventsServiceClient) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	_, err := client.CreateSubscription(ctx, &eventsv1.CreateSubscriptionRequest{
		Subscription: &eventsv1.Subscription{
			Name: subscription,
			Filter: &eventsv1.EventFilter{Types: []eventsv1.EventType{
				eventsv1.EventType_EVENT_TYPE_SEND_RESULT, eventsv1.EventType_EVENT_TYPE_DELIVERY_REPORT,
			}},
		},
		From: &eventsv1.CreateSubscriptionRequest_Start{Start: eventsv1.StartPosition_START_POSITION_EARLIEST},
	})
	if status.Code(err) == codes.AlreadyExists {
		return nil
	}
	return err
}
