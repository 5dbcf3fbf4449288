package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Connections in a row that brought nothing, after which reconnecting gives up.
const maxFailures = 30

var errDone = errors.New("done")

// silence is how long a stream may bring nothing before it counts as dead;
// progress frames come three times as often.
var silence = func() time.Duration {
	seconds, err := strconv.ParseFloat(setting("INFOBIP_RPC_SILENCE_SECONDS", "30"), 64)
	if err != nil {
		panic(err)
	}
	return time.Duration(seconds * float64(time.Second))
}()

// reconnecting runs streams one after the other until one returns errDone.
// Each calls heard for every frame, and ends when its context does.
func reconnecting(ctx context.Context, stream func(ctx context.Context, heard func()) error) error {
	for failures := 1; ; failures++ {
		streamCtx, cancel := context.WithCancel(ctx)
		watchdog := time.AfterFunc(silence, cancel)
		err := stream(streamCtx, func() {
			watchdog.Reset(silence)
			failures = 1
		})
		silent := streamCtx.Err() != nil
		watchdog.Stop()
		cancel()
		switch code := status.Code(err); {
		case errors.Is(err, errDone):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case silent:
			err = errors.New("silence")
		case err != nil && err != io.EOF && code != codes.Unavailable && code != codes.Aborted:
			return err
		}
		if failures > maxFailures {
			return fmt.Errorf("giving up: %w", err)
		}
		pause := backoff(failures)
		fmt.Fprintf(os.Stderr, "reconnecting in %.1f s: %v\n", pause.Seconds(), err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// backoff is 0.2 s, doubled with each failure up to 5 s, less a random part.
func backoff(failures int) time.Duration {
	pause := 100 * time.Millisecond << min(failures, 6)
	if pause > 5*time.Second {
		pause = 5 * time.Second
	}
	return time.Duration(float64(pause) * (0.5 + rand.Float64()/2))
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

// codeName spells a code as the documentation does: INVALID_ARGUMENT.
func codeName(code codes.Code) string {
	var name strings.Builder
	for i, letter := range code.String() {
		if i > 0 && unicode.IsUpper(letter) && code != codes.OK {
			name.WriteByte('_')
		}
		name.WriteRune(unicode.ToUpper(letter))
	}
	return name.String()
}
