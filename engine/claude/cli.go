package claude

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"matrixos/model"
	"matrixos/sys"
)

// cli is one running Claude Code, with a private folder for all that it writes.
// It may outlive a session; user is the one that it serves now.
type cli struct {
	eng   *Engine
	token string // its key to the proxy
	dir   string
	*Program
	user atomic.Pointer[session]

	writing sync.Mutex

	results chan *line    // ends of turns
	gone    chan struct{} // closed once it has ended and been waited for

	mu      sync.Mutex
	asked   int
	answers map[string]chan *response
	words   []string // tokens and what they stand for, in turn; see veil
}

// The longest line that is read, and how many ends of turns may wait.
const (
	maxLine = 64 << 20
	backlog = 16
)

func arguments(model, resume string) []string {
	args := []string{
		"--output-format", "stream-json", "--verbose", "--input-format", "stream-json",
		"--model=" + model, "--setting-sources=", "--strict-mcp-config",
		"--mcp-config", `{"mcpServers":{"` + serverName + `":{"type":"sdk","name":"` + serverName + `"}}}`,
		"--tools", "", "--permission-prompt-tool", "stdio", "--disable-slash-commands",
	}
	if resume != "" {
		args = append(args, "--resume="+resume)
	}
	return args
}

// environment is all that the CLI learns of ours, as a list of KEY=VALUE. The long limits are because a
// system call may wait for a person, and a request for its turn at the provider.
func environment(program, dir, base, token string) []string {
	return []string{
		"PATH=" + filepath.Dir(program) + ":/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
		"HOME=" + filepath.Join(dir, "home"), "TMPDIR=" + filepath.Join(dir, "tmp"), "CLAUDE_CONFIG_DIR=" + filepath.Join(dir, "config"),
		"ANTHROPIC_BASE_URL=" + base, "ANTHROPIC_API_KEY=" + token,
		"CLAUDE_CODE_ENTRYPOINT=sdk-go", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
		"DISABLE_AUTOUPDATER=1", "DISABLE_TELEMETRY=1", "DISABLE_ERROR_REPORTING=1", "DISABLE_BUG_COMMAND=1",
		"DISABLE_AUTO_COMPACT=1", "CLAUDE_CODE_MAX_RETRIES=0", "CLAUDE_CODE_DISABLE_FILE_MENTIONS=1",
		"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1", // what the adapter reads is the protocol as it is published
		"API_TIMEOUT_MS=86400000", "MCP_TIMEOUT=30000", "MCP_TOOL_TIMEOUT=2000000000", "MAX_MCP_OUTPUT_TOKENS=200000",
	}
}

// newCLI starts the program. What it resumes is a transcript of msgs.
func newCLI(e *Engine, s *session, base string, msgs []model.Message) (_ *cli, err error) {
	if e.o.Dir != "" {
		if err := os.MkdirAll(e.o.Dir, 0o700); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp(e.o.Dir, "matrixos-claude-")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil { // as the CLI sees it
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	for _, d := range []string{"config", "home", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	c := &cli{
		eng: e, token: "matrixos-" + rand.Text(), dir: dir, results: make(chan *line, backlog), gone: make(chan struct{}),
		answers: map[string]chan *response{},
	}
	var resume string
	if len(msgs) > 0 {
		if resume, err = writeTranscript(dir, s.o.Model, msgs, c.veil); err != nil {
			return nil, err
		}
	}
	l := Launch{
		Path: e.o.Program, Args: arguments(s.o.Model, resume), Env: environment(e.o.Program, dir, base, c.token), Folder: dir, Serve: e.proxy.serve,
	}
	launch := e.o.Confine
	if launch == nil {
		launch = unconfined
	}
	if c.Program, err = launch(l); err != nil {
		return nil, &sys.Error{
			Op: "start Claude Code", Path: e.o.Program, Kind: sys.Unavailable, Err: err,
			Hint: "try `" + e.o.Program + " --version`; MATRIXOS_CLAUDE says which program is used",
		}
	}
	go c.read()
	return c, nil
}

// read follows what the CLI says until it has ended.
func (c *cli) read() {
	r := bufio.NewReaderSize(c.Out, 64<<10)
	for {
		text, err := readLine(r, maxLine)
		if err != nil {
			break
		}
		if l := parseLine(text); l != nil {
			c.hear(l)
		}
	}
	c.Kill() // it may have closed its output and live on
	c.Wait()
	c.eng.forget(c)
	close(c.gone)
}

var errLongLine = errors.New("a line is too long")

// readLine reads one line of at most most bytes, without its end.
func readLine(r *bufio.Reader, most int) ([]byte, error) {
	var text []byte
	for {
		part, err := r.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case len(text) > most:
			return nil, errLongLine
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, err
		}
		return text[:len(text)-1], nil
	}
}

// hear takes one message of the CLI.
func (c *cli) hear(l *line) {
	switch l.Type {
	case "control_request":
		go c.oblige(l)
	case "control_response":
		c.mu.Lock()
		ch := c.answers[l.Response.RequestID]
		delete(c.answers, l.Response.RequestID)
		c.mu.Unlock()
		if ch != nil {
			ch <- &l.Response
		}
	case "result":
		select {
		case c.results <- l:
		default: // nobody waits for so many
		}
	}
}

// write sends one message.
func (c *cli) write(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err = c.In.Write(append(raw, '\n'))
	return err
}

// veil puts a token in the place of words of the owner's. To the CLI some words
// are commands, and some name files that it reads; a token is neither. The proxy
// puts the words back, so that the model reads them as they were said.
func (c *cli) veil(b model.Block) model.Block {
	if b.Kind != model.Text || len(b.Raw) > 0 || strings.TrimSpace(b.Text) == "" || b.Text == goOn {
		return b
	}
	token := "words-" + strings.ToLower(rand.Text())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.words = append(c.words, token, string(inQuotes(b.Text)))
	b.Text = token
	return b
}

// unveil puts the words back, in a request's JSON.
func (c *cli) unveil(body []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []byte(strings.NewReplacer(c.words...).Replace(string(body)))
}

// ask makes a control request and waits for its answer.
func (c *cli) ask(ctx context.Context, request any) (json.RawMessage, error) {
	ch := make(chan *response, 1)
	c.mu.Lock()
	c.asked++
	id := fmt.Sprintf("kernel_%d", c.asked)
	c.answers[id] = ch
	c.mu.Unlock()
	if err := c.write(map[string]any{"type": "control_request", "request_id": id, "request": request}); err != nil {
		return nil, c.broken(err)
	}
	select {
	case r := <-ch:
		if r.Subtype != "success" {
			return nil, c.broken(fmt.Errorf("it answered: %s", r.Error))
		}
		return r.Response, nil
	case <-c.gone:
		return nil, c.broken(errors.New("it ended"))
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// broken is what is said of a CLI that does not do its part.
func (c *cli) broken(err error) error {
	if s := oneLine(c.Said()); s != "" {
		err = fmt.Errorf("%w; at last it said: %s", err, s)
	}
	return &sys.Error{
		Op: "run Claude Code", Path: c.eng.o.Program, Kind: sys.Unavailable, Err: err,
		Hint: "try again; version " + Version + " is known to work, and anthropic:MODEL works without it",
	}
}

func (c *cli) dead() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}

// end kills the CLI and waits until nothing of it is left. It has nothing that
// would be lost.
func (c *cli) end() {
	c.Kill()
	<-c.gone
}
