package offline

import (
	"regexp"
	"slices"
	"strings"
)

// bootstrapFile is there as long as the home and its owner have not met; written
// empty, it is removed.
const bootstrapFile = "system/bootstrap.md"

// met are the files that getting to know the owner writes.
var met = []string{"system/user.md", "system/soul.md", "system/identity.md", bootstrapFile}

var skipWord = regexp.MustCompile(`(?i)^\s*(?:skip|no|no thanks|nothing|later|überspringen|nein|später|nichts)?[\s.!]*$`)

// offered adds the offer to get to know the owner to the first answer in a new
// home; what was asked for is done first, and never held up by it.
func (k *kernel) offered(s step) step {
	now := k.t.now()
	if !k.t.state.New || len(k.t.turns) > 1 || len(s.calls) > 0 || s.declined || s.text == "" || len(callsNamed(now, "ask_owner")) > 0 {
		return s
	}
	s.text += "\n\n" + k.l.say(german(now.text), "offer-setup")
	return s
}

// wasOffered reports whether text of ours ended with the offer.
func (k *kernel) wasOffered(said string) bool {
	return strings.HasSuffix(said, k.l.say(false, "offer-setup")) || strings.HasSuffix(said, k.l.say(true, "offer-setup"))
}

func callsNamed(t turn, name string) (out []call) {
	for _, c := range t.calls {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

// meet gets to know the owner: at most three questions, each of which ends it if it
// is skipped, then the files that say who they are.
func (k *kernel) meet(in intent, now turn) step {
	asks := callsNamed(now, "ask_owner")
	var said []string
	for _, a := range asks {
		if a.failed {
			return k.say(in, "tool-failed", "why", firstLine(a.result))
		}
		if skipWord.MatchString(a.result) {
			break
		}
		said = append(said, cutRunes(strings.Join(strings.Fields(a.result), " "), 120))
	}
	questions := []string{"onboard-name", "onboard-purpose", "onboard-tone"}
	if len(said) == len(asks) && len(asks) < len(questions) {
		key := questions[len(asks)]
		choices := []string{}
		for _, c := range strings.Split(k.l.say(in.de, key+"-choices"), "/") {
			if c = strings.TrimSpace(c); c != "" {
				choices = append(choices, c)
			}
		}
		return do(tool("ask_owner", "question", k.l.say(in.de, key), "choices", choices))
	}
	said = append(said, "", "", "")
	return k.noteOwner(in, now, said[0], said[1], said[2])
}

// noteOwner reads what is there, and writes it with what the owner said.
func (k *kernel) noteOwner(in intent, now turn, name, purpose, tone string) step {
	reads, writes := callsNamed(now, "Read"), callsNamed(now, "Write")
	if len(reads) == 0 {
		var calls []toolCall
		for _, f := range met {
			calls = append(calls, tool("Read", "file_path", f))
		}
		if purpose != "" && k.granted("get_persona_suggestions") {
			calls = append(calls, tool("get_persona_suggestions", "role", purpose))
		}
		return do(calls...)
	}
	if len(writes) == 0 {
		if calls := k.ownerFiles(reads, name, purpose, tone); len(calls) > 0 {
			return do(calls...)
		}
	}
	for _, w := range writes {
		if w.failed {
			return k.say(in, "tool-failed", "why", firstLine(w.result))
		}
	}
	if name == "" {
		return k.say(in, "met-skipped")
	}
	text := k.l.say(in.de, "met", "name", name)
	if c, called := now.find("get_persona_suggestions"); called && !c.failed {
		if begin := suggested(c.result); len(begin) > 0 {
			text += " " + k.l.say(in.de, "met-suggest", "list", "- "+strings.Join(begin, "\n- "))
		}
	}
	return say(text)
}

func (k *kernel) granted(name string) bool {
	return missingTool(k.tools, []toolCall{{name: name}}) == ""
}

// suggested are the requests that a suggestion begins with.
func suggested(result string) (out []string) {
	o, err := parseObject(result)
	if err != nil {
		return nil
	}
	raw, ok := o.get("personas")
	if !ok {
		return nil
	}
	for _, m := range requestIn.FindAllStringSubmatch(string(raw), -1) {
		if len(out) < 3 {
			out = append(out, m[1])
		}
	}
	return out
}

var requestIn = regexp.MustCompile(`"request":"((?:[^"\\])+)"`)

var (
	nameLine    = regexp.MustCompile(`(?m)^- Name: .*$`)
	purposeLine = regexp.MustCompile(`(?m)^- What this home is for: .*$`)
	toneLine    = regexp.MustCompile(`(?m)^Tone: .*$`)
)

// ownerFiles are the writes of what the owner said, over what was read. What is
// not there any more, or not to be changed, is left alone.
func (k *kernel) ownerFiles(reads []call, name, purpose, tone string) (out []toolCall) {
	for _, r := range reads {
		file, text := r.arg("file_path"), ""
		if !r.failed {
			text = fileText(r.result)
		}
		before := text
		switch file {
		case "system/user.md":
			text = setLine(text, nameLine, "- Name: ", name)
			text = setLine(text, purposeLine, "- What this home is for: ", purpose)
		case "system/soul.md":
			text = setLine(text, toneLine, "Tone: ", tone)
		case "system/identity.md":
			if name != "" {
				text = strings.Replace(text, "You are the owner's Matrix OS", "You are "+name+"'s Matrix OS", 1)
			}
		case bootstrapFile:
			text = ""
		}
		if text != before {
			out = append(out, tool("Write", "file_path", file, "content", text))
		}
	}
	if handle := identifier(name, ".", 30); handle != "" && k.granted("set_handle") && !slices.ContainsFunc([]string{"_ai", ".ai"}, func(s string) bool { return strings.HasSuffix(handle, s) }) {
		out = append(out, tool("set_handle", "handle", handle, "display_name", name))
	}
	return out
}

// setLine puts a value into its line of a text, or adds the line.
func setLine(text string, line *regexp.Regexp, head, value string) string {
	if value == "" {
		return text
	}
	if line.MatchString(text) {
		return line.ReplaceAllLiteralString(text, head+value)
	}
	return strings.TrimRight(text, "\n") + "\n\n" + head + value + "\n"
}

// keepHandle goes back to the handle of before, where the owner has not wanted the
// new one, so that the rest can land.
func (k *kernel) keepHandle(in intent, now turn) step {
	if c, called := now.find("set_handle"); called {
		if c.failed {
			return k.say(in, "tool-failed", "why", firstLine(c.result))
		}
		return k.say(in, "met-no-handle", "handle", k.t.state.Handle)
	}
	return do(tool("set_handle", "handle", k.t.state.Handle, "display_name", ""))
}
