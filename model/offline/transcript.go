package offline

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"matrixos/model"
)

// state is what the kernel tells every program about the home.
type state struct {
	Now     string     `json:"now"`
	Program string     `json:"program"`
	Handle  string     `json:"handle"`
	Model   string     `json:"model"`
	Focus   string     `json:"focus"`
	Apps    []stateApp `json:"apps"`
	New     bool       `json:"new"` // the first conversation of a home whose owner is not known
}

type stateApp struct {
	Slug        string                       `json:"slug"`
	Name        string                       `json:"name"`
	Description string                       `json:"description"`
	Icon        string                       `json:"icon"`
	Folder      string                       `json:"folder"`
	Hidden      bool                         `json:"hidden"`
	Shipped     bool                         `json:"shipped"`
	Tables      map[string]map[string]string `json:"tables"`
}

func (a stateApp) folder() string {
	if a.Folder != "" {
		return strings.TrimSuffix(a.Folder, "/")
	}
	return "apps/" + a.Slug
}

// columns are the names of all columns of a, of any table.
func (a stateApp) columns() []string {
	var out []string
	for _, t := range a.Tables {
		for c := range t {
			out = append(out, c)
		}
	}
	return out
}

func (s state) now() time.Time {
	t, err := time.Parse(time.RFC3339, s.Now)
	if err != nil {
		return time.Time{}
	}
	return t
}

func (s state) app(slug string) (stateApp, bool) {
	for _, a := range s.Apps {
		if a.Slug == slug {
			return a, true
		}
	}
	return stateApp{}, false
}

// call is one tool call and, once it is there, its result.
type call struct {
	id     string
	name   string
	input  map[string]any
	done   bool
	failed bool
	result string
}

func (c call) arg(name string) string {
	s, _ := c.input[name].(string)
	return s
}

// turn is what happened since somebody spoke: their words, then our calls.
type turn struct {
	text   string
	calls  []call
	rounds int    // assistant messages of this turn
	said   string // the last text of ours, "" while the turn runs
}

// find returns the newest call named name.
func (t turn) find(name string) (call, bool) {
	for _, v := range slices.Backward(t.calls) {
		if v.name == name {
			return v, true
		}
	}
	return call{}, false
}

// transcript is a conversation as this model reads it.
type transcript struct {
	state state
	turns []turn
}

var stateBlock = regexp.MustCompile(`(?s)<state>(.*?)</state>`)

// read takes a request's messages apart. A user message with text begins a
// turn; text beside tool results (the owner steering) begins one too.
func read(r *model.Request) transcript {
	var t transcript
	for _, m := range r.Messages {
		if m.Role == model.Assistant {
			t.assistant(m)
			continue
		}
		text := t.user(m)
		if text != "" {
			t.turns = append(t.turns, turn{text: text})
		}
	}
	return t
}

// user notes results and the state, and returns the words of the message.
func (t *transcript) user(m model.Message) string {
	var words []string
	for _, b := range m.Blocks {
		switch b.Kind {
		case model.ToolResult:
			t.result(b)
		case model.Text:
			text := b.Text
			if s := stateBlock.FindStringSubmatch(text); s != nil {
				var st state
				if json.Unmarshal([]byte(s[1]), &st) == nil {
					t.state = st // the newest is true
				}
				text = stateBlock.ReplaceAllString(text, "")
			}
			if text = strings.TrimSpace(text); text != "" {
				words = append(words, text)
			}
		case model.Thinking, model.ToolUse, model.Opaque:
		}
	}
	return strings.Join(words, "\n")
}

func (t *transcript) result(b model.Block) {
	for _, v := range slices.Backward(t.turns) {
		calls := v.calls
		for j := range calls {
			if calls[j].id == b.ID && !calls[j].done {
				calls[j].done, calls[j].failed, calls[j].result = true, b.IsError, b.Text
				return
			}
		}
	}
}

func (t *transcript) assistant(m model.Message) {
	if len(t.turns) == 0 {
		t.turns = append(t.turns, turn{})
	}
	now := &t.turns[len(t.turns)-1]
	now.rounds++
	for _, b := range m.Blocks {
		switch b.Kind {
		case model.Text:
			now.said = b.Text
		case model.ToolUse:
			c := call{id: b.ID, name: b.Name}
			if json.Unmarshal(b.Input, &c.input) != nil {
				c.input = nil
			}
			now.calls = append(now.calls, c)
		case model.Thinking, model.ToolResult, model.Opaque:
		}
	}
}

// now is the turn that a reply is wanted for.
func (t transcript) now() turn {
	if len(t.turns) == 0 {
		return turn{}
	}
	return t.turns[len(t.turns)-1]
}

// before is the turn before, if any.
func (t transcript) before() (turn, bool) {
	if len(t.turns) < 2 {
		return turn{}, false
	}
	return t.turns[len(t.turns)-2], true
}

// lastApp is the app that this conversation dealt with last, back turns ago or
// before; 0 is the turn that a reply is wanted for, whose own calls must not
// change how its words are understood.
func (t transcript) lastApp(back int) string {
	for i := len(t.turns) - 2 - back; i >= 0; i-- {
		for _, c := range slices.Backward(t.turns[i].calls) {

			if slug := c.arg("app"); c.name == "spawn" && slug != "" && !c.failed {
				return slug
			}
			if slug := c.arg("slug"); c.name == "open_app" && slug != "" && !c.failed {
				return slug
			}
		}
	}
	return ""
}

var numbered = regexp.MustCompile(`(?m)^\s*\d+(?:\t|→)`)

// fileText is the text of a file from the result of Read, without its line
// numbers.
func fileText(result string) string {
	lines := strings.SplitAfter(result, "\n")
	var b strings.Builder
	any := false
	for _, line := range lines {
		loc := numbered.FindStringIndex(line)
		if loc == nil || loc[0] != 0 {
			if !any && strings.TrimSpace(line) != "" {
				return result // not numbered at all
			}
			continue // a note of the tool below the file
		}
		any = true
		b.WriteString(line[loc[1]:])
	}
	return b.String()
}
