package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"matrixos/sys"
)

// Quota says how much room the home may take, in bytes on the disk. Zero is no
// limit.
type Quota struct {
	Home int64 // the live files, and what is kept of the past: history, copies of databases
	Each int64 // any one app: its folder and its data
	Apps map[sys.Slug]int64
}

// Of returns the limit of an app; one of its own counts before that of any app.
func (q Quota) Of(app sys.Slug) int64 {
	if own, ok := q.Apps[app]; ok {
		return own
	}
	return q.Each
}

// IsZero reports whether nothing is limited.
func (q Quota) IsZero() bool { return q.Home == 0 && q.Each == 0 && len(q.Apps) == 0 }

// quota is what the disk knows of the limits.
type quota struct {
	mu      sync.Mutex // below everything
	last    Quota      // the newest limits that could be read
	problem string     // why those of now cannot

	telling sync.Mutex // above mu: one look at a time
	told    toldQuota
	known   bool // told was read
}

// toldQuota is what the owner has been told, kept from run to run.
type toldQuota struct {
	Levels  map[sys.Slug]int `json:"levels"` // by app, "" for the home: 1 nearly full, 2 full
	Problem string           `json:"problem"`
}

// SetQuota says where the limits come from; they are asked for each time. While
// that fails the last ones hold, and the owner is told why.
func (d *Disk) SetQuota(limits func() (Quota, error)) { d.limits.Store(&limits) }

// quotaNow returns the limits, and why they may be out of date.
func (d *Disk) quotaNow() (Quota, string) {
	from := d.limits.Load()
	if from == nil {
		return Quota{}, ""
	}
	q, err := (*from)()
	d.quota.mu.Lock()
	defer d.quota.mu.Unlock()
	if err != nil {
		d.quota.problem = err.Error()
	} else {
		d.quota.last, d.quota.problem = q, ""
	}
	return d.quota.last, d.quota.problem
}

// Quotas lists everything that has a limit, the fullest first, and says what is
// wrong with the limits, if something is. An exact answer costs a look at all
// folders that are not watched, and at the store.
func (d *Disk) Quotas(ctx context.Context, exact bool) ([]sys.QuotaUse, string, error) {
	q, problem := d.quotaNow()
	out, err := d.usage(ctx, q, exact)
	slices.SortStableFunc(out, func(a, b sys.QuotaUse) int {
		return cmp.Or(cmp.Compare(b.Part(), a.Part()), strings.Compare(string(a.App), string(b.App)))
	})
	return out, problem, explain("measure space", d.root, err)
}

// usage measures what is limited.
func (d *Disk) usage(ctx context.Context, q Quota, exact bool) ([]sys.QuotaUse, error) {
	out := []sys.QuotaUse{}
	if q.IsZero() {
		return out, nil
	}
	s := &d.sizes
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := d.measureLocked(ctx, exact); err != nil {
		return out, err
	}
	if q.Home > 0 {
		kept, err := d.keptLocked(exact)
		if err != nil {
			return out, err
		}
		out = append(out, sys.QuotaUse{Used: s.home + kept, Limit: q.Home})
	}
	for slug, a := range s.apps {
		if limit := q.Of(slug); limit > 0 {
			out = append(out, sys.QuotaUse{App: slug, Used: a.files + a.data, Limit: limit})
		}
	}
	for slug, limit := range q.Apps {
		if limit > 0 && s.apps[slug] == nil {
			out = append(out, sys.QuotaUse{App: slug, Limit: limit})
		}
	}
	return out, nil
}

// growth is what something would add, by app; "" is the home.
type growth map[sys.Slug]int64

// withinQuota refuses what would take the home or an app over its limit. A rough
// look is enough to admit; a refusal has looked exactly.
func (d *Disk) withinQuota(ctx context.Context, op string, more growth) error {
	q, _ := d.quotaNow()
	if q.IsZero() {
		return nil
	}
	var over sys.QuotaUse
	for _, exact := range []bool{false, true} {
		used, err := d.usage(ctx, q, exact)
		if err != nil {
			return explain(op, d.root, err)
		}
		i := slices.IndexFunc(used, func(u sys.QuotaUse) bool { return more[u.App] > 0 && u.Used+more[u.App] > u.Limit })
		if i < 0 {
			return nil
		}
		over = used[i]
	}
	who, field := "the home", "quota.home"
	if over.App != "" {
		who, field = "the app "+string(over.App), "quota.apps."+string(over.App)
	}
	return &sys.Error{
		Op: op, Path: who, Kind: sys.OverBudget,
		Err:  fmt.Errorf("it takes %s of the %s that it may, and this adds about %s", sizeText(over.Used), sizeText(over.Limit), sizeText(more[over.App])),
		Hint: d.quotaAdvice(ctx, over.App) + "; or raise " + field + " in system/config.json",
	}
}

// quotaAdvice says what to delete, of an app or of the home.
func (d *Disk) quotaAdvice(ctx context.Context, app sys.Slug) string {
	var list []sys.SpaceItem
	d.sizes.mu.Lock()
	for path, f := range d.sizes.folders {
		if slug, _, ok := appOf(path + "/x"); app != "" && (!ok || slug != app) {
			continue
		}
		for _, item := range f.largest {
			list = largestOf(list, item)
		}
	}
	d.sizes.mu.Unlock()
	var parts []string
	for _, f := range list[:min(len(list), mostAdvised)] {
		parts = append(parts, f.Name+" ("+sizeText(f.Bytes)+")")
	}
	text := "delete what is not needed"
	if len(parts) > 0 {
		text += ": the largest files are " + strings.Join(parts, ", ")
	}
	if app != "" {
		return text
	}
	if garbage, err := d.garbage(); err == nil && garbage >= worthSaying {
		text += "; `matrixos gc` frees about " + sizeText(garbage)
	}
	if copies := d.data.chunks.Bytes(); copies >= worthSaying {
		text += "; copies of databases take " + sizeText(copies)
		if named, err := d.Snapshots(ctx); err == nil && len(named) > 0 {
			text += ", some of them for snapshots such as " + named[len(named)-1].Name + " (`matrixos snapshot --delete NAME`, then `matrixos gc`)"
		}
	}
	return text + "; `matrixos space` lists what takes room"
}

// worthSaying is from how many bytes on something is worth a word of advice.
const worthSaying = 1 << 20

// limited reports whether a landing can be refused for the room it takes. What the
// owner has edited or undone, also on another device, never is: they are told.
func (a *attempt) limited() bool {
	switch a.landing.Kind {
	case sys.ByAgent, sys.ByHealer, "":
		return true
	case sys.ByOwner:
		return a.op == "restore"
	case sys.ByUndo, sys.ByMerge, sys.BySystem:
	}
	return false
}

// fits refuses a landing that would take the home or an app over its limit.
func (a *attempt) fits(ctx context.Context, changes []change) error {
	if !a.limited() {
		return nil
	}
	if q, _ := a.d.quotaNow(); q.IsZero() {
		return nil
	}
	more, err := a.growth(changes)
	if err != nil {
		return err
	}
	return a.d.withinQuota(ctx, cmp.Or(a.op, "land"), more)
}

// growth estimates what a landing adds: whole blocks of the live files, and half
// the bytes of what is new to the history.
func (a *attempt) growth(changes []change) (growth, error) {
	more := growth{}
	add := func(path string, n int64) {
		more[""] += n
		if slug, _, ok := appOf(path); ok {
			more[slug] += n
		}
	}
	for _, c := range changes {
		content, err := a.objects.content(c.new.Hash)
		if err != nil {
			return nil, err
		}
		was, there, err := look(a.d.rootFD, c.path)
		if err != nil {
			return nil, err
		}
		if there {
			add(c.path, -blocks(was.size))
		}
		if c.new.IsZero() {
			continue
		}
		add(c.path, blocks(int64(len(content))))
		if !a.d.repo.Has(c.new.Hash) {
			more[""] += int64(len(content)) / 2
		}
	}
	for _, r := range a.rows {
		add(r.path, int64(len(r.set.Encode())))
		a.d.sizes.touch(r.path)
	}
	return more, nil
}

// blocks is the room that a file of some length takes.
func blocks(size int64) int64 {
	const block = 4096
	return (size + block - 1) / block * block
}

// RoomForData is Room for what an app is about to write to its data, about that
// many bytes; the limits of the app and the home count as well, kind OverBudget.
func (d *Disk) RoomForData(ctx context.Context, app sys.Slug, bytes int64) error {
	op := "write data of " + string(app)
	if err := d.Room(ctx, op); err != nil {
		return err
	}
	d.sizes.touch(dataFolder + "/" + string(app)) // what it wrote just now counts
	return d.withinQuota(ctx, op, growth{"": bytes, app: bytes})
}

// lookAtQuota tells the owner once when the home or an app nears its limit, once
// when it is full, and once when the limits cannot be read.
func (d *Disk) lookAtQuota(ctx context.Context) error {
	d.quota.telling.Lock()
	defer d.quota.telling.Unlock()
	if d.limits.Load() == nil {
		return nil
	}
	if !d.quota.known {
		if _, err := d.readReport(ctx, "quota", &d.quota.told); err != nil {
			return err
		}
		d.quota.known = true
	}
	used, problem, err := d.Quotas(ctx, false)
	if err != nil {
		return err
	}
	now := toldQuota{Levels: map[sys.Slug]int{}, Problem: problem}
	changed := problem != d.quota.told.Problem
	if problem != "" && changed {
		d.notice(ctx, sys.NoticeData{Level: "error", Title: "The limits of space cannot be read", Text: problem + ". Until then the last ones hold."})
	}
	for _, u := range used {
		before := d.quota.told.Levels[u.App]
		level, n := levelOf(u, before)
		if n.Title != "" {
			d.notice(ctx, n)
		}
		if level > 0 {
			now.Levels[u.App] = level
		}
		changed = changed || level != before
	}
	if !changed && len(now.Levels) == len(d.quota.told.Levels) {
		return nil
	}
	d.quota.told = now
	return d.keepReport(ctx, "quota", now)
}

// levelOf says how full something is, and what to tell, if anything. One that went
// up and down a little is not told of again.
func levelOf(u sys.QuotaUse, before int) (level int, n sys.NoticeData) {
	part := u.Part()
	switch {
	case part >= 1:
		level = 2
	case part >= sys.QuotaNear:
		level = 1
	}
	switch {
	case level > before:
	case part >= 0.95:
		return before, n
	case part >= 0.75:
		return min(before, 1), n
	default:
		return level, n
	}
	who := "The home"
	if u.App != "" {
		who = "The app " + string(u.App)
	}
	n = sys.NoticeData{Level: "info", Title: who + " is nearly full", Text: fmt.Sprintf("It takes %s of the %s that you allow. When that is used up, agents and apps can add no more. `matrixos space` lists what takes room.", sizeText(u.Used), sizeText(u.Limit))}
	if level == 2 {
		n.Level, n.Title = "error", who+" is full"
		n.Text = fmt.Sprintf("It takes %s of the %s that you allow. Your own edits are kept; agents and apps can add no more. Delete what you do not need, as `matrixos space` lists it, or raise the limit in system/config.json.", sizeText(u.Used), sizeText(u.Limit))
	}
	return level, n
}

// ParseSize reads a number of bytes as people write it: "2 GB", "500MB", "1.5 TB",
// or a plain number. KB is 1,000 bytes, KiB is 1,024.
func ParseSize(text string) (int64, error) {
	rest := strings.TrimLeft(text, "0123456789.")
	var n float64
	number := strings.TrimSpace(text[:len(text)-len(rest)])
	if _, err := fmt.Sscanf(number+"\n", "%g\n", &n); err != nil || number == "" || strings.Count(number, ".") > 1 {
		return 0, errSize
	}
	factor, ok := map[string]float64{
		"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
		"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
	}[strings.ToLower(strings.TrimSpace(rest))]
	if n *= factor; !ok || n >= 1<<62 {
		return 0, errSize
	}
	return int64(n), nil
}

var errSize = errors.New(`write a number of bytes, or a number with KB, MB, GB or TB, such as "2 GB"`)
