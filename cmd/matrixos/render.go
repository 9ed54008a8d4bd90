package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"matrixos/sys"
)

// ago says how long since t is, as people do.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	switch {
	case d < 0, d < 10*time.Second:
		return "just now"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s ago"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min ago"
	case d < 24*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h ago"
	case d < 48*time.Hour:
		return "yesterday"
	case d < 30*24*time.Hour:
		return strconv.Itoa(int(d.Hours()/24)) + " days ago"
	case t.Year() == now.Year():
		return t.Local().Format("2 Jan")
	}
	return t.Local().Format("2 Jan 2006")
}

// took says how long something took.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// price says what model requests have cost.
func price(c sys.Cost) string {
	tokens := c.Input + c.Output + c.CacheRead + c.CacheWrite
	switch {
	case tokens == 0 && c.USD == 0:
		return "free"
	case c.USD == 0:
		return count(int(tokens), "token")
	case c.USD < 0.01:
		return "less than $0.01"
	}
	s := "$" + strconv.FormatFloat(c.USD, 'f', 2, 64)
	if c.Estimated {
		s = "about " + s
	}
	return s
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "s") {
		noun += "e"
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// oneLine makes text fit into one line of at most width characters. Control
// characters, which could act on a terminal, are left out.
func oneLine(text string, width int) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = printable(text)
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	r := []rune(text)
	return strings.TrimRight(string(r[:width-1]), " ") + "…"
}

// printable drops what could move the cursor or change the terminal: what a
// model or an app wrote is shown, never obeyed.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20, r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, text)
}

// table writes aligned columns.
func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, r := range rows {
		if _, err := fmt.Fprintln(t, strings.TrimRight(strings.Join(r, "\t"), "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}

// who says who made a landing.
func who(l sys.LandingInfo) string {
	switch l.Kind {
	case sys.ByOwner:
		return "you"
	case sys.ByAgent:
		if l.Provenance.Program != "" {
			return string(l.Provenance.Program)
		}
		return "agent"
	case sys.ByUndo, sys.ByHealer, sys.BySystem, sys.ByMerge:
		return string(l.Kind)
	}
	return string(l.Kind)
}

// verified names the level of a check for people.
func verified(level string) string {
	switch level {
	case "static":
		return "compiles, schema valid (static)"
	case "browser":
		return "ran in a browser"
	}
	return level
}
