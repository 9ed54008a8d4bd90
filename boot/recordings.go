package boot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/sys"
)

// recordings turn what the owner shows in a window into checks. What the window tells is
// untrusted: the rows are read here, before and after, and what comes of it is kept only
// when it has held twice. It keeps what is recorded in memory; a restart forgets it.
type recordings struct {
	apps *apps
	now  func() time.Time

	mu   sync.Mutex
	open map[string]*recording // by id
}

var _ gateway.Recordings = (*recordings)(nil)

// recording is one that has begun. Its fields are set by one call after the other.
type recording struct {
	mu     sync.Mutex
	id     string
	app    sys.Slug
	folder sys.Path
	print  string // of the app, which may not change meanwhile
	what   contract.Recording
	draft  *contract.Draft
}

const (
	mostRecordings = 8  // at a time; the oldest goes
	mostDropped    = 12 // checks that a draft may lose because they do not play back
)

func newRecordings(a *apps) *recordings {
	return &recordings{apps: a, now: time.Now, open: map[string]*recording{}}
}

// Begin implements gateway.Recordings.
func (r *recordings) Begin(ctx context.Context, slug sys.Slug, at string) (sys.Recording, error) {
	if _, err := time.Parse("2006-01-02T15:04:05", at); err != nil {
		return sys.Recording{}, &sys.Error{Op: "record", Path: string(slug), Kind: sys.Invalid, Err: fmt.Errorf("%q is no local time such as 2026-03-11T09:30:00", at)}
	}
	one := &recording{id: rand.Text(), app: slug}
	var err error
	if one.folder, one.print, err = r.as(ctx, slug); err != nil {
		return sys.Recording{}, err
	}
	one.what.At, one.what.From = at, r.now()
	if one.what.Before, err = r.apps.runtime.State(ctx, slug); err != nil {
		return sys.Recording{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.open) >= mostRecordings {
		oldest := one
		for _, o := range r.open {
			if o.what.From.Before(oldest.what.From) {
				oldest = o
			}
		}
		delete(r.open, oldest.id)
	}
	r.open[one.id] = one
	return sys.Recording{ID: one.id, App: slug}, nil
}

// as is where an app lies and what it is at this moment, its contract aside.
func (r *recordings) as(ctx context.Context, slug sys.Slug) (sys.Path, string, error) {
	view, folder, err := r.apps.newest(ctx, slug)
	if err != nil {
		return "", "", err
	}
	print, err := r.apps.runtime.Fingerprint(view, folder)
	return folder, print, err
}

func (r *recordings) find(id string) (*recording, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.open[id]
	if one == nil {
		return nil, &sys.Error{Op: "find", Path: "the recording", Kind: sys.NotFound, Err: errors.New("it is not known, or no longer"), Hint: "record it again"}
	}
	return one, nil
}

// Drop implements gateway.Recordings.
func (r *recordings) Drop(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, id)
}

// End implements gateway.Recordings.
func (r *recordings) End(ctx context.Context, id string, raw []byte) (sys.RecordingDraft, error) {
	one, err := r.find(id)
	if err != nil {
		return sys.RecordingDraft{}, err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.draft != nil {
		return sys.RecordingDraft{}, &sys.Error{Op: "end", Path: "the recording", Kind: sys.Conflict, Err: errors.New("it has ended"), Hint: "record it again"}
	}
	use, err := contract.ParseUse(raw)
	if err != nil {
		return sys.RecordingDraft{}, err
	}
	if err := r.unchanged(ctx, one); err != nil {
		return sys.RecordingDraft{}, err
	}
	one.what.Use, one.what.Until = use, r.now()
	if one.what.After, err = r.apps.runtime.State(ctx, one.app); err != nil {
		return sys.RecordingDraft{}, err
	}
	draft, trouble, err := r.playBack(ctx, one)
	if err != nil {
		return sys.RecordingDraft{}, err
	}
	one.draft = &draft
	out := sys.RecordingDraft{ID: id, App: one.app, Name: draft.Name, Left: append([]string{}, draft.Left...), Trouble: trouble, Steps: []sys.DraftStep{}}
	for i, s := range draft.Steps {
		out.Steps = append(out.Steps, sys.DraftStep{Words: s.String(), Check: i >= draft.Acts})
	}
	for _, rows := range draft.Given.Rows {
		out.Entries += len(rows)
	}
	return out, nil
}

func (r *recordings) unchanged(ctx context.Context, one *recording) error {
	_, print, err := r.as(ctx, one.app)
	if err == nil && print != one.print {
		err = &sys.Error{Op: "remember", Path: string(one.app), Kind: sys.Conflict, Err: errors.New("the app or its contract has changed since the recording began"), Hint: "record it again"}
	}
	return err
}

// playBack does the same steps on the same data in a trial. What comes out differently is
// not expected; a step that cannot be done is told.
func (r *recordings) playBack(ctx context.Context, one *recording) (contract.Draft, string, error) {
	draft := one.what.Draft(nil)
	acts := draft.Scenario
	acts.Steps = slices.Clone(draft.Steps[:draft.Acts])
	res, again, err := r.play(ctx, one, acts)
	if sys.KindOf(err) == sys.Unavailable {
		return draft, err.Error() + hinted(err), nil
	}
	if err != nil {
		return draft, "", err
	}
	if bad := redStep(res); bad != "" {
		return draft, bad, nil
	}
	draft = one.what.Draft(again)
	for range mostDropped {
		res, _, err := r.play(ctx, one, draft.Scenario)
		if err != nil {
			return draft, "", err
		}
		i := slices.IndexFunc(res.Steps, func(s sys.StepResult) bool { return !s.Green }) - 1 // the first opens the window
		if i < draft.Acts {
			return draft, redStep(res), nil
		}
		draft.Left = append(draft.Left, draft.Steps[i].String()+": it is otherwise when the steps are done again")
		draft.Steps = slices.Delete(draft.Steps, i, i+1)
	}
	return draft, "too little of what you saw is the same when the steps are done again", nil
}

func hinted(err error) string {
	if h := sys.HintOf(err); h != "" {
		return " (" + h + ")"
	}
	return ""
}

// redStep says what of a scenario does not hold; "" if all does.
func redStep(res sys.ScenarioResult) string {
	one := sys.ContractReport{Scenarios: []sys.ScenarioResult{res}}
	one.Settle()
	return one.Text()
}

// play plays one scenario on the app as it is, and reads what data it leaves.
func (r *recordings) play(ctx context.Context, one *recording, s contract.Scenario) (res sys.ScenarioResult, left *contract.State, err error) {
	view, folder, err := r.apps.newest(ctx, one.app)
	if err != nil {
		return res, nil, err
	}
	t, err := r.apps.runtime.Try(ctx, view, folder)
	if err != nil {
		return res, nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if len(t.Faults) > 0 {
		return res, nil, &sys.Error{Op: "play back", Path: string(folder), Kind: sys.NotVerified, Err: errors.New(t.Faults[0].Text), Hint: "mend the app first"}
	}
	if err := t.Runnable(); err != nil {
		return res, nil, err
	}
	t.Play(s)
	var unread error
	t.Left = func(ctx context.Context, w *app.Window) {
		var now contract.State
		now, unread = w.State(ctx)
		left = &now
	}
	all, err := r.apps.promise.played(ctx, t, once)
	if err = errors.Join(err, unread); err != nil || len(all) == 0 {
		return res, nil, err
	}
	return all[0], left, nil
}

// Keep implements gateway.Recordings.
func (r *recordings) Keep(ctx context.Context, id, name string, without []int) (sys.RecordingKept, error) {
	none := sys.RecordingKept{}
	one, err := r.find(id)
	if err != nil {
		return none, err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.draft == nil {
		return none, &sys.Error{Op: "keep", Path: "the recording", Kind: sys.Conflict, Err: errors.New("it has not ended"), Hint: "end it first"}
	}
	if err := r.unchanged(ctx, one); err != nil {
		return none, err
	}
	s, err := chosen(*one.draft, name, without)
	if err != nil {
		return none, err
	}
	var res sys.ScenarioResult
	for range 2 {
		if res, _, err = r.play(ctx, one, s); err != nil {
			return none, err
		}
		if bad := redStep(res); bad != "" {
			return none, &sys.Error{Op: "keep", Path: "what you showed", Kind: sys.NotVerified, Err: errors.New("it does not hold when the steps are done again:\n" + bad), Hint: "leave out what depends on time or chance, or record it again"}
		}
	}
	res.Green = true
	kept, err := r.land(ctx, one, s)
	kept.Result = res
	if err == nil {
		r.Drop(id)
	}
	return kept, err
}

// chosen is the scenario of a draft as its owner wants it.
func chosen(d contract.Draft, name string, without []int) (contract.Scenario, error) {
	s := d.Scenario
	if name = strings.Join(strings.Fields(name), " "); name != "" {
		s.Name = name
	}
	s.Steps = nil
	checks := 0
	for i, step := range d.Steps {
		if slices.Contains(without, i) {
			continue
		}
		if i >= d.Acts {
			checks++
		}
		s.Steps = append(s.Steps, step)
	}
	if checks == 0 {
		return s, &sys.Error{Op: "keep", Path: "what you showed", Kind: sys.Invalid, Err: errors.New("nothing is left that it would look at"), Hint: "leave at least one thing to look for"}
	}
	return s, nil
}

func (r *recordings) land(ctx context.Context, one *recording, s contract.Scenario) (sys.RecordingKept, error) {
	_, folder, err := r.apps.newest(ctx, one.app)
	if err != nil {
		return sys.RecordingKept{}, err
	}
	file := contract.Path(folder)
	l, err := r.apps.disk.Edit(ctx, []sys.Path{file}, func(home *disk.View) (disk.Write, error) {
		raw, err := home.ReadFile(string(file))
		if err != nil && !missing(err) {
			return disk.Write{}, err
		}
		text, err := app.AddScenario(raw, s, file)
		return disk.Write{Files: map[sys.Path][]byte{file: []byte(text)}, Kind: sys.ByOwner, Title: fmt.Sprintf("You showed what %s has to do: %s", one.app, s.Name)}, err
	})
	if err != nil {
		return sys.RecordingKept{}, err
	}
	r.apps.Landed(ctx, l)
	return sys.RecordingKept{Landing: l, Name: s.Name}, nil
}
