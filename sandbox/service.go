package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

// Service is a confined program that runs on, and is talked to by its standard
// input and output. Its methods may be called from any goroutine.
type Service struct {
	In  io.WriteCloser // its standard input; closing it asks the program to end
	Out io.ReadCloser  // its standard output, to the end of it

	said *tail
	done chan struct{}
	kill func()
}

// lastWords is how much of a service's standard error is kept.
const lastWords = 16 << 10

// serviceLook is the time between two looks at what a service uses: it may run for
// days, and is slower to do harm than to be started.
const serviceLook = 2 * time.Second

// Start starts c and returns at once; c's Limit and Output do not count. It ends
// with ctx, at its limits of memory and processes, and with this program. Close it.
func (s *Sandbox) Start(ctx context.Context, c Command) (*Service, error) {
	ctx, end := context.WithCancelCause(ctx)
	v := &Service{said: &tail{limit: lastWords, most: math.MaxInt64}, done: make(chan struct{}), kill: func() { end(nil) }}
	started := make(chan error, 1)
	go v.run(ctx, s, c.withDefaults(), end, started)
	if err := <-started; err != nil {
		v.kill()
		return nil, &sys.Error{Op: "run in the sandbox", Kind: sys.Unavailable, Err: err}
	}
	return v, nil
}

// run keeps its thread for as long as the program runs: the system takes the end
// of the thread that started a program for the end of its parent.
func (v *Service) run(ctx context.Context, s *Sandbox, c Command, end context.CancelCauseFunc, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(v.done)
	defer v.kill()
	info, theirs, err := os.Pipe()
	if err != nil {
		started <- err
		return
	}
	defer info.Close()
	group := s.groups.make(c)
	defer group.remove()
	cmd, g, err := v.start(ctx, s, c, theirs, group)
	_ = theirs.Close()
	if g != nil {
		defer g.close()
	}
	if err != nil {
		started <- err
		return
	}
	if g != nil {
		g.serve(c.Network)
	}
	_ = unix.Setpriority(unix.PRIO_PGRP, cmd.Process.Pid, niceness) // a courtesy to whoever works beside it
	started <- nil
	var watching sync.WaitGroup
	w := &watch{procs: c.Procs, memory: c.Memory, end: end, every: serviceLook, pidfd: -1}
	watching.Go(func() { w.run(ctx, info) })
	_ = cmd.Wait() // how it ended is for whoever talked to it to say
	v.why(context.Cause(ctx))
	v.kill()
	watching.Wait()
	_ = w.gone() // with the namespace
}

// why adds to the last words at which limit the program was ended.
func (v *Service) why(cause error) {
	if over, ok := errors.AsType[exceeded](cause); ok {
		_, _ = fmt.Fprintf(v.said, "\nit was ended: %s", over.Error())
	}
}

func (v *Service) start(ctx context.Context, s *Sandbox, c Command, info *os.File, group *group) (cmd *exec.Cmd, g *gate, err error) {
	var given []*os.File
	if c.Network != nil {
		if g, err = newGate(); err != nil {
			return nil, nil, err
		}
		given = slices.Clone(g.theirs)
	}
	given = append(given, info)
	line := slices.Concat(c.Enter, []string{s.Path, "--info-fd", strconv.Itoa(2 + len(given))}, s.args(c))
	cmd = exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env, cmd.Stderr, cmd.ExtraFiles = []string{}, v.said, given
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	group.into(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	out, theirs, err := os.Pipe() // not the command's own, which ends with it and loses what was not read
	if err != nil {
		return nil, g, err
	}
	defer theirs.Close()
	v.Out, cmd.Stdout = out, theirs
	if v.In, err = cmd.StdinPipe(); err != nil {
		return nil, g, err
	}
	return cmd, g, cmd.Start()
}

// Done is closed when the program has ended.
func (v *Service) Done() <-chan struct{} { return v.done }

// LastWords is the end of what the program said on its standard error.
func (v *Service) LastWords() string {
	v.said.mu.Lock()
	defer v.said.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(v.said.bytes()), "�"))
}

// Close closes the program's input, gives it a moment to end, kills what is left,
// and waits for that.
func (v *Service) Close() error {
	_ = v.In.Close() // it may have ended
	select {
	case <-v.done:
	case <-time.After(time.Second):
		v.kill()
		<-v.done
	}
	return v.Out.Close()
}
