package dendrite

import (
	"io"
	"runtime"
	"sync"

	"github.com/sirupsen/logrus"
)

// crash keeps Dendrite from ending the process: it logs with Panic and Fatal in
// goroutines that nobody waits for, when a database does not answer and whenever it
// is stopped under traffic. logrus calls its hooks before it panics or exits, with
// no lock held, so that a hook can end the goroutine instead. A plain panic it cannot
// stop; that is why the homeserver is a process of its own by default.
type crash struct{}

// watch is the one hook of the process, and the servers that it tells.
var watch struct {
	once sync.Once
	mu   sync.Mutex
	told map[*Server]bool
}

func (crash) Levels() []logrus.Level { return []logrus.Level{logrus.PanicLevel, logrus.FatalLevel} }

// Fire ends the goroutine.
func (crash) Fire(e *logrus.Entry) error {
	watch.mu.Lock()
	for s := range watch.told {
		s.fail(e.Message)
	}
	watch.mu.Unlock()
	runtime.Goexit()
	return nil
}

// watchFor tells s of failures until the function is called that it returns.
func watchFor(s *Server) (end func()) {
	watch.once.Do(func() { logrus.AddHook(crash{}) })
	watch.mu.Lock()
	defer watch.mu.Unlock()
	if watch.told == nil {
		watch.told = map[*Server]bool{}
	}
	watch.told[s] = true
	return func() {
		watch.mu.Lock()
		defer watch.mu.Unlock()
		delete(watch.told, s)
	}
}

// Log sends what Dendrite logs, warnings and worse, to w as lines of JSON. It
// counts for every server of the process.
func Log(w io.Writer) {
	logrus.SetLevel(logrus.WarnLevel)
	logrus.SetFormatter(&logrus.JSONFormatter{DisableHTMLEscape: true})
	logrus.SetOutput(w)
}
