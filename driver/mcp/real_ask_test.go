package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"matrixos/driver"
	"matrixos/driver/drivertest"
	"matrixos/sys"
)

// person is an owner who fills in a form, or does not, and whose model answers.
type person struct {
	shy   bool
	asked []driver.Question
	texts []driver.Sampling
}

func (p *person) Ask(_ context.Context, q driver.Question) (map[string]any, error) {
	p.asked = append(p.asked, q)
	if p.shy {
		return nil, errors.New("the owner does not say")
	}
	out := map[string]any{}
	for _, f := range q.Fields {
		switch {
		case f.Name == "name":
			out[f.Name] = "Ada Lovelace"
		case f.Type == "boolean":
			out[f.Name] = true
		}
	}
	return out, nil
}

func (p *person) Sample(_ context.Context, s driver.Sampling) (string, error) {
	p.texts = append(p.texts, s)
	return "a plum is a fruit", nil
}

// A real server's questions reach the owner, a no is told as one, and it may ask the
// model only where its file says so.
func TestARealServerAsks(t *testing.T) {
	dir, o := realServers(t), opener(t)
	for _, sampling := range []bool{false, true} {
		c := realConfig(t, dir, "everything", nil, nil)
		c.Sampling = sampling
		r := driver.NewRack(driver.Options{Pins: &drivertest.Pins{}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
		defer r.Close()
		r.Use([]driver.Entry{o.Entry(c)})
		call := func(tool string, args any, h driver.Host) (driver.Result, error) {
			offer, err := r.Find(t.Context(), "mcp__everything__"+tool)
			if err != nil {
				return driver.Result{}, err
			}
			raw, err := json.Marshal(args)
			if err != nil {
				t.Fatal(err)
			}
			return r.Call(t.Context(), offer, raw, h)
		}
		owner, shy := &person{}, &person{shy: true}
		res, err := call("trigger-elicitation-request", map[string]any{}, owner)
		if err != nil || res.Failed || !strings.Contains(res.Text, "Ada Lovelace") || len(owner.asked) != 1 || len(owner.asked[0].Fields) < 5 {
			t.Fatalf("asked %+v: %.500s %v", owner.asked, res.Text, err)
		}
		res, err = call("trigger-elicitation-request", map[string]any{}, shy)
		if err != nil || strings.Contains(res.Text, "Ada") || !strings.Contains(res.Text, "declined") {
			t.Errorf("a no: %.500s %v", res.Text, err)
		}
		res, err = call("trigger-sampling-request", map[string]any{"prompt": "what is a plum?", "maxTokens": 40}, owner)
		if !sampling {
			if !errors.Is(err, sys.NotFound) || len(owner.texts) != 0 {
				t.Errorf("it may ask the model without leave: %.500s %v", res.Text, err)
			}
			continue
		}
		if err != nil || !strings.Contains(res.Text, "a plum is a fruit") || len(owner.texts) != 1 || owner.texts[0].MaxTokens != 40 || !strings.Contains(owner.texts[0].Text, "what is a plum?") {
			t.Errorf("the model was asked %+v: %.500s %v", owner.texts, res.Text, err)
		}
	}
}
