package boot

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
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
	Millis                                                              []int64 // from when it was noticed to the repair
	Looks                                                               []int64 // from the beginning of the look to when it was noticed
}

// healthy counts what was tried of apps without a fault.
type healthy struct {
	Contracts int // whole ones
	Alarms    int // of these, that found something, twice in a row as the product asks for
	Scenarios int
	Slips     int // of these, that failed once
}

// sound tries an app without a fault, again and again.
func (b *bench) sound(a *subject, view fs.FS) {
	b.t.Helper()
	times := 2
	if s := os.Getenv("MATRIXOS_HEAL_SOUND"); s != "" {
		var err error
		if times, err = strconv.Atoi(s); err != nil {
			b.t.Fatal(err)
		}
	}
	ctx := b.t.Context()
	t, err := b.s.apps.runtime.Try(ctx, view, a.folder)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() {
		if err := t.Close(); err != nil {
			b.t.Error(err)
		}
	}()
	for range times {
		b.healthy.Contracts++
		rs, err := b.s.apps.promise.browser.First(ctx, t)
		if err != nil {
			b.t.Fatal(err)
		}
		b.healthy.Scenarios += len(rs)
		once := sys.ContractReport{Scenarios: rs}
		if once.Settled() {
			continue
		}
		b.healthy.Slips++
		b.t.Logf("%s: failed once: %s", a.slug, once.Text())
		r, err := b.s.apps.promise.check(ctx, view, a.folder)
		if err != nil {
			b.t.Fatal(err)
		}
		if !r.Green {
			b.healthy.Alarms++
			b.t.Logf("%s: a false alarm: %s", a.slug, r.Text())
		}
	}
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
	t.Millis, t.Looks = append(t.Millis, o.Millis...), append(t.Looks, o.Looks...)
}

func (b *bench) print() {
	var out strings.Builder
	head := "| app | planted | found | traced | mended | of these asked | later lost | wrong | looked p50 | mended p50 | mended p95 |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
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
	of := func(what string, k, n int) string {
		_, high := heal.Interval(k, n)
		return fmt.Sprintf("%d of %d %s (95 %% sure: under %.2f %%)", k, n, what, 100*high)
	}
	fmt.Fprintf(&out, "\nApps without a fault: %s were false alarms; %s failed once. %s.\n", of("runs of whole contracts", b.healthy.Alarms, b.healthy.Contracts), of("scenarios", b.healthy.Slips, b.healthy.Scenarios), time.Since(b.started).Round(time.Second))
	b.t.Log(out.String())
	if name := os.Getenv("MATRIXOS_HEAL_SCORES"); name != "" {
		raw, err := json.Marshal(kept{b.scores, b.order, b.healthy})
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
	Scores  map[sys.Slug]*score
	Order   []sys.Slug
	Healthy healthy
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
	b.scores, b.order, b.healthy = k.Scores, k.Order, k.Healthy
}

func (t *tally) row(name string) string {
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %s | %s | %s |\n", name, t.Planted, t.Detected, t.Localised, t.Repaired, t.Asked, t.Lost, t.Wrong, quantile(t.Looks, 50), quantile(t.Millis, 50), quantile(t.Millis, 95))
}

// quantile is one of some times, in seconds.
func quantile(millis []int64, percent int) string {
	if len(millis) == 0 {
		return "–"
	}
	all := slices.Sorted(slices.Values(millis))
	nearest := (len(all)*percent + 99) / 100 // the least rank that so many are not above
	return fmt.Sprintf("%.1f s", float64(all[max(nearest, 1)-1])/1000)
}

func (t *tally) shares() string {
	share := func(what string, k, n int) string {
		low, high := heal.Interval(k, n)
		return fmt.Sprintf("%s %.1f %% (%.1f to %.1f, n = %d)", what, 100*float64(k)/float64(max(1, n)), 100*low, 100*high, n)
	}
	return "\n" + strings.Join([]string{share("Found", t.Detected, t.Planted), share("traced, of those found,", t.Localised, t.Detected), share("mended, of those found,", t.Repaired, t.Detected)}, "; ") + ".\n"
}
