package modeltest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/model"
	"matrixos/sys"
)

func streamsInOrder(j *judge, t *testing.T) {
	words := strings.Repeat("Grüße aus der Küche, 日本語 too. ", 20)
	_, m := j.serve(t, Script(Turn{Thinking: strings.Repeat("hmm ", 30), Text: words}))
	s := must(t, m, request("hi"))
	if got := s.text(ofText); got != words {
		t.Errorf("streamed %q, want %q", got, words)
	}
	if b := blocksOf(s.Message, model.Text); len(b) != 1 || b[0].Text != words {
		t.Errorf("the reply's text differs from the stream: %+v", b)
	}
	if b := blocksOf(s.Message, model.Thinking); len(b) != 1 || b[0].Text != s.text(ofThinking) || b[0].Text == "" {
		t.Errorf("the reply's thinking differs from the stream: %+v", b)
	}
	firstText := slices.IndexFunc(s.deltas, func(d model.Delta) bool { return d.Text != "" })
	for i, d := range s.deltas {
		if d.Thinking != "" && i > firstText {
			t.Fatalf("thinking came after text, at delta %d", i)
		}
		if n := set(d); n != 1 {
			t.Fatalf("delta %d has %d fields set, want one: %+v", i, n, d)
		}
	}
	if len(s.deltas) < 10 {
		t.Errorf("%d deltas: the answer did not stream", len(s.deltas))
	}
}

func set(d model.Delta) (n int) {
	for _, yes := range []bool{d.Text != "", d.Thinking != "", d.Tool != nil, d.Input != "", d.Retry != nil} {
		if yes {
			n++
		}
	}
	return n
}

func streamsCalls(j *judge, t *testing.T) {
	args := `{"path": "a.txt", "n": 1.50, "text": "\u00e9 <&> ` + strings.Repeat("x", 200) + `"}`
	_, m := j.serve(t, Script(Turn{Text: "Reading.", Calls: []Call{{Name: "Read", Arguments: args}}, Piece: 7}))
	s := must(t, m, request("hi"))
	calls := blocksOf(s.Message, model.ToolUse)
	if len(calls) != 1 || calls[0].Name != "Read" || string(calls[0].Input) != args {
		t.Fatalf("calls = %+v, want Read with the arguments byte for byte", calls)
	}
	at := slices.IndexFunc(s.deltas, func(d model.Delta) bool { return d.Tool != nil })
	if at < 0 || s.deltas[at].Tool.Name != "Read" || s.deltas[at].Tool.ID != calls[0].ID {
		t.Fatalf("no delta announces the call with its id and name")
	}
	if got := s.text(ofInput); got != args {
		t.Errorf("streamed arguments %q, want %q", got, args)
	}
	if first := slices.IndexFunc(s.deltas, func(d model.Delta) bool { return d.Input != "" }); first < at {
		t.Errorf("arguments came before the call was announced")
	}
}

// answered is r with the reply and the results of its calls appended.
func answered(r *model.Request, reply model.Message) *model.Request {
	next := *r
	var results []model.Block
	for _, c := range blocksOf(reply, model.ToolUse) {
		results = append(results, model.Block{Kind: model.ToolResult, ID: c.ID, Name: c.Name, Text: "done " + c.Name})
	}
	next.Messages = append(slices.Clone(r.Messages), reply, model.Message{Role: model.User, Blocks: results})
	next.Previous = len(r.Messages) - 1
	return &next
}

func keepsThinking(j *judge, t *testing.T) {
	s, m := j.serve(t, Script(
		Turn{
			Thinking: "The owner <wants> \"files\" & 日本.", Signature: "EqQBCkgIARABGAIiQL8=+/",
			Text: "Wait.", Calls: []Call{{Name: "Read", Input: map[string]string{"path": "a"}}},
		},
		Turn{Text: "There."},
	))
	r := request("look")
	first := must(t, m, r)
	// A conversation is stored between two requests.
	stored, err := json.Marshal(first.Message)
	if err != nil {
		t.Fatalf("the message does not marshal: %v", err)
	}
	var loaded model.Message
	if err := json.Unmarshal(stored, &loaded); err != nil {
		t.Fatalf("the message does not unmarshal: %v", err)
	}
	second := must(t, m, answered(r, loaded))
	if got := second.text(ofText); got != "There." {
		t.Errorf("answer = %q", got)
	}
	body := string(s.Requests()[1].Body)
	if !strings.Contains(body, "EqQBCkgIARABGAIiQL8=+/") {
		t.Errorf("the signature did not go back: %s", body)
	}
	res := s.Requests()[1].Results()
	if len(res) != 1 || res[0].Text != "done Read" || res[0].Failed {
		t.Errorf("results = %+v", res)
	}
}

func parallelCalls(j *judge, t *testing.T) {
	quirks := map[string]Quirks{"by the book": {}}
	if j.protocol == OpenAI {
		quirks = map[string]Quirks{
			"by the book": {}, "no index": {NoIndex: true}, "same index": {SameIndex: true},
			"no id": {NoID: true, WholeCalls: true}, "no id, no index": {NoID: true, NoIndex: true, WholeCalls: true},
			"no id, same index": {NoID: true, SameIndex: true, WholeCalls: true}, "whole calls": {WholeCalls: true},
			"object arguments": {ObjectArgs: true}, "finish stop": {StopFinish: true}, "no done": {NoDone: true},
			"repeated name": {RepeatName: true}, "no usage": {NoUsage: true},
		}
	}
	for name, q := range quirks {
		t.Run(name, func(t *testing.T) { parallel(j, t, q) })
	}
}

func parallel(j *judge, t *testing.T, q Quirks) {
	var calls []Call
	for i := range 6 {
		calls = append(calls, Call{Name: []string{"Read", "Write"}[i%2], Arguments: fmt.Sprintf(`{"path":"file-%d.txt"}`, i)})
	}
	calls = append(calls, Call{Name: "Read"})
	s, m := j.serve(t, Script(Turn{Calls: calls, Quirks: q, Piece: 9}, Turn{Text: "ok"}))
	r := request("all")
	got := must(t, m, r)
	if got.Stop != model.StopTool {
		t.Errorf("stop = %q, want %q", got.Stop, model.StopTool)
	}
	blocks := blocksOf(got.Message, model.ToolUse)
	if len(blocks) != len(calls) {
		t.Fatalf("%d calls, want %d: %+v", len(blocks), len(calls), blocks)
	}
	ids := map[string]bool{}
	for i, b := range blocks {
		ids[b.ID] = true
		if b.Name != calls[i].Name || string(b.Input) != calls[i].arguments() {
			t.Errorf("call %d = %s %s, want %s %s", i, b.Name, b.Input, calls[i].Name, calls[i].arguments())
		}
	}
	if len(ids) != len(calls) || ids[""] {
		t.Errorf("ids are not unique: %v", ids)
	}
	must(t, m, answered(r, got.Message)) // the server checks the pairing
	if n := len(s.Requests()[1].Results()); n != len(calls) {
		t.Errorf("%d results went back, want %d", n, len(calls))
	}
}

func malformedArguments(j *judge, t *testing.T) {
	for _, args := range []string{`{"path": "a.txt`, `{"path": }`, `[1,2]`, `path=a`, `"just text"`, `{}{}`} {
		_, m := j.serve(t, Script(
			Turn{Calls: []Call{{Name: "Read", Input: map[string]string{"path": "fine"}}, {Name: "Write", Arguments: args}}},
			Turn{Text: "sorry"},
		))
		r := request("go")
		s := must(t, m, r)
		calls := blocksOf(s.Message, model.ToolUse)
		if len(calls) != 2 {
			t.Fatalf("%s: %d calls, want 2", args, len(calls))
		}
		if _, bad := model.Malformed(calls[0].Input); bad {
			t.Errorf("%s: the first call is fine, yet counts as malformed", args)
		}
		if _, bad := model.Malformed(calls[1].Input); !bad {
			t.Errorf("%s: counts as well-formed: %s", args, calls[1].Input)
		}
		if _, err := json.Marshal(s.Message); err != nil {
			t.Errorf("%s: the message cannot be stored: %v", args, err)
		}
		must(t, m, answered(r, s.Message)) // and can be sent back
	}
}

func longArguments(j *judge, t *testing.T) {
	content := strings.Repeat("const a = \"<b>\\n\";\n", 10_000)
	_, m := j.serve(t, Script(Turn{Calls: []Call{{Name: "Write", Input: map[string]string{"content": content}}}, Piece: 2000}))
	s := must(t, m, request("write"))
	var in struct{ Content string }
	if err := json.Unmarshal(blocksOf(s.Message, model.ToolUse)[0].Input, &in); err != nil || in.Content != content {
		t.Errorf("the arguments did not arrive whole (%d bytes, %v)", len(in.Content), err)
	}
}

func stops(j *judge, t *testing.T) {
	call := []Call{{Name: "Read", Input: map[string]string{"path": "a"}}}
	for _, c := range []struct {
		turn Turn
		want model.Stop
		only Protocol
	}{
		{turn: Turn{Text: "x"}, want: model.StopEnd},
		{turn: Turn{Text: "x", Calls: call}, want: model.StopTool},
		{turn: Turn{Text: "x", Stop: model.StopMax}, want: model.StopMax},
		{turn: Turn{Text: "x", Stop: model.StopRefusal}, want: model.StopRefusal},
		{turn: Turn{Text: "x", Stop: model.StopPause}, want: model.StopPause, only: Anthropic},
		{turn: Turn{Text: "x", Stop: model.StopOverflow}, want: model.StopOverflow, only: Anthropic},
		{turn: Turn{Text: "x", Stop: "stop_sequence"}, want: model.StopEnd, only: Anthropic},
		{turn: Turn{Text: "x", Stop: "something_new"}, want: model.StopEnd, only: Anthropic},
	} {
		if c.only != "" && c.only != j.protocol {
			continue
		}
		_, m := j.serve(t, Script(c.turn))
		if s := must(t, m, request("hi")); s.Stop != c.want {
			t.Errorf("%+v: stop = %q, want %q", c.turn, s.Stop, c.want)
		}
	}
}

func emptyReply(j *judge, t *testing.T) {
	_, m := j.serve(t, Script(Turn{}))
	if s := must(t, m, request("hi")); s.Stop != model.StopEnd || len(s.Message.Blocks) != 0 {
		t.Errorf("reply = %+v, want none, ended", s.Reply)
	}
}

func concurrent(j *judge, t *testing.T) {
	_, m := j.serve(t, PlayFunc(func(r *Request) Turn {
		words, _ := r.Words()
		return Turn{Text: "You said " + words + ".", Calls: []Call{{Name: "Read", Input: words}}, Pace: Duration(time.Millisecond)}
	}))
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			words := fmt.Sprintf("number %d", i)
			s := ask(t.Context(), m, request(words))
			if s.err != nil || s.text(ofText) != "You said "+words+"." {
				t.Errorf("%q was answered %q, %v", words, s.text(ofText), s.err)
			}
		})
	}
	wg.Wait()
}

func counts(j *judge, t *testing.T) {
	u := &Usage{Input: 1000, Write5m: 200, Read: 4000, Output: 300}
	if j.protocol == Anthropic {
		u.Write1h = 100
	}
	_, m := j.serve(t, Script(Turn{Text: "x", Usage: u}))
	s := must(t, m, request("hi"))
	f, _ := model.Lookup(ID)
	want := sys.Cost{
		Input: 1000, Output: 300, CacheRead: 4000, CacheWrite: u.Write5m + u.Write1h,
		USD: f.USD(u.Input, u.Write5m, u.Write1h, u.Read, u.Output),
	}
	if math.Abs(s.Cost.USD-want.USD) > 1e-12 {
		t.Errorf("USD = %v, want %v", s.Cost.USD, want.USD)
	}
	s.Cost.USD = want.USD
	if s.Cost != want {
		t.Errorf("cost = %+v, want %+v", s.Cost, want)
	}
	if s.Model != ID || s.ID == "" {
		t.Errorf("model = %q, id = %q", s.Model, s.ID)
	}

	_, m = j.serve(t, Script(Turn{Text: "x", Usage: u, Fault: &Fault{Kind: ErrorMid}}))
	if s := must(t, m, request("hi")); s.Cost.Input <= want.Input || !s.Cost.Estimated {
		t.Errorf("cost = %+v: the attempt that broke off is not part of it", s.Cost)
	}
	_, m = j.serve(t, Script(Turn{Text: "x"}))
	r := request("hi")
	r.Model = "home-grown"
	if s := must(t, m, r); s.Cost.USD != 0 || !s.Cost.Estimated || s.Cost.Input+s.Cost.CacheWrite == 0 {
		t.Errorf("cost of an unknown model = %+v, want tokens, no price, and estimated", s.Cost)
	}
}

func deterministic(j *judge, t *testing.T) {
	s, m := j.serve(t, Script(Turn{Text: "x"}))
	for i := range 3 {
		r := request("hi")
		if i%2 == 1 {
			slices.Reverse(r.Tools)
		}
		must(t, m, r)
	}
	all := s.Requests()
	if string(all[0].Body) != string(all[1].Body) || string(all[0].Body) != string(all[2].Body) {
		t.Errorf("bodies differ:\n%s\n%s", all[0].Body, all[1].Body)
	}
	if !slices.IsSorted(all[0].Tools) {
		t.Errorf("tools are not sorted: %v", all[0].Tools)
	}
	if all[0].System == "" || !strings.Contains(all[0].System, "Stay calm.") {
		t.Errorf("system = %q", all[0].System)
	}
}

func foreignBlocks(j *judge, t *testing.T) {
	s, m := j.serve(t, Script(Turn{Text: "x"}))
	r := request("hi")
	raw := json.RawMessage(`{"type":"thinking","thinking":"alien","signature":"alien"}`)
	r.Messages = append(r.Messages,
		model.Message{Role: model.Assistant, Blocks: []model.Block{
			{Kind: model.Thinking, Text: "alien", Raw: raw, Provider: "elsewhere"},
			{Kind: model.Opaque, Raw: raw, Provider: "elsewhere"},
			{Kind: model.Text, Text: " \n"},
			{Kind: model.ToolUse, ID: "fc:1/ä", Name: "Read", Input: json.RawMessage(`{"path":"a"}`)},
		}},
		model.Message{Role: model.User, Blocks: []model.Block{
			{Kind: model.ToolResult, ID: "fc:1/ä", Text: "", IsError: true}, {Kind: model.Text, Text: "go on"},
		}})
	must(t, m, r)
	got := s.Requests()[0]
	if strings.Contains(string(got.Body), "alien") {
		t.Errorf("another provider's blocks were sent: %s", got.Body)
	}
	if last := got.Messages[len(got.Messages)-1]; len(last.Results) != 1 || !last.Results[0].Failed || last.Text != "go on" {
		t.Errorf("last message = %+v", last)
	}
}

func limits(j *judge, t *testing.T) {
	_, m := j.serve(t, Script(Turn{}))
	for _, id := range []string{ID, "home-grown"} {
		if l := m.Limits(id); l.Context < 1000 || l.MaxOutput < 256 || l.MaxOutput > l.Context {
			t.Errorf("limits of %s = %+v", id, l)
		}
	}
}
