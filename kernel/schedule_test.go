package kernel_test

import (
	"testing"
	"time"

	"matrixos/kernel"
)

func TestNextOccurrence(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	now := time.Date(2026, 11, 23, 12, 30, 0, 0, zone) // a Monday
	for _, c := range []struct{ every, want string }{
		{"hour", "2026-11-23T13:00:00+01:00"},
		{"day 08:00", "2026-11-24T08:00:00+01:00"},
		{"day 18:00", "2026-11-23T18:00:00+01:00"},
		{"week mon 09:00", "2026-11-30T09:00:00+01:00"},
		{"week mon 13:00", "2026-11-23T13:00:00+01:00"},
		{"week fri 07:15", "2026-11-27T07:15:00+01:00"},
		{"month 1 09:00", "2026-12-01T09:00:00+01:00"},
		{"month 31 09:00", "2026-12-31T09:00:00+01:00"},
	} {
		got, ok := kernel.Job{Every: c.every}.Next(now)
		if !ok || got.Format(time.RFC3339) != c.want {
			t.Errorf("%s: %s %v, want %s", c.every, got.Format(time.RFC3339), ok, c.want)
		}
	}
	for _, bad := range []string{"day", "day 25:00", "week xyz 09:00", "month 0 09:00", "month 32 09:00", "yearly", "day 8", ""} {
		if err := (kernel.Job{Message: "x", Every: bad}).Check(); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	// Summer time: every day at 08:00 stays at 08:00.
	spring := time.Date(2026, 3, 28, 12, 0, 0, 0, zone)
	if got, _ := (kernel.Job{Every: "day 08:00"}).Next(spring); got.Format(time.RFC3339) != "2026-03-29T08:00:00+02:00" {
		t.Errorf("over the change of clocks: %s", got)
	}
}

func TestProgramFiles(t *testing.T) {
	p, err := kernel.ParseProgram("x", []byte("---\nname: x\ndescription: d\ntools: [Read, Write]\nwrites: apps/, data/\n---\n\nDo it.\n"))
	if err != nil || len(p.Tools) != 2 || len(p.Writes) != 2 || p.Prompt != "Do it." || p.Budget.USD != 5 {
		t.Errorf("%+v %v", p, err)
	}
	for name, text := range map[string]string{
		"no front matter": "Do it.", "unended": "---\nname: x\n", "no description": "---\nname: x\n---\n",
		"not yaml": "---\n: : :\n---\n", "negative": "---\ndescription: d\nbudget: -1\n---\n",
	} {
		if _, err := kernel.ParseProgram("x", []byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
