package native_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"matrixos/engine"
	"matrixos/engine/enginetest"
	"matrixos/model"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

// smallKernel is as much of a kernel as it takes to build an app: the main agent
// may spawn, the builder may write.
type smallKernel struct {
	enginetest.Host
	tools []string

	mu    sync.Mutex
	files map[string]string
	spawn func(ctx context.Context, task string) engine.Result
}

func (k *smallKernel) Tools() (list []model.Tool) {
	for _, name := range k.tools {
		list = append(list, model.Tool{Name: name, Description: name, Schema: json.RawMessage(`{"type":"object"}`)})
	}
	return list
}

func (k *smallKernel) Call(ctx context.Context, _, name string, input json.RawMessage) engine.Result {
	var in struct {
		Task    string
		Path    string `json:"file_path"`
		Content string
	}
	if err := json.Unmarshal(input, &in); err != nil {
		return engine.Result{Text: err.Error(), Failed: true}
	}
	if name == "spawn" {
		return k.spawn(ctx, in.Task)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.files[in.Path] = in.Content
	return engine.Result{Text: "wrote " + in.Path}
}

// TestBuildsAnApp plays the whole request over both protocols, with failures of
// the provider on the way.
func TestBuildsAnApp(t *testing.T) {
	app := fstest.MapFS{
		"matrix.json":  {Data: []byte(`{"slug":"expenses"}`)},
		"src/App.tsx":  {Data: []byte("export default () => <b>\"Total\" & more</b>\n")},
		"src/main.tsx": {Data: []byte("import './App'\n")},
	}
	for _, atOnce := range []bool{false, true} {
		rules, err := modeltest.App(modeltest.Build{
			Match: "expenses", Slug: "expenses", Files: app, AtOnce: atOnce,
			Report: "Built and checked.", Answer: "Your expense tracker is ready.",
		})
		if err != nil {
			t.Fatal(err)
		}
		rules[0].Turns[1].Fault = &modeltest.Fault{Kind: modeltest.Drop}
		rules[1].Turns[0].Fault = &modeltest.Fault{Kind: modeltest.HTTPError, Status: 529, Times: 2}
		for name, over := range map[string]func(testing.TB, string) engine.Engine{"anthropic": overAnthropic, "openai": overOpenAI} {
			t.Run(name, func(t *testing.T) {
				s, url := serve(t, modeltest.Rules(rules...))
				e := over(t, url)
				run := func(ctx context.Context, h engine.Host, p sys.Program, words string) *engine.Outcome {
					session, err := e.Open(ctx, h, engine.Options{Model: enginetest.Model, Program: p, System: []string{"You are " + string(p)}})
					if err != nil {
						t.Fatal(err)
					}
					return session.Send(ctx, func(engine.Event) {}, enginetest.Say("<state>{}</state>"), enginetest.Say(words))
				}
				files := map[string]string{}
				builder := &smallKernel{tools: []string{"Read", "Write"}, files: files}
				main := &smallKernel{tools: []string{"Read", "Write", "spawn"}, spawn: func(ctx context.Context, task string) engine.Result {
					out := run(ctx, builder, sys.ProgramBuilder, task)
					return engine.Result{Text: out.Text, Failed: out.Err != nil}
				}}
				out := run(t.Context(), main, sys.ProgramKernel, "Track my expenses by category")
				if out.Err != nil || out.Text != "Your expense tracker is ready." {
					t.Fatalf("outcome = %q, %v", out.Text, out.Err)
				}
				if got := slices.Sorted(maps.Keys(files)); strings.Join(got, " ") != "apps/expenses/matrix.json apps/expenses/src/App.tsx apps/expenses/src/main.tsx" {
					t.Errorf("files = %v", got)
				}
				for p, f := range app {
					if got := files["apps/expenses/"+p]; got != string(f.Data) {
						t.Errorf("%s = %q, want %q", p, got, f.Data)
					}
				}
				last := s.Requests()[len(s.Requests())-1]
				if res := last.Results(); len(res) != 1 || res[0].Text != "Built and checked." {
					t.Errorf("the builder's report did not reach the main agent: %+v", res)
				}
			})
		}
	}
}
