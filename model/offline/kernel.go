package offline

import (
	"encoding/json"
	"slices"
	"strings"

	"matrixos/model"
)

// kernel plays the main agent: it understands the owner, calls what does the
// work, and says what came of it.
type kernel struct {
	l     *lexicon
	t     transcript
	tools []model.Tool
}

func (k *kernel) say(in intent, key string, pairs ...string) step {
	text := k.l.say(in.de, key, pairs...)
	if slices.Contains(declined, key) {
		return decline(text)
	}
	return say(text)
}

// declined are the replies which say that the wish was not met. Questions back
// to the owner are none of them.
var declined = []string{
	"refuse", "unknown", "unfinished", "passwords", "other-game", "live-data",
	"row", "row-none", "ask-data", "ask-data-none",
	"no-such-app", "no-such-app-none", "nothing-to-change",
	"build-failed", "not-landed", "change-failed", "exists-closed", "open-failed",
	"tool-failed", "not-undone", "not-reminded", "no-clock", "not-remembered", "not-forgotten",
}

// next understands the newest turn and goes on where its calls have got to.
func (k *kernel) next() step { return k.offered(k.decide()) }

func (k *kernel) decide() step {
	now := k.t.now()
	if looksRefused(now.text) && len(k.t.turns) > 1 {
		before, _ := k.t.before()
		if _, set := before.find("set_handle"); set && strings.Contains(now.text, "handle.json") {
			return k.keepHandle(intent{de: german(before.text)}, now)
		}
		return k.say(intent{de: german(before.text)}, "landing-refused", "why", firstLine(now.text))
	}
	if s, ok := k.people(now); ok {
		return s
	}
	in, ask, ok := k.interview(k.understand(now), now)
	if !ok {
		return ask
	}
	switch in.verb {
	case verbBuild:
		return k.build(in, now)
	case verbChange:
		return k.change(in, now)
	case verbDelete:
		return k.askDelete(in)
	case verbOpen:
		return k.open(in, now)
	case verbApps:
		return k.listApps(in)
	case verbWhich:
		return k.say(in, "which-app", "apps", k.appNames(in.de, true))
	case verbNoApp:
		return k.noApp(in)
	case verbSetup:
		return k.meet(in, now)
	case verbRow, verbAskData:
		return k.rows(in, now)
	case verbUndo, verbHistory, verbTheme, verbRemind, verbReminders, verbUnremind, verbRemember, verbRecall, verbForget, verbMemories, verbAttach, verbStatus:
		return k.system(in, now)
	case verbOtherGame:
		if in.arg == "" {
			return k.say(in, "games")
		}
		return k.say(in, "other-game", "game", in.arg)
	}
	return k.say(in, string(in.verb))
}

var refusal = []string{"the landing was refused", "landing refused", "could not land", "did not land", "somebody else changed the same lines"}

func looksRefused(text string) bool {
	low := strings.ToLower(text)
	return slices.ContainsFunc(refusal, func(s string) bool { return strings.HasPrefix(low, s) })
}

// understand reads the turn, and what it answers if we had asked something.
func (k *kernel) understand(now turn) intent {
	in := k.l.understand(now.text, k.t.state, k.t.lastApp(0))
	before, ok := k.t.before()
	if !ok {
		return in
	}
	if in.verb == verbYes && k.wasOffered(before.said) {
		return intent{verb: verbSetup, de: german(before.text), text: now.text}
	}
	past := k.l.understand(before.text, k.t.state, k.t.lastApp(1))
	switch past.verb {
	case verbWhich:
		if a, found := sameApp(now.text, k.t.state.Apps); found {
			again := k.l.understand(before.text, focused(k.t.state, a.Slug), "")
			if again.verb == verbChange || again.verb == verbDelete {
				again.app = a.Slug
				return again
			}
		}
	case verbDelete:
		if in.verb == verbYes || in.verb == verbDelete && in.app == past.app {
			return intent{verb: verbChange, app: past.app, changes: []Change{{Op: OpDeleteApp}}, de: past.de, text: before.text}
		}
		if in.verb == verbNo {
			in.verb, in.de = "kept", past.de
		}
	case verbAttach:
		if in.verb != verbAttach && strings.Contains(before.said, k.l.say(past.de, "its-path")) && folderName.MatchString(now.text) {
			return intent{verb: verbAttach, arg: past.arg, de: past.de, text: before.text + " " + now.text}
		}
	case verbRemind:
		if said := before.said; in.verb != verbRemind && strings.HasSuffix(said, "?") {
			if m, _ := when(now.text, k.t.state.now()); m.set() {
				return intent{verb: verbRemind, arg: past.arg + " " + now.text, de: past.de, text: now.text}
			}
			if m, _ := when(past.arg, k.t.state.now()); m.set() && in.verb == verbUnknown {
				return intent{verb: verbRemind, arg: now.text + " " + past.arg, de: past.de, text: now.text}
			}
		}
	}
	return in
}

func focused(st state, slug string) state {
	st.Focus = slug
	return st
}

// build settles the contract and spawns the builder, then opens what landed.
func (k *kernel) build(in intent, now turn) step {
	s := in.spec
	if a, ok := k.sameSpec(s, now); ok && !in.again {
		if c, called := now.find("open_app"); called {
			if c.failed {
				return k.say(in, "exists-closed", "app", a.Name, "why", firstLine(c.result))
			}
			return k.say(in, "exists", "app", a.Name)
		}
		return do(tool("open_app", "slug", a.Slug))
	}
	spawned, called := now.find("spawn")
	if !called {
		k.freshName(s)
		task := k.l.task(in.text, contract{Build: s}, s.german())
		return do(toolCall{name: "spawn", input: map[string]any{"program": "builder", "task": task, "app": s.Slug, "contract": k.l.promise(s, in.text)}})
	}
	if spawned.failed {
		return k.say(in, "build-failed", "app", s.Name, "why", firstLine(spawned.result))
	}
	slug := spawned.arg("app")
	if opened, called := now.find("open_app"); called {
		text := report(spawned.result)
		if opened.failed {
			text += " " + k.l.say(in.de, "not-opened", "why", firstLine(opened.result))
		}
		return say(text)
	}
	if notDone(spawned.result) {
		return say(report(spawned.result))
	}
	if !strings.Contains(spawned.result, landedLine) {
		return k.say(in, "not-landed", "app", s.Name, "why", report(spawned.result))
	}
	return do(tool("open_app", "slug", slug))
}

// sameSpec finds the app that is already what s would be. One that this very
// turn has built does not count.
func (k *kernel) sameSpec(s *Spec, now turn) (stateApp, bool) {
	if c, called := now.find("spawn"); called && c.name != "" {
		return stateApp{}, false
	}
	for _, a := range k.t.state.Apps {
		if strings.EqualFold(a.Name, s.Name) {
			return a, true
		}
	}
	return stateApp{}, false
}

// freshName gives s a slug and, where needed, a name that no app has.
func (k *kernel) freshName(s *Spec) {
	apps := k.t.state.Apps
	takenSlug := func(slug string) bool {
		return slices.ContainsFunc(apps, func(a stateApp) bool { return a.Slug == slug })
	}
	takenName := func(name string) bool {
		return slices.ContainsFunc(apps, func(a stateApp) bool { return strings.EqualFold(a.Name, name) })
	}
	s.Name = unique(s.Name, " ", takenName)
	s.Slug = unique(slugOf(s.Name), "-", takenSlug)
}

func (k *kernel) change(in intent, now turn) step {
	spawned, called := now.find("spawn")
	app, _ := k.t.state.app(in.app)
	if !called {
		folder := app.folder()
		if now.rounds == 0 && folder != "" && in.changes[0].Op != OpDeleteApp {
			return do(tool("Read", "file_path", folder+"/matrix.json"), tool("Read", "file_path", folder+"/src/fields.json"), tool("Read", "file_path", folder+"/src/App.tsx"), tool("Read", "file_path", folder+"/contract.json"))
		}
		task := k.l.task(in.text, contract{Change: &changed{App: in.app, Changes: in.changes}}, in.de)
		spawn := tool("spawn", "program", "builder", "task", task, "app", in.app)
		if p := k.l.promised(in.changes, now.calls, in.text, in.de); p != nil {
			spawn.input["contract"] = p
		}
		return do(spawn)
	}
	if spawned.failed {
		return k.say(in, "change-failed", "app", orEmpty(app.Name, in.app), "why", firstLine(spawned.result))
	}
	if text := report(spawned.result); notDone(text) {
		return decline(text)
	}
	return say(report(spawned.result))
}

// report is what a builder said, as far as it fits an answer.
func report(result string) string {
	var keep []string
	size := 0
	for line := range strings.SplitSeq(strings.TrimSpace(result), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, landedLine) || strings.HasPrefix(line, "Verified: ") {
			continue // the landing card shows it
		}
		if size += len(line); size > 900 {
			break
		}
		keep = append(keep, line)
	}
	return cutRunes(strings.Join(keep, " "), 900)
}

// landedLine begins the line that spawn adds to a report for each landing;
// without one, nothing has changed, whatever the report says.
const landedLine = "Landed as "

// notDone reports whether a report says that there is nothing to open.
func notDone(result string) bool {
	low := strings.ToLower(strings.TrimSpace(result))
	for _, s := range []string{"i could not", "i can't", "not done", "nothing was", "ich konnte", "nichts wurde"} {
		if strings.HasPrefix(low, s) {
			return true
		}
	}
	return false
}

func (k *kernel) askDelete(in intent) step {
	app, _ := k.t.state.app(in.app)
	return k.say(in, "ask-delete", "app", app.Name)
}

func (k *kernel) open(in intent, now turn) step {
	app, _ := k.t.state.app(in.app)
	c, called := now.find("open_app")
	switch {
	case !called:
		return do(tool("open_app", "slug", in.app))
	case c.failed:
		return k.say(in, "open-failed", "app", app.Name, "why", firstLine(c.result))
	}
	return k.say(in, "opened", "app", app.Name)
}

func (k *kernel) listApps(in intent) step {
	n := len(k.visible())
	switch n {
	case 0:
		return k.say(in, "no-apps")
	case 1:
		return k.say(in, "one-app", "apps", k.appNames(in.de, false))
	}
	return k.say(in, "apps", "count", itoa(n), "apps", k.appNames(in.de, false))
}

func (k *kernel) visible() []stateApp {
	return slices.DeleteFunc(slices.Clone(k.t.state.Apps), func(a stateApp) bool { return a.Hidden })
}

// appNames lists the apps, the owner's own first; a question names at most five.
func (k *kernel) appNames(de, question bool) string {
	var names, shipped []string
	for _, a := range k.visible() {
		if a.Shipped {
			shipped = append(shipped, orEmpty(a.Name, a.Slug))
		} else {
			names = append(names, orEmpty(a.Name, a.Slug))
		}
	}
	names = append(names, shipped...)
	if question {
		if len(names) > 5 {
			names = append(names[:5:5], "…")
		}
		or := " or "
		if de {
			or = " oder "
		}
		if n := len(names); n > 1 {
			return strings.Join(names[:n-1], ", ") + or + names[n-1]
		}
	}
	return listWords(names, de)
}

func (k *kernel) noApp(in intent) step {
	switch {
	case in.arg != "" && len(k.visible()) > 0:
		return k.say(in, "no-such-app", "app", in.arg, "apps", k.appNames(in.de, false))
	case in.arg != "":
		return k.say(in, "no-such-app-none", "app", in.arg)
	}
	return k.say(in, "nothing-to-change")
}

// inTheApp opens the app for what is to be done there.
func (k *kernel) inTheApp(in intent, now turn) step {
	app, ok := k.t.state.app(in.app)
	if !ok {
		return k.say(in, string(in.verb)+"-none")
	}
	c, called := now.find("open_app")
	switch {
	case !called:
		return do(tool("open_app", "slug", in.app))
	case c.failed:
		return k.say(in, "open-failed", "app", app.Name, "why", firstLine(c.result))
	}
	return k.say(in, string(in.verb), "app", app.Name)
}

// schema is what a tool takes, as far as we look.
func (k *kernel) integerParam(toolName, param string) bool {
	for _, t := range k.tools {
		if t.Name != toolName {
			continue
		}
		var s struct {
			Properties map[string]struct {
				Type any `json:"type"`
			} `json:"properties"`
		}
		if json.Unmarshal(t.Schema, &s) != nil {
			return false
		}
		typ, _ := s.Properties[param].Type.(string)
		return typ == "integer" || typ == "number"
	}
	return false
}
