// Package drivertest is the judge of drivers: what every adapter of package driver
// has to do, and has to survive, played through a Rack as the kernel has it.
//
// An adapter's test makes an Entry for a Scenario: whatever the adapter attaches, it
// has the tools that the scenario lists and behaves as their names say.
package drivertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/driver"
	"matrixos/sys"
)

// Scenario is what the attached thing does. A tool's name says how it behaves:
//
//	echo    answers with its argument text
//	fail    fails, and says “it failed”
//	hang    never answers
//	crash   ends the attached thing without an answer
//	flood   answers with more than anybody can use
//	change  makes Later the list of tools, says so, and answers “changed”
//	shape   answers with data {"n": "many"}
//	ask     asks the owner for a string “colour”, and answers with it, or “no answer”
//
// Any other answers “ok”.
type Scenario struct {
	Tools []driver.Tool
	Later []driver.Tool
}

// Maker makes an Entry named "test" for a scenario.
type Maker func(t *testing.T, s Scenario) driver.Entry

// Object is the schema of arguments with a text.
var Object = json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"}}}`)

// Tool is a plain tool.
func Tool(name string) driver.Tool {
	return driver.Tool{Name: name, Description: "It is " + name + ".", Schema: Object}
}

// Tools are plain tools.
func Tools(names ...string) (out []driver.Tool) {
	for _, n := range names {
		out = append(out, Tool(n))
	}
	return out
}

// rig is a rack with one driver.
type rig struct {
	*driver.Rack
	t    *testing.T
	pins *Pins
	mu   sync.Mutex
	told []sys.DriverData
	now  time.Time
}

func boot(t *testing.T, e driver.Entry) *rig {
	t.Helper()
	r := &rig{t: t, pins: &Pins{}, now: time.Now()}
	r.Rack = driver.NewRack(driver.Options{
		Pins: r.pins, Reserved: []string{"Read", "ask_owner"}, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return r.now },
		Tell: func(d sys.DriverData) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told = append(r.told, d)
		},
	})
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	r.Use([]driver.Entry{e})
	return r
}

// pass lets time pass for the rack.
func (r *rig) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

// call calls a tool of the driver.
func (r *rig) call(ctx context.Context, tool, args string) (driver.Result, error) {
	o, err := r.Find(ctx, driver.FullName("test", tool))
	if err != nil {
		return driver.Result{}, err
	}
	return r.Call(ctx, o, json.RawMessage(args), &Host{})
}

// known waits until the driver's tools are known.
func (r *rig) known() sys.DriverInfo {
	r.t.Helper()
	_, _ = r.Find(r.t.Context(), driver.FullName("test", "echo"))
	i, err := r.Info("test")
	if err != nil {
		r.t.Fatal(err)
	}
	return i
}

// until waits for something that comes by itself.
func (r *rig) until(what string, ok func(sys.DriverInfo) bool) sys.DriverInfo {
	r.t.Helper()
	for range 2000 {
		i, err := r.Info("test")
		if err != nil {
			r.t.Fatal(err)
		}
		if ok(i) {
			return i
		}
		time.Sleep(10 * time.Millisecond)
	}
	i, _ := r.Info("test")
	r.t.Fatalf("waited in vain until %s: %+v", what, i)
	return i
}

// Host is a driver.Host that answers for the owner: Colour to every field, and no
// if that is empty.
type Host struct {
	Colour string
	Asked  []driver.Question
}

// Ask implements driver.Host.
func (h *Host) Ask(_ context.Context, q driver.Question) (map[string]any, error) {
	h.Asked = append(h.Asked, q)
	if h.Colour == "" {
		return nil, errors.New("the owner does not answer")
	}
	out := map[string]any{}
	for _, f := range q.Fields {
		out[f.Name] = h.Colour
	}
	return out, nil
}

// Sample implements driver.Host.
func (*Host) Sample(_ context.Context, s driver.Sampling) (string, error) {
	return "I was asked: " + s.Text, nil
}

// Pins keeps pins in memory.
type Pins struct {
	mu      sync.Mutex
	pins    map[string]driver.Pinned
	ByOwner int // how many the owner has approved
}

// Pinned implements driver.Pins.
func (p *Pins) Pinned(server string) (driver.Pinned, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	got, ok := p.pins[server]
	return got, ok, nil
}

// Pin implements driver.Pins.
func (p *Pins) Pin(_ context.Context, server string, now driver.Pinned, byOwner bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pins == nil {
		p.pins = map[string]driver.Pinned{}
	}
	p.pins[server] = now
	if byOwner {
		p.ByOwner++
	}
	return nil
}

// Answer is what a tool of a scenario answers at once, for attached things that are
// made for a test; ok is false for what is not an answer but a deed.
func Answer(tool string, args json.RawMessage) (r driver.Result, ok bool) {
	var in struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(args, &in); err != nil {
		return driver.Result{Text: err.Error(), Failed: true}, true
	}
	switch tool {
	case "echo":
		return driver.Result{Text: in.Text}, true
	case "fail":
		return driver.Result{Text: "it failed", Failed: true}, true
	case "shape":
		return driver.Result{Text: "many", Data: json.RawMessage(`{"n":"many"}`)}, true
	case "hang", "crash", "flood", "change", "ask":
		return driver.Result{}, false
	}
	return driver.Result{Text: "ok"}, true
}

func wantText(t *testing.T, r driver.Result, err error, want string) {
	t.Helper()
	if err != nil || r.Failed || !strings.Contains(r.Text, want) {
		t.Fatalf("got %s %v, want %q", fmt.Sprintf("%.200q failed %v", r.Text, r.Failed), err, want)
	}
}

func wantKind(t *testing.T, err error, kind sys.Kind) {
	t.Helper()
	if !errors.Is(err, kind) || sys.HintOf(err) == "" {
		t.Fatalf("got %v, want one of kind %q that says what to do", err, kind)
	}
}
