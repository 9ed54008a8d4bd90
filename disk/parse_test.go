package disk

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"matrixos/disk/git"
	"matrixos/sys"
)

func sampleRedo() redo {
	blob := git.NewObject(git.Blob, []byte("content"))
	return redo{
		commit: git.Hash{1}, live: true, outside: []git.Hash{{9}}, objects: []git.Object{blob},
		changes: []change{{"a/b", git.Node{}, git.Node{Mode: git.File, Hash: blob.Hash}}, {"c", git.Node{Mode: git.Symlink, Hash: git.Hash{3}}, git.Node{}}},
	}
}

func TestRedoRoundTrip(t *testing.T) {
	want := sampleRedo()
	raw := want.encode()
	got, err := decodeRedo(raw)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got %v, %v\nwant %v", got, err, want)
	}
	for i := range raw { // any one damaged byte is noticed
		bad := append([]byte(nil), raw...)
		bad[i] ^= 0x40
		if _, err := decodeRedo(bad); err == nil {
			t.Errorf("damage at %d passes", i)
		}
	}
	for i := range raw {
		if _, err := decodeRedo(raw[:i]); err == nil {
			t.Errorf("a record cut off at %d passes", i)
		}
	}
}

func FuzzDecodeRedo(f *testing.F) {
	f.Add(sampleRedo().encode())
	f.Add(redo{}.encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		// A fuzzer does not find checksums: give it one.
		if r, err := decodeRedo(withChecksum(raw)); err == nil {
			again, err := decodeRedo(r.encode())
			if err != nil || fmt.Sprint(again) != fmt.Sprint(r) {
				t.Fatalf("%v does not survive: %v %v", r, again, err)
			}
		}
	})
}

func TestTrailersRoundTrip(t *testing.T) {
	d := &Disk{owner: "Ada <ada@example.org>"}
	word := rapid.StringMatching(`[a-zäß0-9:\-\.]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Int64Range(0, 1<<40)
		want := sys.LandingInfo{
			ID: sys.LandingID(number.Draw(t, "id") + 1), Kind: rapid.SampledFrom([]sys.LandingKind{sys.ByAgent, sys.ByOwner, sys.ByUndo}).Draw(t, "kind"),
			Title: git.OneLine(rapid.String().Draw(t, "title")), Time: time.Unix(number.Draw(t, "time"), 0).UTC(),
			Provenance: sys.Provenance{
				Process: sys.PID(number.Draw(t, "process")), Parent: sys.PID(number.Draw(t, "parent")), Program: sys.Program(word.Draw(t, "program")),
				Request: sys.RequestID(word.Draw(t, "request")), Conversation: sys.Conversation(word.Draw(t, "conversation")), Model: word.Draw(t, "model"),
				Cost:     sys.Cost{Input: number.Draw(t, "input"), Output: number.Draw(t, "output"), CacheRead: number.Draw(t, "read"), CacheWrite: number.Draw(t, "write"), USD: float64(number.Draw(t, "usd")) / 1e6, Estimated: rapid.Bool().Draw(t, "estimated")},
				Label:    sys.Label{Integrity: sys.Integrity(rapid.IntRange(0, 2).Draw(t, "integrity")), Confidentiality: sys.Confidentiality(rapid.IntRange(0, 2).Draw(t, "confidentiality"))},
				Verified: word.Draw(t, "verified"), Undoes: sys.LandingID(number.Draw(t, "undoes")),
			},
		}
		commit := git.EncodeCommit(d.message(want, decision{base: 3, merged: []string{"a b"}, stale: []string{"c"}}, git.Hash{1}, git.Hash{2}))
		h, err := git.ParseCommit(commit.Data)
		if err != nil {
			t.Fatal(err)
		}
		got := parseMessage(commit.Hash, h)
		want.Commit = commit.Hash.String()
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Fatalf("got  %+v\nwant %+v\n%s", got, want, commit.Data)
		}
	})
}

func TestIgnore(t *testing.T) {
	ig := newIgnorer(notVersioned + "# a comment\n*.tmp\n!keep.tmp\n/top\nbuild/\nlogs/**/x.log\n[ab]?.bin\n\\#odd\n")
	for path, want := range map[string]bool{
		"data/notes/notes.sqlite": true, "data/notes/notes.sqlite-wal": true, "data/a/b/c.sqlite3": true, "data/x.sqlite": true,
		"data/notes/list.json": false, "notes.sqlite": false, "system/conversations/c.jsonl": true, "system/layout.json": true, "system/theme.json": false,
		"a/b/x.tmp": true, "a/keep.tmp": false, "top": true, "a/top": false, "a/build/x": true, "build": false,
		"logs/x.log": true, "logs/a/b/x.log": true, "logs/a/y.log": false, "a1.bin": true, "c1.bin": false, "#odd": true,
		".disk/kernel.db": true, ".DISK/x": true, "a/.git/config": true, ".git": true, ".gitignore": false,
		"apps/a/node_modules/x/y.js": true, "apps/a/.App.tsx.swp": true, "apps/a/.#x": true,
	} {
		if got := ig.match(path, false); got != want {
			t.Errorf("%s: ignored is %v", path, got)
		}
	}
	if !ig.match("build", true) {
		t.Error("the folder build is not ignored")
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add("*.tmp\n!x\n[a-\n**/y\n", "a/x.tmp")
	f.Fuzz(func(t *testing.T, patterns, path string) {
		ig := newIgnorer(patterns)
		if reserved(path) && !ig.match(path, false) {
			t.Fatal("a pattern opened the store")
		}
	})
}

func TestTitles(t *testing.T) {
	f := func(i byte) git.Node { return git.Node{Mode: git.File, Hash: git.Hash{i}} }
	none := git.Node{}
	for want, changes := range map[string][]change{
		"Edited apps/notes/src/App.tsx": {{"apps/notes/src/App.tsx", f(1), f(2)}},
		"Added a":                       {{"a", none, f(1)}},
		"Renamed a to b":                {{"a", f(1), none}, {"b", none, f(1)}},
		"Renamed z/b to a":              {{"a", none, f(1)}, {"z/b", f(1), none}},
		"Deleted 2 files in apps/notes": {{"apps/notes/a", f(1), none}, {"apps/notes/b/c", f(2), none}},
		"Changed 3 files in apps":       {{"apps/a/x", f(1), f(2)}, {"apps/b/x", f(1), f(3)}, {"apps/c", none, f(1)}},
		"Changed 2 files":               {{"a", f(1), f(2)}, {"b/c", f(1), f(3)}},
	} {
		if got := title(changes); got != want {
			t.Errorf("title is %q, want %q", got, want)
		}
	}
	if strings.Contains(git.OneLine("a\nDisk-Seq: 9"), "\n") {
		t.Error("a title can forge a trailer")
	}
}

func withChecksum(raw []byte) []byte {
	return binary.BigEndian.AppendUint32(slices.Clip(raw), crc32.ChecksumIEEE(raw))
}
