package offline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"matrixos/model"
	"matrixos/sys"
)

// ID is the model's id, in settings and in the provenance of landings.
const ID = "offline"

// Model is the built-in model. It is stateless and may be used by many
// goroutines at once.
type Model struct {
	words *lexicon
}

var _ model.Model = (*Model)(nil)

// New loads the lexicon. It fails only if the binary's own data is damaged.
func New() (*Model, error) {
	l, err := loadLexicon()
	if err != nil {
		return nil, &sys.Error{Op: "start the built-in model", Kind: sys.Internal, Err: err, Hint: "reinstall this version"}
	}
	return &Model{words: l}, nil
}

// Limits are far above what a conversation with rules needs; nothing is ever
// compacted for this model's sake.
func (m *Model) Limits(string) model.Limits {
	return model.Limits{Context: 1 << 20, MaxOutput: 1 << 17}
}

// Stream decides the next step of the transcript in r and streams it.
func (m *Model) Stream(ctx context.Context, r *model.Request, sink func(model.Delta)) (*model.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, &sys.Error{Op: "ask the built-in model", Kind: sys.Canceled, Err: err}
	}
	s := m.decide(r)
	reply := &model.Reply{Stop: model.StopEnd, Model: ID, ID: ID + "-" + itoa(len(r.Messages))}
	reply.Message.Role = model.Assistant
	if s.text != "" {
		for _, piece := range pieces(s.text) {
			if err := ctx.Err(); err != nil {
				return nil, &sys.Error{Op: "ask the built-in model", Kind: sys.Canceled, Err: err}
			}
			sink(model.Delta{Text: piece})
		}
		reply.Message.Blocks = append(reply.Message.Blocks, model.Block{Kind: model.Text, Text: s.text})
	}
	if s.declined {
		reply.Stop = model.StopRefusal
	}
	for i, c := range s.calls {
		b, err := c.block("off_" + itoa(len(r.Messages)) + "_" + itoa(i+1))
		if err != nil {
			return nil, err
		}
		sink(model.Delta{Tool: &model.Block{Kind: model.ToolUse, ID: b.ID, Name: b.Name}})
		sink(model.Delta{Input: string(b.Input)})
		reply.Message.Blocks = append(reply.Message.Blocks, b)
		reply.Stop = model.StopTool
	}
	return reply, nil
}

// step is what to say and do next.
type step struct {
	text  string
	calls []toolCall
	// declined says that what was asked is not done, so that nobody counts the
	// reply as a success.
	declined bool
}

func say(text string) step { return step{text: text} }

func decline(text string) step { return step{text: text, declined: true} }

func do(calls ...toolCall) step { return step{calls: calls} }

type toolCall struct {
	name  string
	input map[string]any
}

func tool(name string, pairs ...any) toolCall {
	c := toolCall{name: name, input: map[string]any{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		c.input[pairs[i].(string)] = pairs[i+1]
	}
	return c
}

func (c toolCall) block(id string) (model.Block, error) {
	raw, err := json.Marshal(c.input)
	if err != nil {
		return model.Block{}, &sys.Error{Op: "ask the built-in model", Path: c.name, Kind: sys.Internal, Err: err}
	}
	return model.Block{Kind: model.ToolUse, ID: id, Name: c.name, Input: raw}, nil
}

// decide plays the program that asks.
func (m *Model) decide(r *model.Request) step {
	t := read(r)
	program := r.Program
	if program == "" {
		program = sys.Program(t.state.Program)
	}
	var s step
	switch program {
	case sys.ProgramBuilder:
		b := builder{l: m.words, t: t}
		s = b.next()
	case sys.ProgramKernel, "":
		k := kernel{l: m.words, t: t, tools: r.Tools}
		s = k.next()
	default:
		s = decline(m.words.say(german(t.now().text), "other-program", "program", string(program)))
	}
	if missing := missingTool(r.Tools, s.calls); missing != "" {
		return decline(m.words.say(german(t.now().text), "no-tool", "tool", missing))
	}
	return s
}

// missingTool names a call that this process may not make, so that we say so
// rather than try. A request without tools is not checked: it lists none.
func missingTool(have []model.Tool, calls []toolCall) string {
	if len(have) == 0 {
		return ""
	}
	for _, c := range calls {
		if !slices.ContainsFunc(have, func(t model.Tool) bool { return t.Name == c.name }) {
			return c.name
		}
	}
	return ""
}

// pieces cuts text after spaces, for the sink.
func pieces(text string) []string {
	var out []string
	for _, w := range strings.SplitAfter(text, " ") {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}
