package native_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cli is a running Claude Code CLI, spoken to over its stream-json protocol just
// as far as a measurement needs: user messages, and one tool served over MCP.
type cli struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.Writer
	lines *bufio.Reader
}

type wire = map[string]any

func measureClaudeCode(t testing.TB, bin, url string) figures {
	t.Helper()
	c := startCLI(t, bin, url)
	f, err := measure(c.turn, func() time.Duration { return cpuOf(t, c.cmd.Process.Pid) })
	if err != nil {
		t.Fatal(err)
	}
	f.RSS = rssOf(c.cmd.Process.Pid)
	return f
}

func startCLI(t testing.TB, bin, url string) *cli {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"config", "home", "work"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), bin, "--output-format", "stream-json", "--verbose", "--input-format", "stream-json",
		"--model", "claude-opus-4-6", "--system-prompt", speedPrompt, "--setting-sources=", "--strict-mcp-config",
		"--mcp-config", `{"mcpServers":{"kernel":{"type":"sdk","name":"kernel"}}}`,
		"--tools", "", "--allowedTools", "mcp__kernel", "--include-partial-messages")
	cmd.Dir = filepath.Join(dir, "work")
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "CLAUDE_CONFIG_DIR=" + filepath.Join(dir, "config"),
		"ANTHROPIC_BASE_URL=" + url, "ANTHROPIC_API_KEY=sk-ant-scripted", "DISABLE_AUTOUPDATER=1", "DISABLE_TELEMETRY=1",
		"DISABLE_ERROR_REPORTING=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	c := &cli{t, cmd, in, bufio.NewReaderSize(out, 1<<20)}
	c.write(wire{"type": "control_request", "request_id": "init", "request": wire{"subtype": "initialize", "sdkMcpServers": []string{"kernel"}}})
	c.until(func(m wire) bool { return m["type"] == "control_response" })
	return c
}

func (c *cli) write(v any) {
	c.t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.in.Write(append(raw, '\n')); err != nil {
		c.t.Fatal(err)
	}
}

// until answers what the CLI asks for, until a message is the one waited for.
func (c *cli) until(found func(wire) bool) wire {
	c.t.Helper()
	for {
		line, err := c.lines.ReadBytes('\n')
		if err != nil {
			c.t.Fatalf("the CLI ended: %v", err)
		}
		var m wire
		if json.Unmarshal(line, &m) != nil {
			continue
		}
		if m["type"] == "control_request" {
			c.answer(m)
		} else if found(m) {
			return m
		}
	}
}

func (c *cli) answer(m wire) {
	c.t.Helper()
	request, _ := m["request"].(wire)
	var response any = wire{}
	switch request["subtype"] {
	case "can_use_tool":
		response = wire{"behavior": "allow", "updatedInput": request["input"]}
	case "mcp_message":
		message, _ := request["message"].(wire)
		response = wire{"mcp_response": mcp(message)}
	}
	c.write(wire{"type": "control_response", "response": wire{
		"subtype": "success", "request_id": m["request_id"], "response": response,
	}})
}

func mcp(m wire) wire {
	var result any = wire{}
	switch m["method"] {
	case "initialize":
		result = wire{
			"protocolVersion": "2025-06-18", "capabilities": wire{"tools": wire{}},
			"serverInfo": wire{"name": "kernel", "version": "1"},
		}
	case "tools/list":
		schema := wire{"type": "object", "properties": wire{"path": wire{"type": "string"}}}
		result = wire{"tools": []any{wire{
			"name": "Read", "description": "Reads a file.", "inputSchema": schema, "annotations": wire{"readOnlyHint": true},
		}}}
	case "tools/call":
		result = wire{"content": []any{wire{"type": "text", "text": "the file's text"}}}
	}
	return wire{"jsonrpc": "2.0", "id": m["id"], "result": result}
}

func (c *cli) turn(n int) error {
	c.t.Helper()
	c.write(wire{"type": "user", "message": wire{"role": "user", "content": strconv.Itoa(n)}, "parent_tool_use_id": nil, "session_id": ""})
	m := c.until(func(m wire) bool { return m["type"] == "result" })
	if m["is_error"] == true || !strings.HasPrefix(fmt.Sprint(m["result"]), "That is what the file says") {
		return fmt.Errorf("the CLI's turn went wrong: %v", m)
	}
	return nil
}

// cpuOf reads the CPU time of a process from /proc.
func cpuOf(t testing.TB, pid int) time.Duration {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Skipf("NOT COMPARED: there is no /proc to read the CPU time from: %v", err)
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	var ticks int
	for _, f := range fields[11:15] { // its own and its children's, user and system
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// rssOf reads the resident size of a process, or 0 where it cannot.
func rssOf(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
