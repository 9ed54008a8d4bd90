package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) askCommand() *cobra.Command {
	var conversation string
	cmd := &cobra.Command{
		Use:   `ask "TEXT"`,
		Short: "Ask for something and watch it happen",
		Long: "Ask for an app, a change, or an answer. Exits with 0 only if it is done and verified.\n" +
			"With --json every event is a line; the last one is of kind \"answer\".\n" +
			"TEXT may be - to read it from standard input.",
		Example: "  matrixos ask \"Build me an expense tracker\"\n  matrixos ask \"Undo that\" --conversation C1",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if text == "-" {
				b, err := io.ReadAll(p.in)
				if err != nil {
					return &sys.Error{Op: "read standard input", Kind: sys.Invalid, Err: err}
				}
				text = string(b)
			}
			if strings.TrimSpace(text) == "" {
				return usage(cmd, errors.New("there is nothing to ask"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				return p.ask(ctx, c, client.Ask{
					Text: text, Conversation: sys.Conversation(conversation), Model: p.chosenModel(), From: "cli",
				})
			})
		},
	}
	cmd.Flags().StringVar(&conversation, "conversation", "", "go on with this conversation")
	return cmd
}

// ask runs one request to its end. The first Ctrl-C interrupts the request and
// waits for it to say so; the second one leaves at once.
func (p *program) ask(ctx context.Context, c *client.Client, a client.Ask) error {
	return p.follow(ctx, c, func(ctx context.Context) (client.Ticket, error) { return c.Ask(ctx, a) })
}

// follow shows the request that start begins, to its end.
func (p *program) follow(ctx context.Context, c *client.Client, start func(context.Context) (client.Ticket, error)) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	v := &asking{p: p, c: c, style: p.style(p.err), began: time.Now()}
	hits := make(chan os.Signal, 2)
	signal.Notify(hits, os.Interrupt)
	defer signal.Stop(hits)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-hits:
				if n > 0 || !v.interrupt(ctx) {
					leave()
					return
				}
			}
		}
	}()
	answer, err := c.FollowFrom(ctx, start, v.start, func(e sys.Event) error { return v.event(ctx, e) })
	if err != nil {
		return err
	}
	if err := v.finish(ctx, answer); err != nil {
		return err
	}
	if !answer.OK {
		return errShown{orInternal(answer.Kind)}
	}
	return nil
}

func orInternal(k sys.Kind) sys.Kind {
	if k == "" {
		return sys.Internal
	}
	return k
}

// asking shows one request as it goes.
type asking struct {
	p     *program
	c     *client.Client
	style style
	began time.Time

	mu     sync.Mutex
	ticket client.Ticket

	program map[sys.PID]sys.Program
	calls   map[string]string // what each running call does
	writing bool              // the cursor is in the middle of streamed text
	said    strings.Builder   // the text streamed since the last whole message
}

func (v *asking) start(t client.Ticket) {
	v.mu.Lock()
	v.ticket = t
	v.mu.Unlock()
	v.program, v.calls = map[sys.PID]sys.Program{}, map[string]string{}
}

// interrupt asks the kernel to stop the request; false if there is nothing to
// stop yet.
func (v *asking) interrupt(ctx context.Context) bool {
	v.mu.Lock()
	pid := v.ticket.PID
	v.mu.Unlock()
	if pid == 0 {
		return false
	}
	fmt.Fprintln(v.p.err, "\n"+v.style.dim("Stopping. Press Ctrl-C again to leave at once."))
	if err := v.c.Signal(ctx, pid, "interrupt"); err != nil {
		v.p.complain(err)
		return false
	}
	return true
}

// event shows one event.
func (v *asking) event(ctx context.Context, e sys.Event) error {
	if v.p.json {
		err := v.p.printJSON(e)
		switch {
		case v.interactive():
		case e.Kind == sys.EventApproval:
			err = errors.Join(err, show(e, v.unapproved))
		case e.Kind == sys.EventQuestion:
			err = errors.Join(err, show(e, func(d sys.QuestionData) error { return v.unanswered(ctx, d) }))
		}
		return err
	}
	switch e.Kind {
	case sys.EventProcess:
		return show(e, func(r sys.Process) error { v.program[r.PID] = r.Program; return nil })
	case sys.EventDelta:
		return show(e, func(d sys.DeltaData) error { return v.delta(e, d) })
	case sys.EventRetry:
		return show(e, func(d sys.RetryData) error {
			v.line("retry", d.Reason+", again in "+took(time.Duration(d.Millis)*time.Millisecond))
			return nil
		})
	case sys.EventCall:
		return show(e, func(d sys.CallData) error {
			v.calls[d.ID] = d.Title
			v.line(v.name(e.PID), d.Title)
			return nil
		})
	case sys.EventResult:
		return show(e, func(d sys.ResultData) error {
			if d.Failed {
				v.line(v.name(e.PID), v.style.bad("failed: ")+oneLine(d.Text, 100))
			}
			return nil
		})
	case sys.EventNotice:
		return show(e, func(d sys.NoticeData) error {
			v.line("note", strings.TrimSuffix(d.Title+": "+d.Text, ": "))
			return nil
		})
	case sys.EventQuestion:
		return show(e, func(d sys.QuestionData) error { return v.question(ctx, d) })
	case sys.EventApproval:
		return show(e, func(d sys.ApprovalData) error { return v.approval(ctx, d) })
	case sys.EventRequest, sys.EventMessage, sys.EventLanding, sys.EventApp, sys.EventData, sys.EventAnswer, sys.EventOpen, sys.EventSettings,
		sys.EventAudit, sys.EventSpeak:
		return nil // the summary says it
	}
	return nil
}

// show decodes a payload and hands it on.
func show[T any](e sys.Event, fn func(T) error) error {
	var d T
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return &sys.Error{Op: "read event", Path: string(e.Kind), Kind: sys.Internal, Err: err}
	}
	return fn(d)
}

func (v *asking) name(pid sys.PID) string {
	if n := v.program[pid]; n != "" {
		return string(n)
	}
	return "kernel"
}

// delta streams the main process's words, on a terminal only: elsewhere the
// answer comes whole at the end.
func (v *asking) delta(e sys.Event, d sys.DeltaData) error {
	if d.Text == "" || e.PID != v.ticket.PID || !v.style.colour {
		return nil
	}
	if !v.writing {
		v.writing = true
		v.said.Reset()
		fmt.Fprintln(v.p.err)
	}
	v.said.WriteString(d.Text)
	_, err := fmt.Fprint(v.p.err, printable(d.Text))
	return err
}

// line shows one step: who, and what.
func (v *asking) line(name, text string) {
	if v.writing {
		v.writing = false
		fmt.Fprint(v.p.err, "\n\n")
	}
	fmt.Fprintf(v.p.err, "%s %s\n", v.style.dim(fmt.Sprintf("%-10s", oneLine(name, 10))), oneLine(text, 110))
}

func (v *asking) interactive() bool {
	f, ok := v.p.in.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && !v.p.json
}

// question asks the owner. Without somebody to ask, the request is stopped:
// waiting for ever would help nobody.
func (v *asking) question(ctx context.Context, q sys.QuestionData) error {
	v.line("question", q.Text)
	for i, c := range q.Choices {
		fmt.Fprintf(v.p.err, "%12d  %s\n", i+1, oneLine(c, 100))
	}
	if !v.interactive() {
		return v.unanswered(ctx, q)
	}
	if q.Number > 0 {
		v.line("", fmt.Sprintf("question %d of at most %d; answer in your own words, or press Enter to leave it to the system", q.Number, sys.MostQuestions))
	}
	fmt.Fprint(v.p.err, "> ")
	text, err := bufio.NewReader(v.p.in).ReadString('\n')
	if err != nil && text == "" {
		return v.unanswered(ctx, q)
	}
	text = strings.TrimSpace(text)
	for i, c := range q.Choices {
		if text == fmt.Sprint(i+1) {
			text = c
		}
	}
	return v.c.Answer(ctx, q.ID, text)
}

// approval asks for the owner's word on one effect. Without somebody to ask, the
// process goes on waiting, and the command ends with the way to answer.
func (v *asking) approval(ctx context.Context, a sys.ApprovalData) error {
	v.line("approval", a.Text)
	v.line("", "why you are asked: "+a.Why)
	v.line("", "exactly: "+string(a.Args))
	if !v.interactive() {
		return v.unapproved(a)
	}
	fmt.Fprint(v.p.err, "Allow it? [y]es, once / [a]lways / [N]o > ")
	text, err := bufio.NewReader(v.p.in).ReadString('\n')
	if err != nil && text == "" {
		return v.unapproved(a)
	}
	text = strings.ToLower(strings.TrimSpace(text))
	always := text == "a" || text == "always"
	return v.c.Approve(ctx, a.ID, always || text == "y" || text == "yes", always)
}

func (v *asking) unapproved(a sys.ApprovalData) error {
	return &sys.Error{
		Op: "ask", Kind: sys.NeedsApproval, Err: errors.New("it waits for your approval: " + a.Text),
		Hint: "`matrixos approve " + a.ID[:min(len(a.ID), 8)] + "` or `matrixos deny " + a.ID[:min(len(a.ID), 8)] + "`; the desktop asks as well",
	}
}

// unanswered is what becomes of a question that nobody is here to answer. What an app
// that is to be made has to do is left to who makes it; anything else ends the request.
func (v *asking) unanswered(ctx context.Context, q sys.QuestionData) error {
	if q.App != "" {
		v.line("", "nobody is here to answer: it is left to the system")
		return v.c.Answer(ctx, q.ID, "")
	}
	return errors.Join(&sys.Error{
		Op: "ask", Kind: sys.NeedsApproval, Err: errors.New("there is a question, and nobody here to answer it"),
		Hint: "ask again in a terminal or on the desktop, or say more in the request",
	}, v.c.Signal(ctx, v.ticket.PID, "interrupt"))
}

// finish shows the answer and what it came to.
func (v *asking) finish(ctx context.Context, a sys.AnswerData) error {
	if v.p.json {
		return nil // the answer was the last line
	}
	streamed := v.writing && strings.TrimSpace(v.said.String()) == strings.TrimSpace(a.Text)
	if v.writing {
		fmt.Fprintln(v.p.err)
	}
	if !streamed && a.Text != "" {
		if _, err := fmt.Fprintln(v.p.out, printable(strings.TrimSpace(a.Text))); err != nil {
			return err
		}
	}
	fmt.Fprintln(v.p.err)
	if !a.OK {
		v.fact("Not done", orElse(string(a.Kind), "it failed"))
	}
	for _, id := range a.Landings {
		l, err := v.c.Landing(ctx, id)
		if err != nil {
			return err
		}
		v.fact(id.String(), oneLine(l.Landing.Title, 80)+"  "+v.style.dim("("+count(len(l.Landing.Changes), "file")+")"))
	}
	if a.Verified != "" {
		v.fact("Verified", verified(a.Verified))
	}
	v.fact("Cost", price(a.Cost)+", "+took(time.Duration(a.Millis)*time.Millisecond))
	for _, slug := range a.Open {
		v.fact("Open", "matrixos open "+string(slug))
	}
	if n := len(a.Landings); n > 0 {
		v.fact("Undo", "matrixos undo "+a.Landings[n-1].String())
	}
	if a.Hint != "" {
		v.fact("Way out", printable(a.Hint))
	}
	v.fact("Go on", "matrixos ask --conversation "+string(v.ticket.Conversation)+" \"…\"")
	return nil
}

func (v *asking) fact(name, text string) {
	fmt.Fprintf(v.p.err, "%s %s\n", v.style.dim(fmt.Sprintf("%-10s", name)), text)
}

func orElse(a, b string) string {
	if a == "" {
		return b
	}
	return a
}
