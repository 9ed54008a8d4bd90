package dendrite

import (
	"io"
	"testing"

	"github.com/sirupsen/logrus"
)

// What Dendrite logs as fatal ends the goroutine, not the process, and the server's
// owner hears of it.
func TestAFatalLogEndsOnlyTheGoroutine(t *testing.T) {
	Log(io.Discard)
	s := &Server{failed: make(chan string, 1)}
	defer watchFor(s)()
	for _, die := range []func(){func() { logrus.Fatal("the disk is full") }, func() { logrus.Panic("the disk is full") }} {
		ended := make(chan bool)
		survived := false
		go func() {
			defer close(ended)
			die()
			survived = true
		}()
		<-ended
		if survived {
			t.Error("the goroutine went on")
		}
		if why := <-s.Failed(); why != "the disk is full" {
			t.Errorf("it said %q", why)
		}
	}
}
