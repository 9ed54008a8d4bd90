package dendrite

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/element-hq/dendrite/setup/config"
	"github.com/element-hq/dendrite/setup/jetstream"
)

const (
	brokenOff = time.Second            // after which an event that is still under way at a start is handed out again
	handedOut = 400 * time.Millisecond // that the queue takes for it
)

// resume hands out again, at a start, the events that a crash has broken off in the middle.
// They are in the queue and not lost, but Dendrite looks for them after five minutes: it
// cannot know that nobody works on them. It sets its own patience again when it takes up a room.
func resume(queue nats.JetStreamContext, cfg *config.JetStream) error {
	var errs []error
	again := false
	stream := cfg.Prefixed(jetstream.InputRoomEvent)
	for c := range queue.Consumers(stream) {
		if c.Config.Durable == "" || c.NumAckPending == 0 {
			continue
		}
		c.Config.AckWait = brokenOff
		_, err := queue.UpdateConsumer(stream, &c.Config)
		errs = append(errs, err)
		again = again || err == nil
	}
	if again {
		time.Sleep(handedOut)
	}
	return errors.Join(errs...)
}
