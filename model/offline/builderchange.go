package offline

import (
	"regexp"
	"strings"
)

var conflicting = regexp.MustCompile(`(?i)conflict|somebody else changed|changed since|new base`)

// change reads an app's files, changes them together or not at all, and
// reports. A refused landing is either read anew (somebody else changed the
// files) or taken back.
func (b *builder) change(c *changed, now turn, de bool) step {
	app, ok := b.t.state.app(c.App)
	if !ok {
		app = stateApp{Slug: c.App, Name: c.App}
	}
	folder := app.folder()
	for _, ch := range c.Changes {
		if ch.Op == OpDeleteApp {
			return b.remove(app, now, de)
		}
	}
	if len(b.t.turns) > 1 && !conflicting.MatchString(now.text) {
		return b.takeBack(folder, now, de)
	}
	switch now.rounds {
	case 0:
		return do(
			tool("Read", "file_path", folder+"/matrix.json"),
			tool("Read", "file_path", folder+"/src/fields.json"),
			tool("Read", "file_path", folder+"/src/App.tsx"),
		)
	case 1:
		return b.edit(c, now, folder, app, de)
	}
	reads, writes := now.calls[:min(3, len(now.calls))], now.calls[min(3, len(now.calls)):]
	failed, compile := writeTrouble(writes)
	notes, _, t := b.outcome(c, reads, folder, de)
	switch {
	case now.rounds >= 3:
		return say(b.l.say(de, "change-undone", "app", app.Name, "why", b.firstTrouble(writes)))
	case t != nil:
		return say(t.text)
	case failed != "" || compile != "":
		if back := b.restore(reads, writes, folder); len(back) > 0 {
			return do(back...)
		}
		return say(b.l.say(de, "write-failed", "name", app.Name, "why", orEmpty(failed, firstLine(compile))))
	}
	return say(strings.Join(notes, " "))
}

// firstTrouble is what went wrong before the files were put back.
func (b *builder) firstTrouble(writes []call) string {
	for _, c := range writes {
		if failed, compile := writeTrouble([]call{c}); failed != "" || compile != "" {
			return orEmpty(failed, firstLine(compile))
		}
	}
	return ""
}

func (b *builder) edit(c *changed, now turn, folder string, app stateApp, de bool) step {
	if len(now.calls) < 3 || now.calls[0].failed {
		return say(b.l.say(de, "cannot-read", "app", app.Name, "file", folder+"/matrix.json"))
	}
	notes, calls, t := b.outcome(c, now.calls[:3], folder, de)
	switch {
	case t != nil:
		return say(t.text)
	case len(calls) == 0:
		return say(strings.Join(notes, " "))
	}
	return do(calls...)
}

// outcome makes the changes in memory: what to say, what to write.
func (b *builder) outcome(c *changed, reads []call, folder string, de bool) ([]string, []toolCall, *trouble) {
	text := func(i int) string {
		if i >= len(reads) || reads[i].failed {
			return ""
		}
		return fileText(reads[i].result)
	}
	manifest, fields, app := text(0), text(1), text(2)
	s, t := b.l.open(manifest, fields, app, de)
	if t != nil {
		return nil, nil, t
	}
	var notes []string
	for _, ch := range c.Changes {
		note, t := s.apply(ch)
		if t != nil {
			return nil, nil, t
		}
		notes = append(notes, note)
	}
	return notes, s.files(manifest, fields, app, folder), nil
}

// restore writes back what stood in the files that were changed.
func (b *builder) restore(reads, writes []call, folder string) []toolCall {
	var out []toolCall
	for i, name := range []string{"/matrix.json", "/src/fields.json", "/src/App.tsx"} {
		if i >= len(reads) || reads[i].failed {
			continue
		}
		for _, w := range writes {
			if w.arg("file_path") == folder+name && !w.failed {
				out = append(out, tool("Write", "file_path", folder+name, "content", fileText(reads[i].result)))
				break
			}
		}
	}
	return out
}

// takeBack undoes our edits after the landing was refused for another reason
// than a conflict.
func (b *builder) takeBack(folder string, now turn, de bool) step {
	why := firstLine(now.text)
	if now.rounds == 0 {
		first := b.t.turns[0].calls
		if back := b.restore(first[:min(3, len(first))], first[min(3, len(first)):], folder); len(back) > 0 {
			return do(back...)
		}
	}
	return say(b.l.say(de, "change-undone", "app", folder[strings.LastIndexByte(folder, '/')+1:], "why", why))
}

var safeFolder = regexp.MustCompile(`^apps(/[a-z0-9][a-z0-9-]*)+$`)

// remove deletes an app's folder; its data stays.
func (b *builder) remove(app stateApp, now turn, de bool) step {
	if !safeFolder.MatchString(app.folder()) {
		return say(b.l.say(de, "cannot-read", "app", app.Name, "file", app.folder()))
	}
	if now.rounds == 0 {
		return do(tool("Bash", "command", "rm -r -- "+app.folder(), "description", "Remove the app "+app.Slug))
	}
	if c, ok := now.find("Bash"); ok && c.failed {
		return say(b.l.say(de, "not-deleted", "app", app.Name, "why", firstLine(c.result)))
	}
	return say(b.l.say(de, "deleted", "app", app.Name))
}
