package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"matrixos/sys"
)

// lineLimit bounds one message of a client of the Model Context Protocol.
const lineLimit = 16 << 20

// message is what the bridge has to know of a message.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name string `json:"name"`
		Meta struct {
			Version string `json:"io.modelcontextprotocol/protocolVersion"`
		} `json:"_meta"`
	} `json:"params"`
	Result struct {
		Version string `json:"protocolVersion"`
	} `json:"result"`
}

// MCP carries messages of the Model Context Protocol, one a line, between a program
// and the gateway, with the given token, until in ends. Requests are answered in the
// order in which they are done. An error is one of reading or writing; what the
// gateway refuses is told to the program.
func (c *Client) MCP(ctx context.Context, token string, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := &bridge{c: c, token: token, out: out}
	lines, ended := make(chan []byte), make(chan error, 1)
	go func() { ended <- read(ctx, in, lines) }()
	var group sync.WaitGroup
	for {
		var failed error
		select {
		case line := <-lines:
			var m message
			if json.Unmarshal(line, &m) == nil && m.Method == "initialize" { // what follows depends on it
				b.send(ctx, m, line)
				continue
			}
			group.Go(func() { b.send(ctx, m, line) })
			continue
		case <-ctx.Done():
			failed = context.Cause(ctx)
		case failed = <-ended:
		}
		if failed != nil {
			cancel()
		}
		group.Wait()
		b.mu.Lock()
		defer b.mu.Unlock()
		return errors.Join(failed, b.err)
	}
}

// read hands lines on until in ends, which gives nil.
func read(ctx context.Context, in io.Reader, lines chan<- []byte) error {
	s := bufio.NewScanner(in)
	s.Buffer(nil, lineLimit)
	for s.Scan() {
		line := bytes.Clone(bytes.TrimSpace(s.Bytes()))
		if len(line) == 0 {
			continue
		}
		select {
		case lines <- line:
		case <-ctx.Done():
			return nil
		}
	}
	return s.Err()
}

// bridge is one program's connection.
type bridge struct {
	c     *Client
	token string

	mu      sync.Mutex
	out     io.Writer
	version string // of the protocol, as it was agreed on
	err     error  // of writing
}

// send puts one message to the gateway, and its answer to the program.
func (b *bridge) send(ctx context.Context, m message, line []byte) {
	answer, err := b.post(ctx, m, line)
	if err != nil {
		if m.ID == nil {
			return // nobody waits for it
		}
		answer, err = json.Marshal(map[string]any{"jsonrpc": "2.0", "id": m.ID, "error": map[string]any{"code": -32000, "message": err.Error() + hint(err)}})
		if err != nil {
			return
		}
	}
	if len(answer) == 0 {
		return
	}
	b.pass(m, answer)
}

// pass hands one message of the gateway's to the program.
func (b *bridge) pass(m message, answer []byte) {
	var got message
	var flat bytes.Buffer
	if json.Compact(&flat, answer) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.Method == "initialize" && json.Unmarshal(answer, &got) == nil {
		b.version = got.Result.Version
	}
	flat.WriteByte('\n')
	if _, err := b.out.Write(flat.Bytes()); err != nil {
		b.err = err
	}
}

func hint(err error) string {
	if h := sys.HintOf(err); h != "" {
		return "; " + h
	}
	return ""
}

func (b *bridge) post(ctx context.Context, m message, line []byte) ([]byte, error) {
	const op = "reach the home"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.c.base+"/mcp", bytes.NewReader(line))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("Authorization", "Bearer "+b.token)
	b.mu.Lock()
	version := b.version
	b.mu.Unlock()
	if m.Params.Meta.Version != "" { // newer versions say with each request what it is
		version = m.Params.Meta.Version
		req.Header.Set("Mcp-Method", m.Method)
		if m.Method == "tools/call" {
			req.Header.Set("Mcp-Name", m.Params.Name)
		}
	}
	if version != "" && m.Method != "initialize" {
		req.Header.Set("MCP-Protocol-Version", version)
	}
	res, err := b.c.http.Do(req)
	if err != nil {
		return nil, b.c.unreachable(ctx, op, err)
	}
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		if err := b.follow(m, res.Body); err != nil {
			return nil, b.c.unreachable(ctx, op, err)
		}
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return nil, b.c.unreachable(ctx, op, err)
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return body, nil
	}
	var answered struct {
		Version string `json:"jsonrpc"`
	}
	if json.Unmarshal(body, &answered) == nil && answered.Version != "" {
		return body, nil // the protocol's own error
	}
	return nil, failure(op, res.StatusCode, body)
}

// follow passes on the messages of a stream as they come: signs of life, then the
// answer.
func (b *bridge) follow(m message, stream io.Reader) error {
	s := bufio.NewScanner(stream)
	s.Buffer(nil, answerLimit)
	for s.Scan() {
		if data, ok := bytes.CutPrefix(s.Bytes(), []byte("data:")); ok && len(bytes.TrimSpace(data)) > 0 {
			b.pass(m, bytes.TrimSpace(data))
		}
	}
	return s.Err()
}
