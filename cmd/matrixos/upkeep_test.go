package main

import (
	"bytes"
	"strings"
	"testing"

	"matrixos/sys"
)

func TestQuotasAreShown(t *testing.T) {
	var out bytes.Buffer
	p := newProgram(nil, &out, &out, func(string) string { return "" })
	r := sys.SpaceReport{Home: 1000, Quotas: []sys.QuotaUse{{App: "notes", Used: 1_200_000, Limit: 1_000_000}, {Used: 500, Limit: 1000}}, QuotaProblem: "quota.home is odd"}
	if err := p.showSpace(r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"App notes     1.2 MB of the 1.0 MB allowed, 120 %; nothing more is taken", "All together  500 B of the 1.0 KB allowed, 50 %\n", "Limits        quota.home is odd; the last ones hold",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
}

func TestScrubIsShown(t *testing.T) {
	for _, c := range []struct {
		problems []sys.ScrubProblem
		want     string
	}{
		{nil, "everything is as it should be: 1.5 KB read, 3 objects, 1 live file, 2 landings, 2 databases, 0 kept versions of them\n"},
		{
			[]sys.ScrubProblem{{What: "live file", Path: "a.txt", Landing: 4, Fixed: true, How: "restored"}, {What: "object", Object: "12ab", How: "no copy"}},
			"restored  live file a.txt (L4): restored\ndamaged  object 12ab: no copy\n1 of 2 damaged places could not be restored: 1.5 KB read, 3 objects, 1 live file, 2 landings, 2 databases, 0 kept versions of them\n",
		},
	} {
		var out bytes.Buffer
		p := newProgram(nil, &out, &out, func(string) string { return "" })
		if err := p.showScrub(sys.ScrubReport{Objects: 3, Files: 1, Landings: 2, Databases: 2, Bytes: 1500, Problems: c.problems}); err != nil || out.String() != c.want {
			t.Errorf("it says %q, %v", out.String(), err)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1234: "1.2 KB", 45_600_000: "46 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d bytes are %q", n, got)
		}
	}
}
