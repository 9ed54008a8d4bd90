package offline

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"matrixos/model"
	"matrixos/sys"
)

// host is a home in memory that plays the system calls, runs the engine's
// loop, and spawns builders, as the kernel does.
type host struct {
	t      *testing.T
	m      *Model
	files  map[string]string
	cron   []map[string]string
	memory []string
	isNew  bool
	asked  []string
	rows   []string // what app_data was asked
	// questions are those that were put to the owner, who says one of says to each, and
	// leaves the rest open.
	questions, says []string
	contract        string // of the newest spawn
	// answers is what app_data says to a question.
	answers func(asked string) string
	landed  []map[string]string // the files before each landing
	focus   string
	opened  []string
	history []model.Message // of the main agent's conversation
	// after is called with each tool call of a builder; a non-empty result
	// replaces what the tool would have said.
	after func(name string, input map[string]any) (string, bool)
	// refuse is sent back once instead of landing.
	refuse string
	trace  []string
}

func newHost(t *testing.T) *host {
	t.Helper()
	m, err := sharedModel()
	if err != nil {
		t.Fatal(err)
	}
	return &host{t: t, m: m, files: map[string]string{"system/theme.json": "{\"mode\":\"system\",\"accent\":\"#1F7A4D\",\"wallpaper\":\"contours\"}\n"}}
}

// sharedModel is one model for all tests, which is what it promises to bear.
var sharedModel = sync.OnceValues(New)

var (
	kernelTools  = []string{"Read", "Glob", "Grep", "Write", "Edit", "spawn", "open_app", "app_data", "ask_owner", "set_handle", "get_persona_suggestions", "list_landings", "undo", "manage_cron", "remember", "recall", "forget", "list_memories", "read_state"}
	builderTools = []string{"Read", "Write", "Edit", "Glob", "Grep", "Bash"}
)

func tools(names []string) []model.Tool {
	var out []model.Tool
	for _, n := range names {
		out = append(out, model.Tool{Name: n, Schema: json.RawMessage(`{"type":"object"}`)})
	}
	return out
}

func (h *host) state(program string) string {
	st := map[string]any{"now": "2026-11-23T12:00:00+01:00", "program": program, "handle": "@you:local", "model": "offline", "focus": h.focus, "apps": h.apps(), "new": h.isNew}
	raw, err := json.Marshal(st)
	if err != nil {
		h.t.Fatal(err)
	}
	return "<state>" + string(raw) + "</state>"
}

func (h *host) apps() []map[string]any {
	out := []map[string]any{}
	var names []string
	for p := range h.files {
		if strings.HasPrefix(p, "apps/") && strings.HasSuffix(p, "/matrix.json") {
			names = append(names, p)
		}
	}
	slices.Sort(names)
	for _, p := range names {
		var m struct {
			Name, Slug, Icon, Description string
			Storage                       struct {
				Tables map[string]struct{ Columns map[string]string }
			}
		}
		if err := json.Unmarshal([]byte(h.files[p]), &m); err != nil {
			h.t.Fatalf("%s: %v", p, err)
		}
		tables := map[string]map[string]string{}
		for n, t := range m.Storage.Tables {
			tables[n] = t.Columns
		}
		out = append(out, map[string]any{"slug": m.Slug, "name": m.Name, "icon": m.Icon, "description": m.Description, "folder": path.Dir(p), "tables": tables})
	}
	return out
}

// ask says text to the main agent and returns its answer.
func (h *host) ask(text string) string {
	h.t.Helper()
	h.history = append(h.history, userMessage(h.state("kernel"), text))
	before := h.copyFiles()
	answer := h.loop(sys.ProgramKernel, kernelTools, &h.history)
	if !mapsEqual(before, h.files) && (len(h.landed) == 0 || !mapsEqual(h.landed[len(h.landed)-1], before)) {
		h.landed = append(h.landed, before)
	}
	return answer
}

func userMessage(parts ...string) model.Message {
	m := model.Message{Role: model.User}
	for _, p := range parts {
		m.Blocks = append(m.Blocks, model.Block{Kind: model.Text, Text: p})
	}
	return m
}

// loop is the engine's: request, calls, results, until an answer.
func (h *host) loop(program sys.Program, names []string, messages *[]model.Message) string {
	h.t.Helper()
	for range 20 {
		r := &model.Request{Program: program, Messages: *messages, Tools: tools(names), Previous: -1}
		var streamed strings.Builder
		reply, err := h.m.Stream(h.t.Context(), r, func(d model.Delta) { streamed.WriteString(d.Text) })
		if err != nil {
			h.t.Fatal(err)
		}
		again, err := h.m.Stream(h.t.Context(), r, func(model.Delta) {})
		if err != nil || fmt.Sprint(again) == "" || mustJSON(h.t, again) != mustJSON(h.t, reply) {
			h.t.Fatalf("the same transcript got two replies:\n%s\n%s", mustJSON(h.t, reply), mustJSON(h.t, again))
		}
		*messages = append(*messages, reply.Message)
		results := model.Message{Role: model.User}
		text := ""
		for _, b := range reply.Message.Blocks {
			switch b.Kind {
			case model.Text:
				text = b.Text
				if streamed.String() != text {
					h.t.Errorf("streamed %q, replied %q", streamed.String(), text)
				}
			case model.ToolUse:
				if !slices.Contains(names, b.Name) {
					h.t.Fatalf("%s called %s, which it does not have", program, b.Name)
				}
				out, failed := h.call(program, b)
				results.Blocks = append(results.Blocks, model.Block{Kind: model.ToolResult, ID: b.ID, Text: out, IsError: failed})
			}
		}
		if reply.Stop == model.StopEnd || reply.Stop == model.StopRefusal {
			if text == "" {
				h.t.Fatal("a turn ended without a word")
			}
			return text
		}
		*messages = append(*messages, results)
	}
	h.t.Fatalf("%s did not come to an end", program)
	return ""
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func (h *host) call(program sys.Program, b model.Block) (string, bool) {
	h.t.Helper()
	var in map[string]any
	if err := json.Unmarshal(b.Input, &in); err != nil {
		h.t.Fatalf("%s: arguments do not parse: %v", b.Name, err)
	}
	h.trace = append(h.trace, string(program)+" "+b.Name)
	if h.after != nil {
		if out, done := h.after(b.Name, in); done {
			return out, strings.HasPrefix(out, "error:")
		}
	}
	arg := func(k string) string { s, _ := in[k].(string); return s }
	switch b.Name {
	case "app_data":
		h.rows = append(h.rows, compactJSON(in))
		if arg("action") == "insert" {
			return "Added 1 row, with id x; it lands with your other changes.", false
		}
		return h.answers(compactJSON(in)), false
	case "Read":
		text, ok := h.files[arg("file_path")]
		if !ok {
			return "no such file: " + arg("file_path"), true
		}
		return catN(text), false
	case "Write":
		h.files[arg("file_path")] = arg("content")
		return "Wrote " + arg("file_path") + ".", false
	case "Edit":
		text := h.files[arg("file_path")]
		if n := strings.Count(text, arg("old_string")); n != 1 || arg("old_string") == "" {
			return fmt.Sprintf("old_string occurs %d times in %s", n, arg("file_path")), true
		}
		h.files[arg("file_path")] = strings.Replace(text, arg("old_string"), arg("new_string"), 1)
		return "Edited " + arg("file_path") + ".", false
	case "Bash":
		folder, ok := strings.CutPrefix(arg("command"), "rm -r -- ")
		if !ok {
			h.t.Fatalf("a command that the tests do not know: %s", arg("command"))
		}
		for p := range h.files {
			if strings.HasPrefix(p, folder+"/") {
				delete(h.files, p)
			}
		}
		return "", false
	case "ask_owner":
		h.questions = append(h.questions, arg("question"))
		if n := len(h.questions); n <= len(h.says) {
			return h.says[n-1], false
		}
		return "(the owner leaves it to you: decide)", false
	case "spawn":
		h.contract = compactJSON(in["contract"])
		return h.spawn(arg("task"))
	}
	return h.homeCall(b.Name, arg)
}

func (h *host) homeCall(name string, arg func(string) string) (string, bool) {
	switch name {
	case "open_app":
		for _, a := range h.apps() {
			if a["slug"] == arg("slug") {
				h.opened = append(h.opened, arg("slug"))
				h.focus = arg("slug")
				return "Opened " + arg("slug") + ".", false
			}
		}
		return "no app called " + arg("slug"), true
	case "undo":
		if len(h.landed) == 0 {
			return "there is nothing to undo", true
		}
		h.files = h.landed[len(h.landed)-1]
		h.landed = h.landed[:len(h.landed)-1]
		return "Undid L" + itoa(len(h.landed)+1) + " (the newest change) as L9: modified apps/expenses/matrix.json.", false
	case "list_landings":
		return "L2  Build the app\nL1  New home", false
	case "manage_cron":
		switch arg("action") {
		case "add":
			h.cron = append(h.cron, map[string]string{"name": arg("name"), "message": arg("message"), "at": arg("at"), "every": arg("every")})
			return "Added " + arg("name") + ".", false
		case "remove":
			n := len(h.cron)
			i := -1
			h.cron = slices.DeleteFunc(h.cron, func(c map[string]string) bool {
				i++
				return c["name"] == arg("name") || fmt.Sprintf("%08x", i+1) == arg("name")
			})
			if n == len(h.cron) {
				return "no such schedule", true
			}
			return "Removed.", false
		}
		var b strings.Builder
		for i, c := range h.cron {
			fmt.Fprintf(&b, "%08x  %s  next Tue 24 Nov 09:00\n", i+1, c["message"])
		}
		if b.Len() == 0 {
			return "No reminders are set.", false
		}
		return b.String(), false
	case "remember":
		h.memory = append(h.memory, arg("content"))
		return "Remembered as m" + itoa(len(h.memory)) + ".", false
	case "recall", "list_memories":
		var b strings.Builder
		for i, m := range h.memory {
			if m != "" && (name == "list_memories" || overlaps(m, arg("query"))) {
				fmt.Fprintf(&b, "%08x  [fact, 2026-11-23]  %s\n", i+1, m)
			}
		}
		if b.Len() == 0 {
			return "Nothing is remembered about that.", false
		}
		return b.String(), false
	case "forget":
		for i := range h.memory {
			if fmt.Sprintf("%08x", i+1) == arg("id") {
				h.memory[i] = ""
				return "Forgotten.", false
			}
		}
		return "no such memory", true
	case "read_state":
		return `{"processes":[]}`, false
	}
	h.t.Fatalf("a tool that the tests do not know: %s", name)
	return "", true
}

// spawn runs a builder to its landing, as the system call does.
func (h *host) spawn(task string) (string, bool) {
	h.t.Helper()
	before := h.copyFiles()
	messages := []model.Message{userMessage(h.state("builder"), task)}
	out := h.loop(sys.ProgramBuilder, builderTools, &messages)
	if h.refuse != "" {
		messages = append(messages, userMessage(h.refuse))
		h.refuse = ""
		out = h.loop(sys.ProgramBuilder, builderTools, &messages)
	}
	if !mapsEqual(before, h.files) {
		h.landed = append(h.landed, before)
		out += "\nLanded as L" + itoa(len(h.landed)) + ": modified some files\nVerified: static"
	}
	return out, false
}

func overlaps(text, query string) bool {
	for w := range strings.FieldsSeq(fold(query)) {
		if len(w) > 2 && hasWord(fold(text), w) {
			return true
		}
	}
	return false
}

func (h *host) copyFiles() map[string]string {
	out := map[string]string{}
	maps.Copy(out, h.files)
	return out
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}

func catN(text string) string {
	var b strings.Builder
	for i, line := range strings.SplitAfter(text, "\n") {
		if line != "" {
			fmt.Fprintf(&b, "%6d\t%s", i+1, line)
		}
	}
	return b.String()
}
