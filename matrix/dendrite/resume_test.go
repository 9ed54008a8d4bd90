package dendrite

import (
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/element-hq/dendrite/setup/config"
)

// queueIn is the queue of a folder, as Dendrite starts it, and what ends it.
func queueIn(t *testing.T, dir string) (nats.JetStreamContext, func()) {
	t.Helper()
	s, err := natsserver.NewServer(&natsserver.Options{ServerName: "monolith", DontListen: true, JetStream: true, StoreDir: dir, NoSystemAccount: true, NoSigs: true, NoLog: true, SyncAlways: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the queue does not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	return js, func() {
		nc.Close()
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// An event that was taken up and not done when the server ended is handed out again at once.
func TestWhatACrashHasBrokenOffIsTakenUpAgain(t *testing.T) {
	cfg := &config.JetStream{TopicPrefix: "Dendrite"}
	stream := cfg.Prefixed("InputRoomEvent")
	for range 5 { // a server that ends before it has noted that it handed one out hands it out again by itself
		js, end := halfDone(t, stream)
		got, err := takeOne(t, js, stream)
		if err == nil {
			t.Logf("%q is handed out again without any help", got)
			end()
			continue
		}
		if err := resume(js, cfg); err != nil {
			t.Error(err)
		} else if got, err := takeOne(t, js, stream); got != "hello" || err != nil {
			t.Errorf("after a restart: %q, %v", got, err)
		}
		end()
		return
	}
	t.Error("it is handed out again without any help, each time: resume is not needed any more")
}

// halfDone is a queue, as it is after a restart, that has handed out an event of which nobody
// said that it was done.
func halfDone(t *testing.T, stream string) (nats.JetStreamContext, func()) {
	t.Helper()
	dir := t.TempDir()
	js, end := queueIn(t, dir)
	if _, err := js.AddStream(&nats.StreamConfig{Name: stream, Subjects: []string{stream + ".*"}, Retention: nats.InterestPolicy, Storage: nats.FileStorage}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.AddConsumer(stream, &nats.ConsumerConfig{Durable: "room", AckPolicy: nats.AckExplicitPolicy, DeliverPolicy: nats.DeliverAllPolicy, FilterSubject: stream + ".room", AckWait: 310 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(stream+".room", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got, err := takeOne(t, js, stream); got != "hello" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	end()
	return queueIn(t, dir)
}

func takeOne(t *testing.T, js nats.JetStreamContext, stream string) (string, error) {
	t.Helper()
	sub, err := js.PullSubscribe(stream+".room", "room", nats.ManualAck(), nats.Bind(stream, "room"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := sub.Fetch(1, nats.MaxWait(3*time.Second))
	if len(got) == 0 {
		return "", err
	}
	return string(got[0].Data), err
}
