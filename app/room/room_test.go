package room_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"matrixos/app/room"
	"matrixos/sys"
)

const here = "!room:example.org"

// home is one member's copy of a room, as far as its entries have come.
type home struct {
	me    sys.Handle
	turns bool
	has   []room.Posted
}

func (h *home) state() room.State { return room.Replay(h.has, h.turns) }

func (h *home) write(kind room.Kind, key, value string) room.Posted {
	s := h.state()
	return h.post(room.Entry{V: room.Version, N: s.Next(h.me, 0), Kind: kind, Key: key, After: s.Head(kind, key), Value: value})
}

func (h *home) post(e room.Entry) room.Posted {
	p := room.Posted{Entry: e, ID: e.IDOf(here, h.me), By: h.me}
	h.has = append(h.has, p)
	return p
}

// shown is what an app would see, to be compared.
func shown(s room.State) string {
	var out []string
	say := func(what string, p room.Posted) {
		out = append(out, fmt.Sprint(what, " ", p.Key, " ", p.By, " ", p.Value, " ", p.ID))
	}
	for _, c := range s.Cells {
		say("cell", c.Posted)
		for _, l := range c.Lost {
			say("lost", l)
		}
	}
	for _, p := range s.Log {
		say("move", p)
	}
	for _, p := range s.Lost {
		say("beside", p)
	}
	for _, p := range s.Scores {
		say("score", p)
	}
	return strings.Join(append(out, fmt.Sprint(s.Waiting)), "\n")
}

// Whatever order entries come in and however often, all homes show the same. Members
// write while they have only a part of what the others wrote.
func TestAllHomesShowTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		turns := rapid.Bool().Draw(t, "turns")
		homes := []*home{{me: "@ann:a.example", turns: turns}, {me: "@ben:b.example", turns: turns}, {me: "@cy:c.example", turns: turns}}
		var all []room.Posted
		for range rapid.IntRange(1, 25).Draw(t, "writes") {
			h := homes[rapid.IntRange(0, len(homes)-1).Draw(t, "who")]
			for _, p := range all { // what has reached them
				if rapid.Bool().Draw(t, "came") {
					h.has = append(h.has, p)
				}
			}
			kind, key := room.Move, ""
			if rapid.Bool().Draw(t, "set") {
				kind, key = room.Set, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key")
			}
			all = append(all, h.write(kind, key, rapid.SampledFrom([]string{"1", `"x"`, "null"}).Draw(t, "value")))
		}
		want := shown(room.Replay(all, turns))
		for _, h := range homes {
			rest := append(slices.Clone(all), all[:rapid.IntRange(0, len(all)).Draw(t, "twice")]...)
			rand.New(rand.NewSource(rapid.Int64().Draw(t, "order"))).Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
			h.has = append(h.has, rest...)
			if got := shown(h.state()); got != want {
				t.Fatalf("%s shows\n%s\nand not\n%s", h.me, got, want)
			}
		}
	})
}

// Of what somebody signs twice for one place one counts, the same everywhere.
func TestTwoEntriesOfOneNumber(t *testing.T) {
	a := &home{me: "@ann:a.example"}
	one := a.post(room.Entry{V: 1, N: 1, Kind: room.Set, Key: "k", Value: "1"})
	two := a.post(room.Entry{V: 1, N: 1, Kind: room.Set, Key: "k", Value: "2"})
	first := shown(room.Replay([]room.Posted{one, two}, false))
	if other := shown(room.Replay([]room.Posted{two, one, two}, false)); other != first || strings.Contains(first, "lost") {
		t.Errorf("%s\n%s", first, other)
	}
}

// Devices of one author that have not met write entries of numbers of their own, until those
// are used up.
func TestDevicesTakeNumbersOfTheirOwn(t *testing.T) {
	const ann = "@ann:a.example"
	first := home{me: ann}
	var all []room.Posted
	for device := range 4 {
		apart := home{me: ann}
		for i := range 400 {
			all = append(all, apart.post(room.Entry{V: room.Version, N: apart.state().Next(ann, device), Kind: room.Set, Key: fmt.Sprint("k", device, ".", i), Value: "1"}))
		}
	}
	first.has = all
	// The 334 numbers of each other device are used up after that many, and then it takes
	// those that the first takes too.
	if got, want := len(first.state().Cells), 400+3*334; got != want {
		t.Errorf("%d of %d entries are there, not %d", got, len(all), want)
	}
	full := home{me: ann}
	for n := 1; n <= room.MostEntries; n++ {
		full.has = append(full.has, room.Posted{Entry: room.Entry{N: n, Kind: room.Set, Key: "k"}, By: ann, ID: room.ID(fmt.Sprint(n))})
	}
	if s := full.state(); s.Next(ann, 0) <= room.MostEntries || s.Next(ann, 3) <= room.MostEntries || s.Next("@ben:example.org", 0) != 1 {
		t.Errorf("a full room: %d, %d, %d", s.Next(ann, 0), s.Next(ann, 3), s.Next("@ben:example.org", 0))
	}
}

func TestOneOfTwoWritesCountsAndTheOtherIsTold(t *testing.T) {
	a, b := &home{me: "@ann:a.example"}, &home{me: "@ben:b.example"}
	b.has = append(b.has, a.write(room.Set, "milk", "1"))
	x, y := a.write(room.Set, "milk", "2"), b.write(room.Set, "milk", "3")
	a.has, b.has = append(a.has, y), append(b.has, x)
	s := a.state()
	if shown(s) != shown(b.state()) || len(s.Cells) != 1 || len(s.Cells[0].Lost) != 1 {
		t.Fatal(shown(s))
	}
	if kept := s.Cells[0].ID; kept != min(x.ID, y.ID) {
		t.Errorf("%s counts, of %s and %s", kept, x.ID, y.ID)
	}
	a.write(room.Set, "milk", "4") // has seen both
	if s = a.state(); s.Cells[0].Value != "4" || len(s.Cells[0].Lost) != 0 {
		t.Error(shown(s))
	}
	// Who wrote more often without the other counts.
	c, d := &home{me: "@ann:a.example"}, &home{me: "@ben:b.example"}
	c.write(room.Set, "k", "1")
	c.write(room.Set, "k", "2")
	d.write(room.Set, "k", "9")
	if s := room.Replay(append(c.has, d.has...), false); s.Cells[0].Value != "2" {
		t.Error(shown(s))
	}
}

func TestOfTwoMovesOneCounts(t *testing.T) {
	a, b := &home{me: "@ann:a.example", turns: true}, &home{me: "@ben:b.example", turns: true}
	x, y := a.write(room.Move, "", `"a"`), b.write(room.Move, "", `"b"`)
	s := room.Replay([]room.Posted{x, y}, true)
	if len(s.Log) != 1 || len(s.Lost) != 1 || s.Log[0].ID != min(x.ID, y.ID) {
		t.Fatal(shown(s))
	}
	// A move that was answered stays, whatever its author makes beside it.
	c, d := &home{me: "@ann:a.example", turns: true}, &home{me: "@ben:b.example", turns: true}
	first := c.write(room.Move, "", "1")
	d.has = append(d.has, first)
	answer := d.write(room.Move, "", "2")
	for n := range 20 {
		again := c.post(room.Entry{V: 1, N: 2 + n, Kind: room.Move, Value: fmt.Sprint(100 + n)})
		c.post(room.Entry{V: 1, N: 50 + n, Kind: room.Move, After: []room.ID{again.ID}, Value: "0"}) // nobody moves twice
	}
	if s := room.Replay(append(c.has, answer), true); len(s.Log) != 2 || s.Log[0].ID != first.ID {
		t.Error(shown(s))
	}
}

func TestScores(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	e := room.Entry{V: 1, N: 1, Kind: room.Score, Key: "points", Value: "512"}.Sign(here, "@ann:a.example", time.UnixMilli(5), key)
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	back, err := room.Parse(raw)
	if err != nil || !reflect.DeepEqual(back, e) || back.Genuine(here, "@ann:a.example") != nil {
		t.Fatal(back, err)
	}
	for what, forged := range map[string]func() error{
		"higher":           func() error { e := e; e.Value = "513"; return e.Genuine(here, "@ann:a.example") },
		"on another board": func() error { e := e; e.Key = "wins"; return e.Genuine(here, "@ann:a.example") },
		"by another":       func() error { return e.Genuine(here, "@ben:b.example") },
		"elsewhere":        func() error { return e.Genuine("!other:example.org", "@ann:a.example") },
		"later": func() error {
			e, p := e, *e.Proof
			p.At++
			e.Proof = &p
			return e.Genuine(here, "@ann:a.example")
		},
	} {
		if err := forged(); sys.KindOf(err) != sys.Refused {
			t.Errorf("%s: %v", what, err)
		}
	}
	list := []room.Posted{}
	for n, v := range []string{"7", "30", "-2"} {
		e := room.Entry{V: 1, N: n + 1, Kind: room.Score, Key: "points", Value: v}
		list = append(list, room.Posted{Entry: e, ID: e.IDOf(here, "@ann:a.example"), By: "@ann:a.example"})
	}
	if s := room.Replay(list, false); s.Scores[0].Value != "30" || s.Scores[2].Value != "-2" {
		t.Error(shown(s))
	}
}

func FuzzParse(f *testing.F) {
	good := `{"v":1,"n":1,"kind":"set","key":"a","value":"{\"done\":true}","os.matrix.once":"x"}`
	for _, s := range []string{
		good, `{"v":1,"n":2,"kind":"move","after":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],"value":"3"}`,
		`{"v":1,"n":1,"kind":"score","key":"b","value":"9","proof":{"at":1,"key":"x","sig":"y"}}`,
		`{"v":1,"n":1,"kind":"set","key":"a","value":"[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]"}`, `{"v":1,"n":1,"kind":"move","value":"1 2"}`, `[]`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := room.Parse(raw)
		if err != nil {
			if sys.KindOf(err) != sys.Invalid {
				t.Errorf("%v is no Invalid", err)
			}
			return
		}
		if len(e.Value) > room.MostValue || !json.Valid([]byte(e.Value)) || e.N < 1 || e.N > room.MostEntries || len(e.Key) > room.MostKey {
			t.Errorf("it passes: %+v", e)
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := room.Parse(out)
		if err != nil || again.IDOf(here, "@a:b") != e.IDOf(here, "@a:b") {
			t.Errorf("%s becomes %s, %v", raw, out, err)
		}
		_ = e.Genuine(here, "@a:b")
		room.Replay([]room.Posted{{Entry: e, ID: e.IDOf(here, "@a:b"), By: "@a:b"}}, true)
	})
}

// What the limits leave out.
func TestParseRefuses(t *testing.T) {
	for _, c := range []string{
		`{"v":2,"n":1,"kind":"move","value":"1"}`, `{"v":1,"n":0,"kind":"move","value":"1"}`, `{"v":1,"n":10001,"kind":"move","value":"1"}`,
		`{"v":1,"n":1,"kind":"drop","value":"1"}`, `{"v":1,"n":1,"kind":"move","key":"k","value":"1"}`, `{"v":1,"n":1,"kind":"set","value":"1"}`,
		`{"v":1,"n":1,"kind":"move","value":""}`, `{"v":1,"n":1,"kind":"move","value":"{"}`, `{"v":1,"n":1,"kind":"set","key":"a\u202eb","value":"1"}`,
		`{"v":1,"n":1,"kind":"set","key":"a","value":"\"` + strings.Repeat("x", room.MostValue) + `\""}`,
		`{"v":1,"n":1,"kind":"move","after":["short"],"value":"1"}`,
		`{"v":1,"n":1,"kind":"move","after":["BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],"value":"1"}`,
		`{"v":1,"n":1,"kind":"move","value":"1","proof":{"at":1,"key":"","sig":""}}`, `{"v":1,"n":1,"kind":"score","key":"b","value":"1"}`,
		`{"v":1,"n":1,"kind":"score","key":"b","value":"1.5","proof":{"at":1,"key":"","sig":""}}`,
		`{"v":1,"n":1,"kind":"score","key":"b","value":"99999999999999999","proof":{"at":1,"key":"","sig":""}}`,
		`{"v":1,"n":1,"kind":"move","value":"1","more":"` + strings.Repeat("x", 20<<10) + `"}`,
	} {
		if e, err := room.Parse([]byte(c)); sys.KindOf(err) != sys.Invalid {
			t.Errorf("%.90s: %+v, %v", c, e, err)
		}
	}
}
