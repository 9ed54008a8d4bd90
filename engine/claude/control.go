package claude

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"matrixos/model"
	"matrixos/sys"
)

// The system calls are one MCP server to the CLI, which puts its name in front
// of theirs.
const (
	serverName = "kernel"
	prefix     = "mcp__" + serverName + "__"
)

// fence is the hook that the CLI calls before every use of a tool.
const fence = "fence"

// line is one message of the CLI, as far as it matters here.
type line struct {
	Type      string   `json:"type"`
	Subtype   string   `json:"subtype"`
	RequestID string   `json:"request_id"`
	Request   request  `json:"request"`
	Response  response `json:"response"`
	IsError   bool     `json:"is_error"`
	Result    string   `json:"result"`
	Errors    []string `json:"errors"`
}

// request is what the CLI wants to know.
type request struct {
	Subtype    string          `json:"subtype"`
	ToolName   string          `json:"tool_name"`
	ToolUseID  string          `json:"tool_use_id"`
	Input      json.RawMessage `json:"input"`
	ServerName string          `json:"server_name"`
	Message    rpc             `json:"message"`
	CallbackID string          `json:"callback_id"`
}

// response is what the CLI answers.
type response struct {
	Subtype   string          `json:"subtype"`
	RequestID string          `json:"request_id"`
	Response  json.RawMessage `json:"response"`
	Error     string          `json:"error"`
}

// rpc is a message to an MCP server.
type rpc struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
		Protocol  string          `json:"protocolVersion"`
		Client    struct {
			Version string `json:"version"`
		} `json:"clientInfo"`
		Meta struct {
			ToolUseID string `json:"claudecode/toolUseId"`
		} `json:"_meta"`
	} `json:"params"`
}

type object = map[string]any

// parseLine reads a message of the CLI, or returns nil for what is none.
func parseLine(text []byte) *line {
	var l line
	if json.Unmarshal(text, &l) != nil {
		return nil
	}
	return &l
}

// startWithin is how long a CLI may take to be ready.
const startWithin = 60 * time.Second

// initialize tells a new CLI what it is for.
func (c *cli) initialize(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, c.broken(fmt.Errorf("it was not ready within %v", startWithin)))
	defer cancel()
	_, err := c.ask(ctx, object{
		"subtype": "initialize", "systemPrompt": s.system, "sdkMcpServers": []string{serverName},
		"hooks": object{"PreToolUse": []object{{"matcher": "", "hookCallbackIds": []string{fence}}}},
	})
	if err != nil && sys.KindOf(err) != sys.Unavailable {
		return &sys.Error{Op: "start Claude Code", Kind: sys.Canceled, Err: err}
	}
	return err
}

// say gives the CLI words of the owner's: a turn begins, or a running one hears
// them with the next results.
func (c *cli) say(blocks []model.Block) error {
	content := make([]json.RawMessage, 0, len(blocks))
	for _, b := range blocks {
		if raw := encodeBlock(c.veil(b)); raw != nil {
			content = append(content, raw)
		}
	}
	err := c.write(object{
		"type": "user", "message": object{"role": "user", "content": content}, "parent_tool_use_id": nil, "session_id": "",
	})
	if err != nil {
		return c.broken(err)
	}
	return nil
}

// oblige answers a request of the CLI. Without a session that uses it, and for
// all that is not understood, the answer is no.
func (c *cli) oblige(l *line) {
	var answer any
	var err error
	s, q := c.user.Load(), &l.Request
	switch {
	case s == nil:
		err = errors.New("no conversation is open")
	case q.Subtype == "mcp_message" && q.ServerName == serverName:
		answer = object{"mcp_response": s.serveMCP(c, &q.Message)}
	case q.Subtype == "can_use_tool":
		answer = permission(s.allows(q.ToolUseID, q.ToolName), q.Input)
	case q.Subtype == "hook_callback" && q.CallbackID == fence:
		answer = s.guardHook(q.Input)
	default:
		err = fmt.Errorf("%q is not served here", q.Subtype)
	}
	reply := object{"subtype": "success", "request_id": l.RequestID, "response": answer}
	if err != nil {
		reply = object{"subtype": "error", "request_id": l.RequestID, "error": err.Error()}
	}
	if err := c.write(object{"type": "control_response", "response": reply}); err != nil && !c.dead() {
		c.eng.o.Logger.Debug("Claude Code does not listen", "error", err)
	}
}

// permission answers whether a tool may be used.
func permission(refusal string, input json.RawMessage) object {
	if refusal != "" {
		return object{"behavior": "deny", "message": refusal}
	}
	if !model.IsObject(input) {
		input = json.RawMessage(`{}`)
	}
	return object{"behavior": "allow", "updatedInput": input}
}

// guardHook answers the hook before a tool: none but the system calls is used,
// whatever the CLI would allow by itself.
func (s *session) guardHook(input json.RawMessage) object {
	var use struct {
		Name string `json:"tool_name"`
		ID   string `json:"tool_use_id"`
	}
	refusal := "the hook's input could not be read"
	if json.Unmarshal(input, &use) == nil {
		refusal = s.allows(use.ID, use.Name)
	}
	if refusal == "" {
		return object{}
	}
	return object{"hookSpecificOutput": object{
		"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": refusal,
	}}
}

// serveMCP is the MCP server of the system calls. Only tools/call does anything;
// it returns when the call has.
func (s *session) serveMCP(c *cli, m *rpc) object {
	if len(m.ID) == 0 || string(m.ID) == "null" { // a notification
		return object{"jsonrpc": "2.0", "result": object{}}
	}
	reply := func(result object) object { return object{"jsonrpc": "2.0", "id": m.ID, "result": result} }
	switch m.Method {
	case "initialize":
		if v := m.Params.Client.Version; v != Version {
			s.eng.o.Logger.Warn("another version of Claude Code than was tried", "version", v, "tried", Version)
		}
		protocol := m.Params.Protocol
		if protocol == "" {
			protocol = "2025-06-18"
		}
		return reply(object{
			"protocolVersion": protocol, "capabilities": object{"tools": object{}}, "serverInfo": object{"name": serverName, "version": "1"},
		})
	case "tools/list":
		return reply(object{"tools": s.listTools()})
	case "tools/call":
		r := s.call(c, m.Params.Meta.ToolUseID, m.Params.Name, m.Params.Arguments)
		return reply(object{"content": []object{{"type": "text", "text": r.Text}}, "isError": r.IsError})
	case "ping":
		return reply(object{})
	}
	return object{"jsonrpc": "2.0", "id": m.ID, "error": object{"code": -32601, "message": "there is no method " + m.Method}}
}

// listTools describes the system calls. What only reads says so, and may run
// beside its like; nothing else may.
func (s *session) listTools() []object {
	list := make([]object, 0, len(s.tools))
	for _, t := range s.tools {
		schema := t.Schema
		if len(schema) == 0 {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		list = append(list, object{
			"name": t.Name, "description": t.Description, "inputSchema": schema,
			"annotations": object{"readOnlyHint": t.ReadOnly, "destructiveHint": !t.ReadOnly},
		})
	}
	return list
}

// plainName is the name of a tool as the Host has it.
func plainName(name string) string { return strings.TrimPrefix(name, prefix) }
