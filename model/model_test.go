package model_test

import (
	"encoding/json"
	"math"
	"testing"

	"matrixos/model"
	"matrixos/sys"
)

func TestPrice(t *testing.T) {
	for _, c := range []struct {
		id    string
		cost  sys.Cost
		usd   float64
		known bool
	}{
		{"claude-opus-4-6", sys.Cost{Input: 1e6}, 5, true},
		{"claude-opus-5-5", sys.Cost{CacheRead: 1e6}, 0.20, true},
		{"claude-sonnet-4-6", sys.Cost{CacheWrite: 1e6}, 3.75, true},
		{"claude-haiku-4-5-20251001", sys.Cost{Output: 2e6}, 10, true},
		{"anthropic/claude-haiku-4-5", sys.Cost{Input: 1e6, Output: 1e6}, 6, true},
		{"claude-haiku-4-5-latest1", sys.Cost{Input: 1e6}, 0, false},
		{"claude-haiku-4", sys.Cost{Input: 1e6}, 0, false},
		{"", sys.Cost{Input: 1e6}, 0, false},
	} {
		usd, known := model.Price(c.id, c.cost)
		if math.Abs(usd-c.usd) > 1e-9 || known != c.known {
			t.Errorf("Price(%q, %+v) = %v, %v; want %v, %v", c.id, c.cost, usd, known, c.usd, c.known)
		}
	}
}

func TestFactsArePlausible(t *testing.T) {
	for _, id := range []string{
		"claude-opus-5-5", "claude-sonnet-5-5", "claude-opus-5", "claude-opus-4-8", "claude-opus-4-7",
		"claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5",
	} {
		f, ok := model.Lookup(id)
		if !ok {
			t.Errorf("%s is not listed", id)
			continue
		}
		if !(f.Read < f.Input && f.Input < f.Write5m && f.Write5m < f.Write1h && f.Write1h < f.Output) {
			t.Errorf("%s: prices are out of order: %+v", id, f)
		}
		if f.MaxOutput <= 0 || f.Context <= f.MaxOutput {
			t.Errorf("%s: limits are off: %+v", id, f)
		}
		if (len(f.Betas) > 0) != (id == "claude-opus-4-6") {
			t.Errorf("%s: betas = %v; only Opus 4.6 needs one", id, f.Betas)
		}
	}
}

func TestArguments(t *testing.T) {
	for text, want := range map[string]string{
		"":                          `{}`,
		"  \n":                      `{}`,
		"null":                      `{}`,
		`{"a": 1}`:                  `{"a": 1}`,
		" {\"a\":1}\n":              `{"a":1}`,
		`"{\"a\":1}"`:               `{"a":1}`,
		`{"a":`:                     `"{\"a\":"`,
		`[1]`:                       `"[1]"`,
		`"hello"`:                   `"\"hello\""`,
		"{\"a\":1} and more\xff":    `"{\"a\":1} and more\ufffd"`,
		`{"file_path":"x"}{"b": 1}`: `"{\"file_path\":\"x\"}{\"b\": 1}"`,
	} {
		if got := string(model.Arguments(text)); got != want {
			t.Errorf("Arguments(%q) = %s, want %s", text, got, want)
		}
	}
	if text, bad := model.Malformed(model.Arguments(`{"a":`)); !bad || text != `{"a":` {
		t.Errorf("Malformed = %q, %v; want what the model wrote", text, bad)
	}
}

func FuzzArguments(f *testing.F) {
	for _, s := range []string{"", "{}", `{"a":1}`, `"{}"`, `{"a`, "\xff", "null", `"\ud800"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw := model.Arguments(text)
		if !json.Valid(raw) {
			t.Fatalf("Arguments(%q) = %s, which cannot be stored", text, raw)
		}
		if _, bad := model.Malformed(raw); !bad && !model.IsObject(raw) {
			t.Fatalf("Arguments(%q) = %s counts as well-formed", text, raw)
		}
		if model.IsObject([]byte(text)) {
			if _, bad := model.Malformed(raw); bad {
				t.Fatalf("Arguments(%q) = %s, although it is an object", text, raw)
			}
		}
	})
}
