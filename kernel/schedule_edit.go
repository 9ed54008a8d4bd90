package kernel

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"matrixos/disk"
	"matrixos/sys"
)

// AddJob puts a job of the owner's on the schedule, as a landing. Its id and the
// time of its making are the kernel's; a missing name is what the job says.
func (k *Kernel) AddJob(ctx context.Context, j Job) (JobStatus, error) {
	j.ID, j.Created = uuid.NewString()[:8], k.now()
	if j.Name = cmp.Or(j.Name, firstLine(cmp.Or(j.Message, j.Ask))); len([]rune(j.Name)) > 80 {
		j.Name = string([]rune(j.Name)[:79]) + "…"
	}
	if err := j.Check(); err != nil {
		return JobStatus{}, err
	}
	now := k.now().In(k.Zone())
	if _, ok := j.Next(now); !ok {
		return JobStatus{}, &sys.Error{Op: "schedule", Path: j.Name, Kind: sys.Invalid, Err: errors.New("that time has passed"), Hint: "it is " + now.Format(time.RFC3339) + " now"}
	}
	err := k.editJobs(ctx, "Scheduled "+j.Name, func(jobs []Job) []Job { return append(jobs, j) })
	if err != nil {
		return JobStatus{}, err
	}
	return k.job(ctx, j.ID)
}

// RemoveJob takes a job off the schedule, as a landing that can be undone.
func (k *Kernel) RemoveJob(ctx context.Context, id string) error {
	j, err := k.job(ctx, id)
	if err != nil {
		return err
	}
	return k.editJobs(ctx, "Took "+j.Name+" off the schedule", func(jobs []Job) []Job {
		return slices.DeleteFunc(jobs, func(j Job) bool { return j.ID == id })
	})
}

// RunJob runs a job now, also a paused one, beside the times that it is due.
func (k *Kernel) RunJob(ctx context.Context, id string) (JobStatus, error) {
	s, err := k.job(ctx, id)
	if err != nil {
		return s, err
	}
	if err := s.Job.Check(); err != nil {
		return s, err
	}
	states, err := k.jobStates(ctx)
	if err != nil {
		return s, err
	}
	st, known := states[id]
	if !known {
		st = jobState{spec: s.Job.spec(), cursor: k.now()}
	}
	switch {
	case s.Job.Ask == "":
		err = k.decided(ctx, s.Job, st, k.now())
	case k.atWork(st):
		err = &sys.Error{Op: "run job", Path: s.Name, Kind: sys.Conflict, Err: errors.New("it is at work already"), Hint: "Activity shows it"}
	case k.stopped.Load() || k.safe:
		err = &sys.Error{Op: "run job", Path: s.Name, Kind: sys.Refused, Err: errors.New("everything is stopped"), Hint: "`matrixos cont` lifts the stop"}
	default:
		err = k.begin(ctx, s.Job, st, k.now())
	}
	if err != nil {
		return s, err
	}
	return k.job(ctx, id)
}

// job is one job of the newest landing, with what became of it.
func (k *Kernel) job(ctx context.Context, id string) (JobStatus, error) {
	list, err := k.Jobs(ctx)
	if err != nil {
		return JobStatus{}, err
	}
	i := slices.IndexFunc(list, func(s JobStatus) bool { return s.ID == id })
	if i < 0 {
		return JobStatus{}, &sys.Error{Op: "find job", Path: id, Kind: sys.NotFound, Hint: "`matrixos cron` lists them"}
	}
	return list[i], nil
}

// editJobs lands a change of the schedule by its owner; edits of the file by hand
// are recorded before.
func (k *Kernel) editJobs(ctx context.Context, title string, change func([]Job) []Job) error {
	k.editing.Lock()
	defer k.editing.Unlock()
	_, err := k.disk.Edit(ctx, []sys.Path{ScheduleFile}, func(home *disk.View) (disk.Write, error) {
		jobs, err := ReadJobs(home)
		if err != nil {
			return disk.Write{}, err
		}
		text, err := json.MarshalIndent(change(jobs), "", "  ")
		return disk.Write{Files: map[sys.Path][]byte{ScheduleFile: append(text, '\n')}, Kind: sys.ByOwner, Title: title}, err
	})
	if err == nil {
		k.Reschedule()
	}
	return err
}
