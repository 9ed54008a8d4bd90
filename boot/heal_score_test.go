package boot

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"matrixos/heal"
	"matrixos/sys"
)

// score counts what became of the faults of one app.
type score struct {
	Structural, Semantic tally
}

type tally struct {
	Planted, Invalid, Detected, Localised, Repaired, Asked, Lost, Wrong int
	Millis                                                              []int64
}

func (t *tally) add(o tally) {
	t.Planted += o.Planted
	t.Invalid += o.Invalid
	t.Detected += o.Detected
	t.Localised += o.Localised
	t.Repaired += o.Repaired
	t.Asked += o.Asked
	t.Lost += o.Lost
	t.Wrong += o.Wrong
	t.Millis = append(t.Millis, o.Millis...)
}

func (b *bench) print() {
	var out strings.Builder
	head := "| app | planted | found | traced | mended | of these asked | later lost | wrong | p50 | p95 |\n|---|---|---|---|---|---|---|---|---|---|\n"
	for _, part := range []struct {
		title string
		of    func(*score) *tally
	}{{"Damaged files", func(s *score) *tally { return &s.Structural }}, {"Wrong changes", func(s *score) *tally { return &s.Semantic }}} {
		fmt.Fprintf(&out, "\n%s\n\n%s", part.title, head)
		var all tally
		for _, slug := range b.order {
			n := part.of(b.scores[slug])
			out.WriteString(n.row(string(slug)))
			all.add(*n)
		}
		out.WriteString(all.row("**all**"))
		out.WriteString(all.shares())
	}
	low, high := heal.Interval(b.alarms, b.green)
	fmt.Fprintf(&out, "\nFalse alarms: %d of %d runs of apps without a fault (95 %% interval %.2f to %.2f %%). %s.\n", b.alarms, b.green, 100*low, 100*high, time.Since(b.started).Round(time.Second))
	b.t.Log(out.String())
	if name := os.Getenv("MATRIXOS_HEAL_SCORES"); name != "" {
		raw, err := json.Marshal(kept{b.scores, b.order, b.green, b.alarms})
		if err == nil {
			err = os.WriteFile(name, raw, 0o644)
		}
		if err != nil {
			b.t.Error(err)
		}
	}
}

// kept is a score between runs.
type kept struct {
	Scores map[sys.Slug]*score
	Order  []sys.Slug
	Green  int
	Alarms int
}

// resume takes up the score of earlier runs.
func (b *bench) resume() {
	raw, err := os.ReadFile(os.Getenv("MATRIXOS_HEAL_SCORES"))
	if err != nil {
		return // there is none
	}
	var k kept
	if err := json.Unmarshal(raw, &k); err != nil {
		b.t.Fatal(err)
	}
	b.scores, b.order, b.green, b.alarms = k.Scores, k.Order, k.Green, k.Alarms
}

func (t *tally) row(name string) string {
	slices.Sort(t.Millis)
	at := func(q int) string {
		if len(t.Millis) == 0 {
			return "–"
		}
		return fmt.Sprintf("%.1f s", float64(t.Millis[min(len(t.Millis)-1, len(t.Millis)*q/100)])/1000)
	}
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %s | %s |\n", name, t.Planted, t.Detected, t.Localised, t.Repaired, t.Asked, t.Lost, t.Wrong, at(50), at(95))
}

func (t *tally) shares() string {
	share := func(what string, k, n int) string {
		low, high := heal.Interval(k, n)
		return fmt.Sprintf("%s %.1f %% (%.1f to %.1f, n = %d)", what, 100*float64(k)/float64(max(1, n)), 100*low, 100*high, n)
	}
	return "\n" + strings.Join([]string{share("Found", t.Detected, t.Planted), share("traced, of those found,", t.Localised, t.Detected), share("mended, of those found,", t.Repaired, t.Detected)}, "; ") + ".\n"
}
