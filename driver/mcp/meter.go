package mcp

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// What a program may say: in one message, and between two of our own.
const (
	frameMost    = 8 << 20
	floodMost    = 32 << 20
	messagesMost = 5_000
)

// meter cuts a program off that says much more than it was asked. A nil meter
// measures nothing.
type meter struct {
	io.ReadCloser

	mu       sync.Mutex
	bytes    int
	messages int
	over     bool
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes += n
	m.messages += bytes.Count(p[:n], []byte{'\n'})
	if m.bytes > floodMost || m.messages > messagesMost {
		m.over = true
		return 0, errFlood
	}
	return n, err
}

var errFlood = fmt.Errorf("it said more than %d MB, or more than %d messages, without being asked, and was cut off", floodMost>>20, messagesMost)

// reset begins to count anew.
func (m *meter) reset() {
	if m == nil {
		return
	}
	m.mu.Lock()
	m.bytes, m.messages = 0, 0
	m.mu.Unlock()
}

// flooded is why the program was cut off, if it was.
func (m *meter) flooded() error {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.over {
		return nil
	}
	return errFlood
}
