package syscalls

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"matrixos/egress"
	"matrixos/kernel"
	"matrixos/sandbox"
	"matrixos/sys"
)

// texts holds what models read of each call, golden-tested.
//
//go:embed *.md
var texts embed.FS

// Options are what the calls need beside the kernel.
type Options struct {
	// Sandbox confines Bash; nil means that it is refused with Why.
	Sandbox *sandbox.Sandbox
	Why     error
	// Mount is where a command sees its transaction: the owner's home path.
	Mount string
	// Check compiles the app that owns a changed file and reports what is wrong;
	// the findings are appended to the results of Write and Edit.
	Check func(ctx context.Context, root Root, path sys.Path) []sys.Diagnostic
	// Gate is the way out of commands, each host of which is asked for; nil means
	// that they have no network. Keys are what they may use there.
	Gate *egress.Gate
	Keys egress.Keys
	// Pages reads the web; Services finds the owner's choice of provider.
	Pages    egress.Pages
	Services Services
	// Remotes are where the owner's devices meet; nil means that there is no sync.
	Remotes Remotes
	// Caller calls connected services; nil means that there is no way out.
	Caller *egress.Caller
	// Bundles lets apps travel; nil means that they cannot.
	Bundles Bundles
	// Audit looks at the home's safety; nil means that it cannot.
	Audit Audit
	// Social reaches other people; nil means that there is no homeserver.
	Social Social
}

// Services finds the provider that the owner has chosen, or the first that has a
// key. The error says how to attach one; that of Speaker is of kind NotFound if
// there is none, and then the desktop speaks by itself.
type Services interface {
	Searcher() (egress.Searcher, error)
	Painter() (egress.Painter, error)
	Speaker() (egress.Speaker, error)
	Transcriber() (egress.Transcriber, error)
}

// Table lists every system call.
func Table(o Options) []kernel.Syscall {
	calls := []kernel.Syscall{
		read(), write(o), edit(o), glob(), grep(), bash(o),
		spawn(), askOwner(),
		listTasks(), createTask(), claimTask(), completeTask(), failTask(),
		sendMessage(), readMessages(), waits(),
		openApp(), appData(), publishApp(o), forkApp(), installApp(o), listLandings(), undo(),
		manageCron(), setHandle(), syncFiles(o), personaSuggestions(), writeSetupPlan(),
		remember(), recall(), forget(), listMemories(), memorySearch(),
		searchConversations(), newConversation(), loadSkill(),
		loadTools(), callTool(), readResource(), usePrompt(),
		readState(), securityAudit(o),
		webFetch(o), webSearch(o), connectService(o), callService(o),
		generateImage(o), speak(o), transcribe(o),
		matrixSend(o), matrixRead(o), proposeDeal(o), listDeals(o), answerDeal(o),
	}
	for i := range calls {
		afterCrash(&calls[i])
	}
	return calls
}

// afterCrash says what becomes of a call that a crash cut off; of calls that are
// not named nobody knows whether they took effect, and the model is told so.
// Calls that only read are made again in any case.
func afterCrash(c *kernel.Syscall) {
	switch c.Name {
	case "Read", "Write", "Edit", "set_handle", "app_data", "write_setup_plan", "connect_service", "publish_app", "fork_app":
		c.Replay = true
	case "spawn", "ask_owner", "matrix_send":
		c.Again = true // they find the child, or the question, that is there
	case "list_tasks", "read_messages", "claim_task", "wait": // each finds what is its own
		c.Again = true
	case "Bash", "remember", "forget", "manage_cron", "install_app": // a second look at an address may find another app
		c.Workspace = true
	}
}

// define makes a Syscall whose input is decoded into In. The schema is the
// object with the given properties.
func define[In any](name string, readOnly bool, required []string, properties string, title func(In) string, run func(context.Context, *kernel.Call, In) (string, error)) kernel.Syscall {
	text, err := texts.ReadFile(name + ".md")
	if err != nil {
		panic("syscalls: no description of " + name) // the table test calls every one
	}
	req, err := json.Marshal(append([]string{}, required...))
	if err != nil {
		panic(err)
	}
	return kernel.Syscall{
		Name: name, Description: strings.TrimSpace(string(text)), ReadOnly: readOnly,
		Schema: json.RawMessage(fmt.Sprintf(`{"type":"object","properties":{%s},"required":%s,"additionalProperties":false}`, properties, req)),
		Title: func(raw json.RawMessage) string {
			var in In
			if json.Unmarshal(raw, &in) != nil {
				return name
			}
			return title(in)
		},
		Run: func(ctx context.Context, c *kernel.Call) (string, error) {
			var in In
			if err := c.Bind(&in); err != nil {
				return "", err
			}
			return run(ctx, c, in)
		},
	}
}

// code sets s as code in a title.
func code(s string) string { return "`" + s + "`" }

// count says "1 file", "2 files".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
