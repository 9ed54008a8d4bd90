package claude

import (
	"errors"
	"io"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Launch is a CLI that is to be started.
type Launch struct {
	Path   string // the program
	Args   []string
	Env    []string           // all of it, as KEY=VALUE
	Folder string             // its private folder, where it works; it sees it at this same path
	Serve  func(net.Listener) // answers at Options.Door; it returns once the listener is closed
}

// Program is a CLI that has been started.
type Program struct {
	In   io.WriteCloser
	Out  io.Reader
	Kill func()        // ends it and all that it has started; at any time, any number of times
	Wait func()        // returns when nothing of it is left
	Said func() string // the end of what it has said on its standard error
}

// unconfined starts a CLI as a program like any other, in a process group of its
// own. It ends with this program.
func unconfined(l Launch) (*Program, error) {
	said := &tail{}
	cmd := exec.Command(l.Path, l.Args...) //nolint:noctx // it outlives the turn that starts it; Kill ends it
	cmd.Dir, cmd.Env, cmd.Stderr = l.Folder, l.Env, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	waited := false
	kill := func() {
		mu.Lock()
		defer mu.Unlock()
		if !waited { // its number is its own until then
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	}
	started, read, done := make(chan error, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		// The system takes the end of the thread that started a program for the end of
		// its parent.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		<-read // what is waited for before it is read is lost
		kill() // and what it has started
		mu.Lock()
		defer mu.Unlock()
		waited = true
		_ = cmd.Wait() // how it ended says nothing that matters
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	return &Program{In: in, Out: out, Kill: kill, Said: said.String, Wait: sync.OnceFunc(func() { close(read); <-done })}, nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const most = 2000
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text); n > most {
		t.text = append(t.text[:0], t.text[n-most:]...)
	}
	return len(p), nil
}

// String is what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// oneLine is the end of text in one line.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if len(text) > 300 {
		text = "…" + strings.ToValidUTF8(text[len(text)-300:], "")
	}
	return text
}
