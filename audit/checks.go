package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"matrixos/policy"
	"matrixos/sys"
)

// shownNames is how many names one finding lists.
const shownNames = 5

// recent is how far back refusals are counted.
const recent = 30 * 24 * time.Hour

// stale is how old the last backup may be.
const stale = 3 * 24 * time.Hour

func (l *look) journal(ctx context.Context) error {
	a, err := l.Disk.VerifyJournal(ctx)
	if err != nil {
		return err
	}
	if a.Broken != 0 {
		l.add("journal", Bad, fmt.Sprintf("Event %d of the journal is not as it was written: %s.", a.Broken, a.Why), "somebody has changed kernel.db, or the file is damaged; a backup from before has what it was")
		return nil
	}
	l.add("journal", Fine, fmt.Sprintf("The journal is as it was written: %d events.", a.Events), "")
	return nil
}

// read reads a file of the newest landing; one that is missing is empty.
func (l *look) read(p sys.Path) ([]byte, error) {
	view, err := l.Disk.View(0)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(view, string(p))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

func (l *look) rules(context.Context) error {
	text, err := l.read(policy.RulesFile)
	if err != nil {
		return err
	}
	r, err := policy.ParseRules(text)
	if err != nil {
		return err
	}
	wide := 0
	for _, rule := range r.Rules {
		if rule.Then != policy.Allowed {
			continue
		}
		var why string
		switch {
		case rule.Effect == "*":
			why = "it allows every kind of effect"
		case rule.Target == "*":
			why = "it allows every target"
		case rule.Untrusted:
			why = "it holds also for agents that have read text from outside"
		default:
			continue
		}
		wide++
		l.add("rules", Warning, fmt.Sprintf("Your rule %s is wide: %s.", rule, why), "narrow it, or delete it, in "+string(policy.RulesFile))
	}
	if wide == 0 {
		l.add("rules", Fine, fmt.Sprintf("You have %s, none of which is wide.", count(len(r.Rules), "rule")), "")
	}
	return nil
}

func (l *look) files(context.Context) error {
	open := 0
	for _, p := range l.Secrets {
		info, err := os.Stat(p)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			open++
			right := "600"
			if info.IsDir() {
				right = "700"
			}
			l.add("files", Bad, fmt.Sprintf("Others on this machine may get at %s (mode %04o).", p, mode), "chmod "+right+" "+p)
		}
	}
	if open == 0 {
		l.add("files", Fine, "Only your account may read the files that hold secrets.", "")
	}
	return nil
}

func (l *look) keyring(context.Context) error {
	status, closed := l.Keyring()
	if closed {
		l.add("keyring", Bad, "The keyring is "+status+".", "without it everything that needs a key is refused")
		return nil
	}
	l.add("keyring", Fine, "The keyring: "+status+".", "")
	return nil
}

func (l *look) sandbox(context.Context) error {
	if l.Sandbox != nil {
		l.add("sandbox", Warning, "Commands of agents are refused, because they could not be confined: "+l.Sandbox.Error()+".", sys.HintOf(l.Sandbox))
		return nil
	}
	l.add("sandbox", Fine, "Commands of agents are confined.", "")
	return nil
}

func (l *look) address(context.Context) error {
	for _, o := range l.Origins {
		if strings.HasPrefix(o, "http://") {
			l.add("address", Warning, "The desktop may be used under "+o+", without encryption.", "put a proxy with https in front of it")
		}
	}
	if l.Listen == "" {
		l.add("address", Fine, "No address is served.", "")
		return nil
	}
	host, _, err := net.SplitHostPort(l.Listen)
	if err != nil {
		return err
	}
	if a, err := netip.ParseAddr(host); host == "localhost" || err == nil && a.IsLoopback() {
		l.add("address", Fine, "The desktop is served to this machine only, at "+l.Listen+".", "")
		return nil
	}
	l.add("address", Warning, "The desktop is served to your network, at "+l.Listen+", without encryption.", "start it with --listen 127.0.0.1:4000, and use ssh or a proxy with https")
	return nil
}

func (l *look) untrusted(ctx context.Context) error {
	list, err := l.Kernel.Untrusted(ctx)
	if err != nil {
		return err
	}
	var ways, other []string
	for _, f := range list {
		if policy.IsInstruction(f.Path) {
			ways = append(ways, string(f.Path))
		} else {
			other = append(other, string(f.Path))
		}
	}
	l.out.Outside = l.out.Outside || len(list) > 0
	if len(ways) > 0 {
		l.add("outside", Warning, fmt.Sprintf("%s that tell agents what to do hold text from outside: %s.", count(len(ways), "file"), names(ways)), "read them; `matrixos trust PATH` if they are right")
	}
	if len(other) > 0 {
		l.add("outside", Note, fmt.Sprintf("%s hold text from outside: %s.", count(len(other), "file"), names(other)), "`matrixos untrusted` lists them all")
	}
	if len(list) == 0 {
		l.add("outside", Fine, "No file holds text from outside.", "")
	}
	return nil
}

// trusted lists what the owner has given their word for.
func (l *look) trusted(ctx context.Context) (err error) {
	rows, err := l.Disk.Journal().Query(ctx, `SELECT DISTINCT json_extract(CAST(data AS TEXT), '$.target') FROM event WHERE kind = ? AND json_extract(CAST(data AS TEXT), '$.what') = 'trust' ORDER BY 1`, string(sys.EventAudit))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out []string
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			return err
		}
		out = append(out, p)
	}
	if len(out) > 0 {
		l.out.Outside = true
		l.add("trust", Note, fmt.Sprintf("You have said of %s from outside that it may be believed: %s.", count(len(out), "place"), names(out)), "")
	}
	return rows.Err()
}

func (l *look) apps(context.Context) error {
	asks, err := l.Apps()
	if err != nil {
		return err
	}
	n := 0
	for _, slug := range slices.Sorted(maps.Keys(asks)) {
		if want := asks[slug]; len(want) > 0 {
			n++
			l.out.Outside = true
			l.add("apps", Note, fmt.Sprintf("The app %s asks for: %s. It has none of it unless you grant it.", slug, names(want)), "")
		}
	}
	if n == 0 {
		l.add("apps", Fine, fmt.Sprintf("No app of %d asks for more than its own data.", len(asks)), "")
	}
	return nil
}

func (l *look) approvals(ctx context.Context) error {
	list, err := l.Kernel.Refusals(ctx, l.Now().Add(-recent))
	if err != nil {
		return err
	}
	if len(list) == 0 {
		l.add("approvals", Fine, "Nothing was refused in the last 30 days.", "")
		return nil
	}
	by := map[string]int{}
	for _, r := range list {
		by[fmt.Sprintf("%s wanted to %s %s (%s)", r.Program, r.Kind, r.Target, r.How)]++
	}
	l.out.Outside = true
	for _, what := range slices.Sorted(maps.Keys(by)) {
		level := Note
		if by[what] >= 3 {
			level = Warning
		}
		l.add("approvals", level, fmt.Sprintf("%s %s in the last 30 days.", what, count(by[what], "time")), "`matrixos audit` has each with its reason")
	}
	return nil
}

// bindings looks at where keys may go.
func (l *look) bindings(context.Context) error {
	const file sys.Path = "system/keys.json"
	text, err := l.read(file)
	if err != nil || len(text) == 0 {
		return err
	}
	var f struct {
		Hosts map[string][]string `json:"hosts"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return &sys.Error{Op: "read", Path: string(file), Kind: sys.Invalid, Err: err}
	}
	for _, key := range slices.Sorted(maps.Keys(f.Hosts)) {
		for _, h := range f.Hosts[key] {
			if strings.HasPrefix(h, "http://") {
				l.add("keys", Warning, fmt.Sprintf("The key %q goes to %s without encryption.", key, h), "use https there, in "+string(file))
			}
		}
	}
	return nil
}

func (l *look) backup(ctx context.Context) error {
	last, placed, failed, err := l.Backup(ctx)
	switch {
	case err != nil:
		return err
	case !placed:
		l.add("backup", Warning, "There is no backup: nothing of this home is anywhere else.", "`matrixos backup init DEST` sets a place")
	case failed != "":
		l.add("backup", Bad, "The newest backup or drill has failed: "+failed, "`matrixos backup status` says more")
	case last.IsZero():
		l.add("backup", Warning, "A place for backups is set, but none was made yet.", "`matrixos backup` makes one")
	case l.Now().Sub(last) > stale:
		l.add("backup", Warning, fmt.Sprintf("The last backup is of %s.", last.Format("2 January 2006")), "`matrixos backup` makes one")
	default:
		l.add("backup", Fine, fmt.Sprintf("The last backup is of %s.", last.Format("2 January 2006")), "")
	}
	return nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// names lists a few names, each without what could break the line.
func names(all []string) string {
	var out []string
	for _, n := range all[:min(len(all), shownNames)] {
		out = append(out, strings.Map(func(r rune) rune {
			if r < ' ' {
				return ' '
			}
			return r
		}, filepath.ToSlash(n)))
	}
	if more := len(all) - shownNames; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}
