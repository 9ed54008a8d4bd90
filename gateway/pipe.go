package gateway

import (
	"context"
	"net"
	"sync"
)

const (
	pipeNetwork = "pipe"
	pipeHost    = "matrixos"
)

// Pipe is a listener inside this process: a command that runs the kernel itself
// talks to it as it would to a daemon, without opening a port.
type Pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

var _ net.Listener = (*Pipe)(nil)

// NewPipe returns an open Pipe.
func NewPipe() *Pipe {
	return &Pipe{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Dial connects to the pipe; it has the form that HTTP transports ask for, and
// ignores network and address.
func (p *Pipe) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept waits for the next connection.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener; open connections stay.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is the pipe's name; its URL form is PipeBase.
func (p *Pipe) Addr() net.Addr { return pipeAddr{} }

// PipeBase is the base address for clients of a Pipe.
const PipeBase = "http://" + pipeHost

type pipeAddr struct{}

func (pipeAddr) Network() string { return pipeNetwork }
func (pipeAddr) String() string  { return pipeHost }
