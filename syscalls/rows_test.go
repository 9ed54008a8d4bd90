package syscalls_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/audit"
	"matrixos/disk"
	"matrixos/disk/sync"
	"matrixos/egress"
	"matrixos/kernel"
	"matrixos/keyring"
	"matrixos/sys"
	"matrixos/syscalls"
	"matrixos/test/machine"
)

// outdoors is the world outside of a machine, which a crash of it leaves as it is.
type outdoors struct {
	made   atomic.Int32 // images, speech
	meet   *sync.Sync   // of the machine that runs
	look   *audit.Auditor
	tokens ring
	shop   *httptest.Server // a service
	orders atomic.Int32
	people others
}

func newOutdoors(t *testing.T) *outdoors {
	t.Helper()
	o := &outdoors{tokens: ring{}}
	o.shop = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.Header.Get("Authorization") == "Bearer "+shopKey {
			o.orders.Add(1)
		}
		_, _ = io.WriteString(w, `{"ordered":true}`)
	}))
	t.Cleanup(o.shop.Close)
	return o
}

const shopKey = "k-canary-4711"

// shopFile describes the service; SHOP is where it is.
const shopFile = `{"base_url":"SHOP","auth":{"style":"bearer"},"actions":{"order":{"method":"POST","path":"/orders"},"list":{"method":"GET","path":"/orders"}}}`

// keys is the keyring as a caller of services has it.
type keys struct{}

func (keys) Get(name string) (keyring.Secret, error) {
	if name == "service/shop" {
		return keyring.NewSecret(shopKey), nil
	}
	return keyring.Secret{}, sys.NotFound
}

// ring is a keyring without a file.
type ring map[string]string

func (r ring) Get(name string) (string, error) {
	if v, ok := r[name]; ok {
		return v, nil
	}
	return "", sys.NotFound
}
func (r ring) Set(name, value string) error { r[name] = value; return nil }
func (r ring) Delete(name string) error     { delete(r, name); return nil }

var loopback = egress.New(egress.Options{Allow: func(a netip.AddrPort) bool { return a.Addr().IsLoopback() }})

func (o *outdoors) options(home string) syscalls.Options {
	return syscalls.Options{Why: errors.New("no sandbox in this test"), Mount: home, Pages: o, Services: o, Remotes: o, Audit: o, Bundles: o, Social: &o.people, Caller: egress.NewCaller(loopback, keys{})}
}

// open joins it to the home of a machine that has just started.
func (o *outdoors) open(ctx context.Context, d *disk.Disk, k *kernel.Kernel) (err error) {
	o.look = audit.New(audit.Options{
		Disk: d, Kernel: k, Listen: "0.0.0.0:4000", Now: time.Now,
		Keyring: func() (string, bool) { return "encrypted", false },
		Apps:    func() (map[sys.Slug][]string, error) { return nil, nil },
		Backup:  func(context.Context) (time.Time, bool, string, error) { return time.Time{}, false, "", nil },
	})
	o.meet, err = sync.New(ctx, d, o.tokens, slog.New(slog.DiscardHandler))
	return err
}

func (o *outdoors) Report(ctx context.Context) (audit.Report, error) { return o.look.Report(ctx) }

func (o *outdoors) SyncFiles(ctx context.Context, r syscalls.SyncRequest) (syscalls.SyncReply, error) {
	got, err := o.meet.Do(ctx, sync.Request{Action: r.Action, Message: r.Message, Remote: r.Remote, URL: r.URL})
	out := syscalls.SyncReply{Text: got.Text, Merged: got.Merged}
	for _, m := range got.Remotes {
		out.Remotes = append(out.Remotes, syscalls.Remote(m))
	}
	return out, err
}

func (o *outdoors) Searcher() (egress.Searcher, error)       { return o, nil }
func (o *outdoors) Painter() (egress.Painter, error)         { return o, nil }
func (o *outdoors) Speaker() (egress.Speaker, error)         { return o, nil }
func (o *outdoors) Transcriber() (egress.Transcriber, error) { return o, nil }

func (o *outdoors) Read(_ context.Context, url string) (egress.Page, error) {
	return egress.Page{URL: url, Title: "A page", Text: "About bread."}, nil
}

func (o *outdoors) Search(context.Context, string, int) ([]egress.Hit, error) {
	return []egress.Hit{{Title: "Rye", URL: "https://a.example/rye", Text: "Sour."}}, nil
}

func (o *outdoors) Paint(context.Context, egress.Picture) (egress.File, error) {
	o.made.Add(1)
	return egress.File{Type: "image/png", Data: []byte("png")}, nil
}

func (o *outdoors) Speak(context.Context, string, string) (egress.File, error) {
	o.made.Add(1)
	return egress.File{Type: "audio/mpeg", Data: []byte("mp3")}, nil
}

func (o *outdoors) Transcribe(context.Context, egress.File) (string, error) { return "Buy milk.", nil }

// Key signs this home's bundles.
func (o *outdoors) Key() (ed25519.PrivateKey, error) { return keyOf(1), nil }

// Fetch is a bundle of somebody else.
func (o *outdoors) Fetch(context.Context, string) ([]byte, error) {
	return bundleOf("pie", "1.0.0", "@bob:b.example", keyOf(2))
}

var (
	none   = machine.Obj{}
	memory = map[string]string{"agents/memory/m1.md": "fact · 2026-01-02\n\nThe dog is called Rex\n"}
	task   = []use{{"create_task", machine.Obj{"type": "research"}}}
	taken  = []use{{"claim_task", machine.Obj{"task_id": "T1"}}}
)

// unchanged counts for a tool that has no effect to lose or to double.
func unchanged(*world) int { return 0 }

// landed counts files that a landing has brought.
func landed(path string) func(*world) int {
	return func(w *world) int {
		if w.File(path) == "" {
			return 0
		}
		return 1
	}
}

func outside(w *world) int { return int(w.out.made.Load()) }

// happened counts events of a kind.
func happened(kind sys.EventKind) func(*world) int {
	return func(w *world) (n int) {
		if err := w.Disk.Journal().QueryRow(w.t.Context(), `SELECT count(*) FROM event WHERE kind = ?`, string(kind)).Scan(&n); err != nil {
			w.t.Error(err)
		}
		return n
	}
}

// begun counts how often a program has begun.
func begun(program sys.Program) func(*world) int {
	return func(w *world) (n int) {
		rows, err := w.Disk.Journal().Query(w.t.Context(), `SELECT row FROM kernel_process`)
		if err != nil {
			w.t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var raw string
			var p sys.Process
			if err := errors.Join(rows.Scan(&raw), json.Unmarshal([]byte(raw), &p)); err != nil {
				w.t.Fatal(err)
			}
			if p.Program == program {
				n++
			}
		}
		return n
	}
}

// fourRows is every IPC tool.
var fourRows = map[string]row{
	"list_tasks": {
		before: task, args: none, want: "T1  ready", bad: machine.Obj{"assignee": "kernel"}, why: "number of a process",
		count: times("list_tasks", none, "T1"), crashed: 1,
	},
	"create_task": {
		args: machine.Obj{"type": "research"}, want: "Task T1 is ready", bad: machine.Obj{"type": "research", "depends_on": []string{"T9"}}, why: "T9",
		count: times("list_tasks", none, "research"), crashed: 1,
	},
	"claim_task": {
		before: task, args: machine.Obj{"task_id": "T1"}, want: "Yours now: T1", bad: machine.Obj{"task_id": "T9"}, why: "T9",
		again: "claimed it already; go on", count: times("list_tasks", none, "T1"), crashed: 1,
	},
	"complete_task": {
		before: task, holding: taken, args: machine.Obj{"task_id": "T1", "output": "rye"}, want: "Task T1 is done",
		bad: machine.Obj{"task_id": "T9", "output": "x"}, why: "T9", foreign: "not yours",
		count: times("list_tasks", none, "T1  done"), crashed: 1,
	},
	"fail_task": {
		before: task, holding: taken, args: machine.Obj{"task_id": "T1", "error": "no flour"}, want: "Task T1 is failed",
		bad: machine.Obj{"task_id": "T9", "error": "x"}, why: "T9", foreign: "not yours",
		count: times("list_tasks", none, "no flour"), crashed: 1,
	},
	"send_message": {
		args: machine.Obj{"to": "kernel", "content": "bread is done"}, want: "Sent.", bad: machine.Obj{"to": "nobody", "content": "x"}, why: "nobody",
		count: times("read_messages", none, "bread is done"), crashed: 1,
	},
	"read_messages": {
		before: []use{{"send_message", machine.Obj{"to": "kernel", "content": "bread is done"}}}, args: none, want: "bread is done",
		bad: machine.Obj{"all": true}, why: "additional properties", count: times("read_messages", none, "bread is done"), crashed: 0,
	},
	"wait":           {args: machine.Obj{"seconds": 1}, want: "It is ", bad: machine.Obj{"seconds": 0}, why: "minimum", count: unchanged},
	"read_state":     {args: none, want: `"landing"`, bad: machine.Obj{"of": "x"}, why: "additional properties", count: unchanged},
	"security_audit": {args: none, want: "served to your network", bad: machine.Obj{"of": "x"}, why: "additional properties", count: unchanged},
	"load_skill": {
		files: map[string]string{"agents/skills/bake/SKILL.md": "---\nname: bake\ndescription: Bakes bread.\n---\nKnead it.\n"},
		args:  machine.Obj{"skill_name": "bake"}, want: "Knead it.", bad: machine.Obj{"skill_name": "fry"}, why: "fry", count: unchanged,
	},
	"manage_cron": {
		args: machine.Obj{"action": "add", "message": "Water the plants", "every": "day 08:00"}, want: "is set",
		bad: machine.Obj{"action": "add", "message": "x", "every": "sometimes"}, why: "day 08:00",
		count: times("manage_cron", machine.Obj{"action": "list"}, "Water the plants"), crashed: 0, // it had not landed, and the model was told
	},
	"set_handle": {
		files: map[string]string{"system/handle.json": "{\"handle\": \"@you:local\", \"display_name\": \"\"}\n"},
		args:  machine.Obj{"handle": "@anna", "display_name": "Anna"}, want: "@anna:local", bad: machine.Obj{"handle": "Anna B"}, why: "small letters",
		count: times("Grep", machine.Obj{"pattern": "anna", "path": "system"}, "handle.json"), crashed: 1,
	},
	"sync_files": {
		args: machine.Obj{"action": "add_remote", "remote_url": "/srv/home.git"}, want: "/srv/home.git",
		bad: machine.Obj{"action": "add_remote", "remote_url": "https://me:secret@git.example/home"}, why: "keeps the token in the keyring",
		count: times("sync_files", machine.Obj{"action": "status"}, "/srv/home.git"), crashed: 1,
	},
	"get_persona_suggestions": {
		files: map[string]string{"agents/knowledge/personas.json": `[{"id":"student","name":"Student","words":["exam"],"apps":[{"title":"Exams","request":"track my exams"}]},{"id":"general","name":"Everyday"}]`},
		args:  machine.Obj{"role": "I have an exam, soon"}, want: "track my exams", bad: machine.Obj{"role": " "}, why: "nothing in role", count: unchanged,
	},
	"write_setup_plan": {
		args: machine.Obj{"plan_json": `{"role":"baker","apps":[{"title":"Bread","request":"Say hello"}],"schedule":[{"name":"Bake","message":"Bake bread","every":"day 05:00"}],"soul":"Warm."}`}, want: "worked off by itself",
		bad: machine.Obj{"plan_json": `{"apps":[{"title":"","request":"x"}]}`}, why: "title is",
		count: func(w *world) (n int) {
			if err := w.Disk.Journal().QueryRow(w.t.Context(), `SELECT count(*) FROM kernel_setup`).Scan(&n); err != nil {
				w.t.Error(err)
			}
			return n*100 + 10*strings.Count(w.File("system/cron.json"), "Bake bread") + strings.Count(w.File("system/soul.md"), "Warm.")
		}, crashed: 111,
	},
	"search_conversations": {
		args: machine.Obj{"query": "do it"}, want: "do it", bad: machine.Obj{"query": ""}, why: "minLength", count: unchanged,
	},
	"remember": {
		args: machine.Obj{"content": "The cat is called Tom"}, want: "Remembered as", bad: machine.Obj{"content": "  "}, why: "nothing in it",
		count: times("list_memories", none, "Tom"), crashed: 0,
	},
	"recall": {
		files: memory, args: machine.Obj{"query": "dog"}, want: "Rex", bad: machine.Obj{"query": "dog", "category": "x"}, why: "category", count: unchanged,
	},
	"forget": {
		files: memory, args: machine.Obj{"id": "m1"}, want: "Forgot", bad: machine.Obj{"id": "m9"}, why: "m9",
		count: times("list_memories", none, "Rex"), crashed: 1, // it had not landed, and the model was told
	},
	"list_memories": {files: memory, args: none, want: "Rex", bad: machine.Obj{"category": "x"}, why: "category", count: unchanged},
	"memory_search": {files: memory, args: machine.Obj{"query": "dog"}, want: "Rex", bad: machine.Obj{"query": ""}, why: "minLength", count: unchanged},
	"new_conversation": {
		args: none, want: "New conversation", bad: machine.Obj{"channel": "pigeon"}, why: "channel",
		count: unchanged, // it is a name; it comes to be with the first word in it
	},
	"generate_image": {
		args: machine.Obj{"prompt": "a loaf"}, want: "data/pictures", bad: machine.Obj{"prompt": "a loaf", "aspect_ratio": "7:1"}, why: "aspect_ratio",
		count: outside, crashed: 1,
	},
	"speak": {args: machine.Obj{"text": "Hello"}, want: "Spoken", bad: machine.Obj{"text": ""}, why: "minLength", count: outside, crashed: 1},
	"transcribe": {
		files: map[string]string{"data/speech/note.mp3": "mp3"}, args: machine.Obj{"audio_path": "data/speech/note.mp3"}, want: "Buy milk.",
		bad: machine.Obj{"audio_path": "data/speech/none.mp3"}, why: "note.mp3", count: unchanged,
	},
	"web_fetch":  {args: machine.Obj{"url": "https://a.example/"}, want: "About bread.", bad: machine.Obj{"url": "file:///etc/passwd"}, why: "http", count: unchanged},
	"web_search": {args: machine.Obj{"query": "rye"}, want: "Sour.", bad: machine.Obj{"query": ""}, why: "minLength", count: unchanged},
	"connect_service": {
		args: machine.Obj{"name": "weather", "service": machine.Obj{"base_url": "https://api.example.org", "auth": machine.Obj{"style": "bearer"}, "actions": machine.Obj{"today": machine.Obj{"method": "GET", "path": "/today"}}}}, want: "matrixos keys set service/weather",
		bad: machine.Obj{"name": "weather", "service": machine.Obj{"base_url": "ftp://x.example"}}, why: "base_url",
		count: landed("system/services/weather.json"), crashed: 1,
	},
	"call_service": {
		files: map[string]string{"system/services/shop.json": shopFile},
		args:  machine.Obj{"service": "shop", "action": "order", "params": machine.Obj{"item": "rye"}}, want: "ordered",
		bad: machine.Obj{"service": "shop", "action": "fly"}, why: "no such action",
		count: func(w *world) int { return int(w.out.orders.Load()) }, crashed: 1,
	},
	"matrix_send": {
		args: machine.Obj{"to": "@bob:b.example", "text": "hello"}, want: "on its way", bad: machine.Obj{"to": "bob", "text": "hello"}, why: "user id",
		count: reached, crashed: 1,
	},
	"matrix_read": {
		args: machine.Obj{"with": "@bob:b.example"}, want: "See you.", bad: machine.Obj{"with": "@b"}, why: "minLength", count: reached,
	},
	"propose_deal": {
		args: machine.Obj{"kind": "meeting", "to": "@bob:b.example", "title": "Lunch"}, want: "Lunch", bad: machine.Obj{"kind": "duel", "to": "@bob:b.example", "title": "Lunch"}, why: "value must be one of",
		count: reached, crashed: 1,
	},
	"list_deals": {args: machine.Obj{}, want: "Lunch", bad: machine.Obj{"x": 1}, why: "additional", count: reached},
	"answer_deal": {
		args: machine.Obj{"deal": "aaaaaaaa", "act": "accept"}, want: "Lunch", bad: machine.Obj{"deal": "bbbb", "act": "accept"}, why: "find deal",
		count: reached, crashed: 1,
	},
	"spawn": {
		args: machine.Obj{"program": "builder", "task": "look"}, want: "Done.", bad: machine.Obj{"program": "nobody", "task": "x"}, why: "nobody",
		count: begun("builder"), crashed: 1,
	},
	"ask_owner": {args: machine.Obj{"question": "Which colour?"}, want: "blue", bad: machine.Obj{"question": ""}, why: "minLength", count: happened(sys.EventQuestion), crashed: 1},
	"open_app": {
		files: map[string]string{"apps/bread/matrix.json": `{"name":"Bread","slug":"bread"}`},
		args:  machine.Obj{"slug": "bread"}, want: "Opened bread", bad: machine.Obj{"slug": "cake"}, why: "cake", count: unchanged,
	},
	"app_data": {
		files: map[string]string{"apps/bread/matrix.json": `{"name":"Bread","slug":"bread","version":"1.0.0","runtime":"static","storage":{"tables":{"loaves":{"columns":{"name":"text","price":"float"}}}}}`},
		args:  machine.Obj{"app": "bread", "action": "insert", "table": "loaves", "data": machine.Obj{"name": "rye", "price": 4.5}}, want: "Added 1 row",
		bad: machine.Obj{"app": "bread", "action": "insert", "table": "loaves", "data": machine.Obj{"weight": 1}}, why: "weight",
		count: times("app_data", machine.Obj{"app": "bread", "action": "find", "table": "loaves"}, `"rye"`), crashed: 1,
	},
	"publish_app": {
		files: breadApp, args: machine.Obj{"app": "bread"}, want: "Published bread 1.0.0", bad: machine.Obj{"app": "cake"}, why: "there is bread",
		count: landed("data/published/bread-1.0.0.mxapp"), crashed: 1,
	},
	"fork_app": {
		files: breadApp, args: machine.Obj{"app": "bread", "new_slug": "cake", "name": "Cake"}, want: "Copied bread to apps/cake",
		bad: machine.Obj{"app": "bread", "new_slug": "bread"}, why: "such as bread-2", count: landed("apps/cake/index.html"), crashed: 1,
	},
	"install_app": {
		args: machine.Obj{"source": "https://apps.example/pie.mxapp"}, want: `Installed "Pie" 1.0.0 in apps/pie`, bad: machine.Obj{"source": "http://apps.example/pie.mxapp"}, why: "https",
		count: landed("apps/pie/index.html"), crashed: 0, // it had not landed, and the model was told
	},
	"list_landings": {args: none, want: "Furnish", bad: machine.Obj{"limit": 0}, why: "limit", count: unchanged},
	"undo": {
		before: []use{{"Write", machine.Obj{"file_path": "projects/a.md", "content": "rye\n"}}}, args: none, want: "Undid",
		bad: machine.Obj{"landing": "L99"}, why: "L99", count: landed("projects/a.md"), crashed: 0,
	},
}

// reached counts what has gone out to people.
func reached(w *world) int { return w.out.people.count() }
