package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const deadline = 10 * time.Second

// Streams wait for a connection; how long is up to their owner. Repeated sends
// are safe, because each carries a request_id; grpc-go before 1.40 repeats only
// with GRPC_GO_RETRY=on in its environment.
const serviceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [
      {"service": "infobip.events.v1.EventsService", "method": "WatchEvents"},
      {"service": "infobip.events.v1.EventsService", "method": "Subscribe"}
    ],
    "waitForReady": true
  }, {
    "name": [{"service": "infobip.messages.v1.MessagesService"}],
    "retryPolicy": {
      "maxAttempts": 4,
      "initialBackoff": "0.2s",
      "maxBackoff": "2s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
}`

// dial opens the one channel of the process; it reconnects by itself.
func dial() (*grpc.ClientConn, error) {
	target := setting("INFOBIP_RPC_TARGET", "127.0.0.1:50051")
	if !strings.Contains(target, ":/") {
		target = "dns:///" + target // round_robin needs a resolver
	}
	security := grpc.WithInsecure()
	if file := os.Getenv("INFOBIP_RPC_TLS_CA"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", file)
		}
		security = grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots}))
	}
	return grpc.Dial(target, security,
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}))
}

// withToken adds the caller's token to the calls made with the context.
func withToken(ctx context.Context) context.Context {
	if token := os.Getenv("INFOBIP_RPC_TOKEN"); token != "" {
		return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return ctx
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// printError prints the code and the details. Decide by the reason, never by
// the text.
func printError(out io.Writer, err error) {
	failure, ok := status.FromError(err)
	if !ok {
		fmt.Fprintln(out, err)
		return
	}
	fmt.Fprintln(out, "code", codeName(failure.Code()))
	fmt.Fprintln(out, "message", failure.Message())
	for _, detail := range failure.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			fmt.Fprintln(out, "reason", detail.GetReason())
			fmt.Fprintln(out, "domain", detail.GetDomain())
			names := make([]string, 0, len(detail.GetMetadata()))
			for name := range detail.GetMetadata() {
				names = append(names, name)
			}
			sort.Strings(names)
			for _, name := range names {
				fmt.Fprintf(out, "metadata %s=%s\n", name, detail.GetMetadata()[name])
			}
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				fmt.Fprintf(out, "violation %s: %s\n", violation.GetField(), violation.GetDescription())
			}
		}
	}
}
