package drivertest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"matrixos/driver"
)

// Plain attaches a Go value that plays a scenario, for tests of what is built on
// drivers.
func Plain(s Scenario) driver.Entry {
	return driver.Entry{Name: "test", Version: "1", Program: "plain", Reach: driver.Own, Open: func(_ context.Context, changed func()) (driver.Driver, error) {
		return &plainDriver{changed: changed, done: make(chan struct{}), s: s}, nil
	}}
}

// plainDriver is the simplest driver that passes.
type plainDriver struct {
	changed func()
	done    chan struct{}

	mu    sync.Mutex
	s     Scenario
	ended bool
}

// Tools implements driver.Driver.
func (d *plainDriver) Tools(context.Context) ([]driver.Tool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.s.Tools, nil
}

// Call implements driver.Driver.
func (d *plainDriver) Call(ctx context.Context, tool string, args json.RawMessage, h driver.Host) (driver.Result, error) {
	select {
	case <-d.done:
		return driver.Result{}, errors.New("closed")
	default:
	}
	if r, ok := Answer(tool, args); ok {
		return r, nil
	}
	switch tool {
	case "hang":
		<-ctx.Done()
		return driver.Result{}, ctx.Err()
	case "crash":
		return driver.Result{}, errors.Join(errors.New("gone"), d.Close())
	case "flood":
		return driver.Result{Text: strings.Repeat("water ", 2<<20)}, nil
	case "change":
		d.mu.Lock()
		d.s.Tools = d.s.Later
		d.mu.Unlock()
		d.changed()
		return driver.Result{Text: "changed"}, nil
	}
	got, err := h.Ask(ctx, driver.Question{Text: "Which?", Fields: []driver.Field{{Name: "colour", Type: "string"}}})
	if err != nil {
		return driver.Result{Text: "no answer"}, nil
	}
	colour, _ := got["colour"].(string)
	return driver.Result{Text: colour}, nil
}

// Done implements driver.Watched.
func (d *plainDriver) Done() <-chan struct{} { return d.done }

// Err implements driver.Watched.
func (d *plainDriver) Err() error { return errors.New("it crashed") }

// Close implements driver.Driver.
func (d *plainDriver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended {
		d.ended = true
		close(d.done)
	}
	return nil
}
