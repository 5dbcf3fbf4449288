// Sends a message, watches and consumes what becomes of it, and reads errors.
//
// Usage: client all | send [TO] | watch MESSAGE_ID | subscribe MESSAGE_ID | errors
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	eventsv1 "infobip-rpc-stubs/infobip/events/v1"
	messagesv1 "infobip-rpc-stubs/infobip/messages/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command, argument := "all", "385910000001"
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	if len(os.Args) > 2 {
		argument = os.Args[2]
	}
	if err := run(withToken(ctx), command, argument); err != nil {
		printError(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command, argument string) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	messageID, all := argument, command == "all"
	if all || command == "errors" {
		if err := provokeError(ctx, conn); err != nil {
			return err
		}
	}
	if all || command == "send" {
		if messageID, err = send(ctx, conn, argument); err != nil {
			return err
		}
	}
	if all || command == "watch" {
		if err := watch(ctx, conn, messageID); err != nil {
			return err
		}
	}
	if all || command == "subscribe" {
		return subscribe(ctx, conn, messageID)
	}
	return nil
}

// send sends one SMS and returns its message id.
func send(ctx context.Context, conn *grpc.ClientConn, to string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	// Keep it beside your own record: a repeat with it sends nothing twice.
	requestID := newID()
	response, err := messagesv1.NewMessagesServiceClient(conn).SendMessages(ctx, &messagesv1.SendMessagesRequest{
		Messages:  []*messagesv1.BaseMessage{sms("Your parcel is on its way.", to)},
		RequestId: &requestID,
	})
	if err != nil {
		return "", err
	}
	for _, result := range response.GetResults() {
		fmt.Printf("result %d/%d %s %s %s\n", result.GetMessageIndex(), result.GetDestinationIndex(), result.GetMessageId(),
			strings.TrimPrefix(result.GetOutcome().String(), "SEND_OUTCOME_"), result.GetStatus().GetName())
	}
	return response.GetResults()[0].GetMessageId(), nil
}

func sms(text string, recipients ...string) *messagesv1.BaseMessage {
	sender := "ShopDesk"
	message := &messagesv1.Message{
		Channel: messagesv1.Channel_CHANNEL_SMS,
		Sender:  &sender,
		Content: &messagesv1.MessageContent{Body: &messagesv1.MessageBody{
			Type: &messagesv1.MessageBody_Text{Text: &messagesv1.MessageTextBody{Text: &text}},
		}},
	}
	for i := range recipients {
		message.Destinations = append(message.Destinations, &messagesv1.MessageDestination{
			Kind: &messagesv1.MessageDestination_ToDestination{
				ToDestination: &messagesv1.ToDestination{To: &recipients[i]},
			},
		})
	}
	return &messagesv1.BaseMessage{Kind: &messagesv1.BaseMessage_Message{Message: message}}
}

// provokeError sends a message without a destination, to be refused.
func provokeError(ctx context.Context, conn *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	request := &messagesv1.SendMessagesRequest{Messages: []*messagesv1.BaseMessage{sms("To nobody.")}}
	_, err := messagesv1.NewMessagesServiceClient(conn).SendMessages(ctx, request)
	if status.Code(err) != codes.InvalidArgument {
		return err
	}
	printError(os.Stdout, err)
	return nil
}

func show(kind string, event *eventsv1.Event) {
	fmt.Printf("%s %d %s %s final=%t", kind, event.GetSequence(),
		strings.TrimPrefix(event.GetType().String(), "EVENT_TYPE_"), event.GetMessageId(), event.GetFinal())
}

// newID makes a random UUID.
func newID() string {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		panic(err)
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
