package obedient

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

// step is one call of the model that has to go well.
type step struct {
	name string
	args machine.Obj
}

// The owner's day: what they say, and what a model does for it. PORT is that of the
// web, SOON a time ahead.
var day = []struct {
	words string
	steps []step
}{
	{"Build me a list of expenses", build("expenses")},
	{"Add a category to each expense", []step{{"spawn", machine.Obj{"program": "builder", "task": "apps/expenses/page.txt", "app": "expenses", "contract": machine.Contract}}}},
	{"Build a habit tracker", build("habits")},
	{"Build a page for my recipes", build("recipes")},
	{"Make the title of the recipes larger", []step{{"spawn", machine.Obj{"program": "builder", "task": "apps/recipes/style.txt", "app": "recipes", "contract": machine.Contract}}}},
	{"Undo that", []step{{"undo", machine.Obj{}}}},
	{"What did you change lately?", []step{{"list_landings", machine.Obj{}}}},
	{"Count the lines of my apps", []step{{"spawn", machine.Obj{"program": "builder", "task": "bash: wc -l apps/*/*", "app": "recipes", "contract": machine.Contract}}}},
	{"Write down: call the plumber", []step{{"Write", machine.Obj{"file_path": "projects/notes.md", "content": "call the plumber\n"}}}},
	{"Add to my notes: buy flour", []step{{"Read", machine.Obj{"file_path": "projects/notes.md"}}, {"Edit", machine.Obj{"file_path": "projects/notes.md", "old_string": "plumber\n", "new_string": "plumber\nbuy flour\n"}}}},
	{"What is in my notes?", []step{{"Read", machine.Obj{"file_path": "projects/notes.md"}}}},
	{"Which notes mention flour?", []step{{"Grep", machine.Obj{"pattern": "flour"}}}},
	{"Which files do I have in projects?", []step{{"Glob", machine.Obj{"pattern": "projects/**"}}}},
	{"Draft a letter to my landlord", []step{{"Write", machine.Obj{"file_path": "projects/letter.md", "content": "Dear …\n"}}}},
	{"Plan the week", []step{{"Read", machine.Obj{"file_path": "projects/notes.md"}}, {"Write", machine.Obj{"file_path": "projects/week.md", "content": "Mon: plumber\n"}}}},
	{"Summarise my diary", []step{{"Read", machine.Obj{"file_path": "projects/diary.md"}}, {"Write", machine.Obj{"file_path": "projects/summary.md", "content": "Private.\n"}}}},
	{"Remind me to water the plants", []step{{"manage_cron", machine.Obj{"action": "add", "message": "Water the plants", "at": "SOON"}}}},
	{"Remind me every Monday to take the bins out", []step{{"manage_cron", machine.Obj{"action": "add", "message": "Bins", "every": "week mon 07:00"}}}},
	{"Which reminders are set?", []step{{"manage_cron", machine.Obj{"action": "list"}}}},
	{"Skip the bins for now", []step{{"manage_cron", machine.Obj{"action": "pause", "name": "Bins"}}}},
	{"No more reminder of the plants", []step{{"manage_cron", machine.Obj{"action": "remove", "name": "Water the plants"}}}},
	{"Tell me each morning what is in my notes", []step{{"manage_cron", machine.Obj{"action": "add", "name": "notes", "ask": "say what is in projects/notes.md", "every": "day 08:00"}}}},
	{"I like my tea without sugar", []step{{"remember", machine.Obj{"content": "tea without sugar", "category": "preference"}}}},
	{"How do I like my tea?", []step{{"recall", machine.Obj{"query": "tea"}}}},
	{"What do you know about me?", []step{{"list_memories", machine.Obj{}}}},
	{"What did I say about flour?", []step{{"search_conversations", machine.Obj{"query": "flour"}}}},
	{"Look for tea everywhere", []step{{"memory_search", machine.Obj{"query": "tea"}}}},
	{"Be a little more formal", []step{{"Read", machine.Obj{"file_path": "system/soul.md"}}, {"Write", machine.Obj{"file_path": "system/soul.md", "content": "Be kind and formal.\n"}}}},
	{"Download the list from cook.example into data", []step{{"spawn", machine.Obj{"program": "builder", "task": "bash: curl -sf http://cook.example:PORT/recipe/list > apps/recipes/list.html", "app": "recipes", "contract": machine.Contract}}}},
	{"How long does bread rise?", []step{{"web_search", machine.Obj{"query": "how long does bread rise"}}}},
	{"Find a recipe and keep it", []step{{"web_search", machine.Obj{"query": "bread recipe"}}, {"Write", machine.Obj{"file_path": "projects/bread.md", "content": "Flour.\n"}}}},
	{"What is on http://cook.example:PORT/recipe/bread?", []step{{"web_fetch", machine.Obj{"url": "http://cook.example:PORT/recipe/bread"}}}},
	{"What is new at cook.example, and in my diary?", []step{{"Read", machine.Obj{"file_path": "projects/diary.md"}}, {"web_fetch", machine.Obj{"url": "http://cook.example:PORT/recipe/new"}}}},
	{"Paint a cat", []step{{"generate_image", machine.Obj{"prompt": "a cat"}}}},
	{"Read my notes to me", []step{{"Read", machine.Obj{"file_path": "projects/notes.md"}}, {"speak", machine.Obj{"text": "Call the plumber."}}}},
	{"Write down my voice note", []step{{"transcribe", machine.Obj{"audio_path": "projects/note.mp3"}}}},
	{"Put painting the fence on the list of tasks", []step{{"create_task", machine.Obj{"type": "chore", "input": "paint the fence"}}}},
	{"What is left to do?", []step{{"list_tasks", machine.Obj{}}}},
	{"The fence is done", []step{{"claim_task", machine.Obj{"task_id": "T1"}}, {"complete_task", machine.Obj{"task_id": "T1", "output": "painted"}}}},
	{"Tell the builder to mind the colours", []step{{"send_message", machine.Obj{"to": "builder", "content": "mind the colours"}}}},
	{"How is everything?", []step{{"read_state", machine.Obj{}}, {"read_messages", machine.Obj{}}}},
	{"Let us talk about something else", []step{{"new_conversation", machine.Obj{}}}},
}

func build(app string) []step {
	return []step{{"spawn", machine.Obj{"program": "builder", "task": "apps/" + app + "/index.txt", "app": app, "contract": machine.Contract}}}
}

// Ordinary work is done without a question.
func TestOrdinaryWorkIsNotAsked(t *testing.T) {
	if len(day) < 40 {
		t.Fatalf("%d tasks", len(day))
	}
	var w *world
	fill := func(s string) string {
		return strings.NewReplacer("PORT", w.port, "SOON", time.Now().Add(time.Hour).Format(time.RFC3339)).Replace(s)
	}
	var steps []step
	w = newWorld(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, words string) (string, error) {
			for _, s := range steps {
				args := machine.Obj{}
				for k, v := range s.args {
					if text, ok := v.(string); ok {
						v = fill(text)
					}
					args[k] = v
				}
				if out, err := machine.Call(ctx, h, s.name, args); err != nil {
					t.Errorf("%q: %s: %v %s", words, s.name, err, out)
				}
			}
			return "done", nil
		},
		"builder": func(ctx context.Context, h engine.Host, _ int, words string) (string, error) {
			task := strings.Fields(words)
			if _, command, bash := strings.Cut(words, "bash: "); bash {
				return machine.Call(ctx, h, "Bash", machine.Obj{"command": command})
			}
			return machine.Call(ctx, h, "Write", machine.Obj{"file_path": task[len(task)-1], "content": "built"})
		},
	}, kernel.Caps{Day: &sys.Budget{}})
	if err := os.WriteFile(filepath.Join(w.Home, "projects/note.mp3"), []byte("mp3"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range day {
		steps = d.steps
		if a, _ := w.Ask(fill(d.words)); !a.OK {
			t.Errorf("%q: %+v", d.words, a)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.asked) > 0 {
		t.Errorf("the owner was asked %q", w.asked)
	}
}
