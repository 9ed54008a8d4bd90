package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// program is one run of the command: its streams, its environment, its flags.
type program struct {
	in     io.Reader
	out    io.Writer // results
	err    io.Writer // words for people
	getenv func(string) string

	// connect finds the daemon of a home; start runs the kernel in this process.
	connect func(ctx context.Context, home string) (*client.Client, error)
	start   func(ctx context.Context, o startOptions) (system, error)

	home     string
	json     bool
	model    string
	verbose  bool
	attached bool // the home's daemon answers, not a kernel of this process
}

// system is a kernel that runs in this process.
type system interface {
	Addr() string
	SignInLink() (string, error)
	Client() *client.Client
	Wait(ctx context.Context) error
	Close() error
}

func newProgram(in io.Reader, out, errs io.Writer, getenv func(string) string) *program {
	return &program{in: in, out: out, err: errs, getenv: getenv, connect: connect, start: start}
}

// errShown ends a run with an exit code whose reason was shown already.
type errShown struct{ kind sys.Kind }

func (e errShown) Error() string { return string(e.kind) }
func (e errShown) Unwrap() error { return e.kind }

// run executes one command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if shown, ok := errors.AsType[errShown](err); ok {
		return shown.kind.ExitCode()
	}
	p.complain(err)
	return sys.KindOf(err).ExitCode()
}

// root is the tree of commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "matrixos",
		Short: "A home for you and your AI: apps, files, history",
		Long: "Matrix OS keeps a home: a folder of apps, files and settings that an AI can\n" +
			"change for you, safely: every change lands whole, is recorded, and can be undone.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.CompletionOptions.HiddenDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVar(&p.home, "home", "", "the home's folder (default $MATRIXOS_HOME, else ~/matrixos)")
	f.BoolVar(&p.json, "json", false, "print JSON on standard output and nothing else there")
	f.StringVar(&p.model, "model", "", "what answers: offline, anthropic:NAME, openai:NAME (default $MATRIXOS_MODEL, else the owner's choice)")
	f.BoolVarP(&p.verbose, "verbose", "v", false, "tell on standard error what happens inside")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(cmd, err) })
	root.AddCommand(p.upCommand(), p.askCommand(), p.statusCommand(), p.versionCommand(), p.signInCommand())
	root.AddCommand(p.appsCommand(), p.openCommand())
	root.AddCommand(p.psCommand(), p.topCommand(), p.killCommand(), p.stopCommand(), p.contCommand(), p.spendingCommand(), p.promptCommand(), p.logsCommand(), p.cronCommand())
	root.AddCommand(p.historyCommands()...)
	root.AddCommand(p.dataCommand())
	root.AddCommand(p.checkCommand())
	root.AddCommand(p.healCommands()...)
	root.AddCommand(p.policyCommands()...)
	root.AddCommand(p.mindCommands()...)
	root.AddCommand(p.driversCommand())
	root.AddCommand(p.dealsCommand())
	root.AddCommand(p.tokensCommand(), p.mcpCommand())
	root.AddCommand(p.handleCommand())
	root.AddCommand(p.deviceCommand())
	root.AddCommand(p.peopleCommand())
	root.AddCommand(p.socialCommands()...)
	root.AddCommand(p.scrubCommand(), p.gcCommand(), p.spaceCommand())
	root.AddCommand(p.backupCommand(), p.exportCommand(), p.importCommand(), p.syncCommand())
	explainAll(root)
	return root
}

// explainAll makes wrong arguments of a command, and of those below it, usage errors.
func explainAll(c *cobra.Command) {
	c.Args = explained(c.Args)
	for _, sub := range c.Commands() {
		explainAll(sub)
	}
}

// explained makes a wrong number of arguments, and flags that do not go together, a
// usage error with a way out.
func explained(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check == nil {
			check = cobra.ArbitraryArgs
		}
		if err := errors.Join(check(cmd, args), cmd.ValidateFlagGroups()); err != nil {
			return usage(cmd, err)
		}
		return nil
	}
}

func usage(cmd *cobra.Command, err error) error {
	return &sys.Error{
		Op: "read command line", Kind: sys.Invalid, Err: err,
		Hint: fmt.Sprintf("usage: %s\n`%s --help` says more", cmd.UseLine(), cmd.CommandPath()),
	}
}

// folder is the home that the command is about.
func (p *program) folder() (string, error) {
	dir := p.home
	if dir == "" {
		dir = p.getenv("MATRIXOS_HOME")
	}
	if dir == "" {
		base, err := os.UserHomeDir()
		if err != nil {
			return "", &sys.Error{Op: "find home", Kind: sys.Invalid, Err: err, Hint: "name the folder with --home"}
		}
		dir = filepath.Join(base, "matrixos")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", &sys.Error{Op: "find home", Path: dir, Kind: sys.Invalid, Err: err, Hint: "name the folder with --home"}
	}
	return abs, nil
}

func (p *program) chosenModel() string {
	if p.model != "" {
		return p.model
	}
	return p.getenv("MATRIXOS_MODEL")
}

// logger tells people what happens inside: warnings, or everything if asked.
func (p *program) logger(level slog.Level) *slog.Logger {
	if p.verbose {
		level = slog.LevelDebug
	}
	return slog.New(&notes{w: p.err, style: p.style(p.err), level: level, mu: new(sync.Mutex)})
}

// with runs fn against the home: through its daemon, else through a kernel in
// this process that is closed afterwards.
func (p *program) with(ctx context.Context, fn func(ctx context.Context, c *client.Client) error) (err error) {
	home, err := p.folder()
	if err != nil {
		return err
	}
	c, err := p.connect(ctx, home)
	if err == nil {
		defer c.Close()
		p.attached = true
		return fn(ctx, c)
	}
	if !errors.Is(err, sys.NotFound) {
		return err
	}
	s, err := p.start(ctx, startOptions{Home: home, Model: p.chosenModel(), Logger: p.logger(slog.LevelWarn)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return fn(ctx, s.Client())
}

// printJSON writes one document to standard output.
func (p *program) printJSON(v any) error {
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// complain says what happened, why, and the way out; with --json, the same as
// a document.
func (p *program) complain(err error) {
	text, hint := explain(err)
	if p.json {
		_ = p.printJSON(map[string]any{"error": map[string]string{ // standard output is gone: nothing left to tell
			"kind": string(sys.KindOf(err)), "text": text, "hint": hint,
		}})
	}
	st := p.style(p.err)
	fmt.Fprintln(p.err, st.bad("matrixos: ")+text)
	for line := range strings.SplitSeq(hint, "\n") {
		if line != "" {
			fmt.Fprintln(p.err, "  "+st.dim(line))
		}
	}
}

// explain splits an error into what happened and why, and the way out.
func explain(err error) (text, hint string) {
	text, hint = err.Error(), sys.HintOf(err)
	var e *sys.Error
	if errors.As(err, &e) && hint != "" {
		text = strings.ReplaceAll(text, "; "+hint, "")
		hint = strings.ToUpper(hint[:1]) + hint[1:]
		if !strings.ContainsAny(hint[len(hint)-1:], ".!?") && !strings.Contains(hint, "\n") {
			hint += "."
		}
	}
	if op, rest, ok := strings.Cut(text, ": "); ok && (strings.HasPrefix(rest, op+" ") || strings.HasPrefix(rest, op+":")) {
		text = rest // the client says what it asked for, and the daemon says it again
	}
	return text, hint
}

// style is how text looks on a stream: plain unless it is a terminal.
type style struct{ colour bool }

func (p *program) style(w io.Writer) style {
	f, ok := w.(*os.File)
	return style{ok && isatty.IsTerminal(f.Fd()) && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"}
}

func (s style) paint(code, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) dim(text string) string  { return s.paint("2", text) }
func (s style) bold(text string) string { return s.paint("1", text) }
func (s style) good(text string) string { return s.paint("32", text) }

// by is the colour of who did it: the owner's text is plain, agents are in green,
// the healer and what takes back in amber.
func (s style) by(kind sys.LandingKind, text string) string {
	switch kind {
	case sys.ByAgent:
		return s.good(text)
	case sys.ByHealer, sys.ByUndo:
		return s.paint("33", text)
	case sys.BySystem:
		return s.dim(text)
	case sys.ByOwner, sys.ByMerge:
	}
	return text
}

func (s style) bad(text string) string { return s.paint("31", text) }
