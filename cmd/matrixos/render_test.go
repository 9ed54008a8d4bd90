package main

import (
	"bytes"
	"errors"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"matrixos/sys"
)

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.Local)
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", 3 * time.Second: "just now", 40 * time.Second: "40 s ago", 119 * time.Second: "1 min ago",
		3 * time.Hour: "3 h ago", 30 * time.Hour: "yesterday", 72 * time.Hour: "3 days ago", 60 * 24 * time.Hour: "24 Sep",
		400 * 24 * time.Hour: "19 Oct 2025",
	} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := ago(time.Time{}, now); got != "never" {
		t.Errorf("zero: %q", got)
	}
}

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{
		12 * time.Millisecond: "12 ms", 2100 * time.Millisecond: "2.1 s", 125 * time.Second: "2 min 5 s", 61 * time.Minute: "1 h 1 min",
	} {
		if got := took(d); got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
}

func TestPrice(t *testing.T) {
	for want, c := range map[string]sys.Cost{
		"free": {}, "30 tokens": {Input: 10, Output: 20}, "less than $0.01": {Input: 1, USD: 0.004}, "$0.32": {Input: 1, USD: 0.32}, "about $1.00": {USD: 1, Estimated: true},
	} {
		if got := price(c); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
}

// What others wrote is shown on the terminal and never obeyed by it.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[31mred", "\x1b]0;title\x07", "a\rb", "\u202egnp.exe", "\u009b31m", "tab\tline\n", "grüße 漢字"} {
		f.Add(s, 10)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		for _, r := range printable(s) {
			if r != '\n' && r != '\t' && (r < 0x20 || r >= 0x7f && r < 0xa0) {
				t.Fatalf("%q passes %q", s, r)
			}
		}
		width = 1 + (width&0x7fffffff)%200
		if n := len([]rune(oneLine(s, width))); n > width {
			t.Fatalf("%d characters in a line of %d", n, width)
		}
	})
}

func TestNotes(t *testing.T) {
	var out bytes.Buffer
	p := newProgram(nil, nil, &out, func(string) string { return "" })
	log := p.logger(slog.LevelWarn)
	log.Info("not shown")
	log.With("part", "app").WithGroup("g").Warn("apps cannot be \x1b[1mcompiled", "n", 2,
		"error", &sys.Error{Op: "load", Kind: sys.NotFound, Err: errors.New("no file"), Hint: "build it"})
	got := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d`).ReplaceAllString(out.String(), "TIME")
	want := "TIME apps cannot be [1mcompiled  part=app  g.n=2: load: no file\n         Build it.\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
