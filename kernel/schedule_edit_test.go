package kernel_test

import (
	"errors"
	"testing"
	"time"

	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

// What the owner does to the schedule by hand is a landing each, and a run by
// hand leaves the times of the job as they are.
func TestOwnerEditsTheSchedule(t *testing.T) {
	c := clockAt("2026-11-25T07:00:00Z")
	m := machine.StartWith(t, t.TempDir(), planner(idle), machine.Options{Once: true, Now: c.now, Settings: berlin})
	defer m.Close()
	ctx := t.Context()
	for _, bad := range []kernel.Job{{}, {Message: "x"}, {Message: "x", Ask: "y", Every: "hour"}, {Message: "x", At: c.now().Add(-time.Hour)}} {
		if s, err := m.Kernel.AddJob(ctx, bad); !errors.Is(err, sys.Invalid) {
			t.Errorf("%+v: %+v %v", bad, s, err)
		}
	}
	r, err := m.Kernel.AddJob(ctx, kernel.Job{Message: "Water the plants", Every: "day 09:00"})
	if err != nil || r.Name != "Water the plants" || !r.Next.Equal(time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v %v", r, err)
	}
	a, err := m.Kernel.AddJob(ctx, kernel.Job{Ask: "Sum up", Cron: "0 12 * * *"})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := m.Kernel.RunJob(ctx, r.ID); err != nil || s.Result != kernel.ResultTold || notices(t, m, "Water the plants") != 1 || !s.Next.Equal(r.Next) {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := m.Kernel.RunJob(ctx, a.ID); err != nil {
		t.Error(err)
	}
	untilJob(t, m, a.ID, func(s kernel.JobStatus) bool { return s.Result == kernel.ResultOK && s.Next.Equal(a.Next) })
	if err := m.Kernel.RemoveJob(ctx, r.ID); err != nil {
		t.Error(err)
	}
	if _, err := m.Kernel.RunJob(ctx, r.ID); !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
	if list, err := m.Kernel.Jobs(ctx); err != nil || len(list) != 1 || list[0].ID != a.ID {
		t.Errorf("%+v %v", list, err)
	}
	agents, err := m.Kernel.Agents(ctx)
	if err != nil || len(agents) == 0 || agents[0].Made.By != kernel.MadeShipped {
		t.Errorf("%+v %v", agents, err)
	}
}
