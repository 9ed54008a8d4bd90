package main

import (
	"bytes"
	"testing"

	"matrixos/sys"
)

func TestScrubIsShown(t *testing.T) {
	for _, c := range []struct {
		problems []sys.ScrubProblem
		want     string
	}{
		{nil, "everything is as it should be: 1.5 KB read, 3 objects, 1 live file, 2 landings\n"},
		{
			[]sys.ScrubProblem{{What: "live file", Path: "a.txt", Landing: 4, Fixed: true, How: "restored"}, {What: "object", Object: "12ab", How: "no copy"}},
			"restored  live file a.txt (L4): restored\ndamaged  object 12ab: no copy\n1 of 2 damaged places could not be restored: 1.5 KB read, 3 objects, 1 live file, 2 landings\n",
		},
	} {
		var out bytes.Buffer
		p := newProgram(nil, &out, &out, func(string) string { return "" })
		if err := p.showScrub(sys.ScrubReport{Objects: 3, Files: 1, Landings: 2, Bytes: 1500, Problems: c.problems}); err != nil || out.String() != c.want {
			t.Errorf("it says %q, %v", out.String(), err)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1234: "1.2 KB", 45_600_000: "46 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d bytes are %q", n, got)
		}
	}
}
