package server

import (
	"strings"
	"sync"
	"time"
)

// kept is how much is kept of what the servers of one app say.
const kept = 64 << 10

// journal keeps the end of what the servers of one app have said, one after the
// other. It is safe for concurrent use.
type journal struct {
	mu    sync.Mutex
	said  []byte
	since int // where the one that runs began
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.said = append(j.said, b...)
	if over := len(j.said) - kept; over > 0 {
		j.said = append([]byte(nil), j.said[over:]...)
		j.since = max(0, j.since-over)
	}
	return len(b), nil
}

// note writes a line of ours, with the time.
func (j *journal) note(text string) {
	line := "[" + time.Now().UTC().Format("2006-01-02 15:04:05") + " " + text + "]\n"
	_, _ = j.Write([]byte(line)) // it never fails
	j.mu.Lock()
	defer j.mu.Unlock()
	j.since = len(j.said)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.ToValidUTF8(string(j.said), "�")
}

// last is the end of what the one that runs has said, n bytes at most.
func (j *journal) last(n int) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	own := j.said[j.since:]
	return strings.ToValidUTF8(string(own[max(0, len(own)-n):]), "�")
}
