package syscalls

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"matrixos/kernel"
	"matrixos/matrix"
	"matrixos/policy"
	"matrixos/sys"
)

// Social is the owner's place among other people: rooms, and what AIs agree on.
type Social interface {
	// Say sends a message of the AI's to somebody; once names it.
	Say(ctx context.Context, to sys.Handle, text, once string) error
	// Heard is what was last said between the AI and somebody, oldest first.
	Heard(ctx context.Context, with sys.Handle, limit int) ([]Said, error)
	// Propose makes an offer to the AI of somebody; it returns how that stands, for
	// people.
	Propose(ctx context.Context, p Proposal) (string, error)
	// Deals lists what is and was agreed, for people.
	Deals(ctx context.Context) (string, error)
	// With is the other party of a deal.
	With(ctx context.Context, deal string) (sys.Handle, error)
	// Move makes a move in a deal; it returns how that stands, for people.
	Move(ctx context.Context, deal, act, text string, slot time.Time) (string, error)
	Feeds
}

// Feeds are what the owner and those whom they follow post.
type Feeds interface {
	// Post posts for a circle of the owner's, marked as written by the AI; once names it.
	Post(ctx context.Context, circle, text, once string) error
	// Feed is what was last posted, oldest first, by one person or, if of is empty, all.
	Feed(ctx context.Context, of sys.Handle, limit int) ([]Said, error)
}

// Said is one message.
type Said struct {
	By   sys.Handle
	At   time.Time
	Text string
}

// Proposal is an offer to somebody. Where At is not given, free times between From and
// To are offered.
type Proposal struct {
	Kind     string
	To       sys.Handle
	Title    string
	Text     string
	Minutes  int
	At       []time.Time
	From, By time.Time
}

var errAlone = &sys.Error{Op: "reach others", Kind: sys.Unavailable, Err: errors.New("this system has no homeserver"), Hint: "`matrixos handle` says how to have one"}

// someoneOr is someone, or what else the text says.
func someoneOr(also string) string {
	return strings.Replace(someone, "@anna:example.org", "@anna:example.org, "+also, 1)
}

const someone = `{"type":"string","minLength":3,"maxLength":255,"description":"a handle such as @anna:example.org"}`

type matrixSendIn struct {
	To   sys.Handle `json:"to"`
	Text string     `json:"text"`
}

// What stands before the name of a circle, and the name of all feeds.
const (
	aCircle  = "circle:"
	allFeeds = "feed"
)

// matrixSend writes to somebody as the AI, or posts for a circle. The owner is asked
// unless they have named the person and nothing from outside was read; for a circle they
// are asked unless a rule of theirs says otherwise.
func matrixSend(o Options) kernel.Syscall {
	return define("matrix_send", false, []string{"to", "text"}, `"to":`+someoneOr("or for a post circle:public, circle:friends, circle:family or another circle of the owner's")+`,"text":{"type":"string","minLength":1,"maxLength":20000}`,
		func(in matrixSendIn) string { return "Writing to " + string(in.To) },
		func(ctx context.Context, c *kernel.Call, in matrixSendIn) (string, error) {
			once := fmt.Sprintf("call-%d-%s", c.Provenance().Process, c.ID)
			if circle, ok := strings.CutPrefix(string(in.To), aCircle); ok {
				return postFor(ctx, o, c, circle, once, in)
			}
			if err := reachesPerson(ctx, o, c, in.To, fmt.Sprintf("Send “%s” to %s", in.Text, in.To), in); err != nil {
				return "", err
			}
			c.Shows()
			return "It is on its way to " + string(in.To) + ".", o.Social.Say(ctx, in.To, in.Text, once)
		})
}

// postFor posts for a circle of the owner's.
func postFor(ctx context.Context, o Options, c *kernel.Call, circle, once string, in matrixSendIn) (string, error) {
	if o.Social == nil {
		return "", errAlone
	}
	text := fmt.Sprintf("Post “%s” for your circle %s, marked as written by your AI", in.Text, circle)
	if err := c.Effect(ctx, policy.Effect{Kind: policy.Message, Target: aCircle + circle, Text: text, Args: args(in)}); err != nil {
		return "", err
	}
	if err := o.Social.Post(ctx, circle, in.Text, once); err != nil {
		return "", err
	}
	c.Shows()
	return "It is on its way to the circle " + circle + ", marked as written by you.", nil
}

// reachesPerson asks policy for a message to somebody.
func reachesPerson(ctx context.Context, o Options, c *kernel.Call, to sys.Handle, text string, in any) error {
	if o.Social == nil {
		return errAlone
	}
	if _, err := matrix.ParseUser(string(to)); err != nil {
		return err
	}
	named, err := c.NamesPerson(ctx, to)
	if err != nil {
		return err
	}
	return c.Effect(ctx, policy.Effect{Kind: policy.Message, Target: string(to), Text: text, Args: args(in), Named: named})
}

type matrixReadIn struct {
	With  sys.Handle `json:"with"`
	Limit int        `json:"limit"`
}

func matrixRead(o Options) kernel.Syscall {
	return define("matrix_read", true, []string{"with"}, `"with":`+someoneOr("or feed for what people post whom the owner follows, or feed:@anna:example.org for the posts of one")+`,"limit":{"type":"integer","minimum":1,"maximum":100}`,
		func(in matrixReadIn) string { return "Reading what was said with " + string(in.With) },
		func(ctx context.Context, c *kernel.Call, in matrixReadIn) (string, error) {
			if o.Social == nil {
				return "", errAlone
			}
			if in.Limit == 0 {
				in.Limit = 20
			}
			list, err := heard(ctx, o, in)
			if err != nil {
				return "", err
			}
			c.Shows()
			c.Reads(outside)
			text := ""
			for _, s := range list {
				text += fmt.Sprintf("%s %s: %s\n", s.At.Local().Format("2 Jan 15:04"), s.By, s.Text)
			}
			return fence("messages with "+string(in.With), text), nil
		})
}

// heard is what was said with somebody, or posted.
func heard(ctx context.Context, o Options, in matrixReadIn) ([]Said, error) {
	of, isFeed := strings.CutPrefix(string(in.With), allFeeds)
	if !isFeed {
		return o.Social.Heard(ctx, in.With, in.Limit)
	}
	if of = strings.TrimPrefix(of, ":"); of != "" {
		if _, err := matrix.ParseUser(of); err != nil {
			return nil, err
		}
	}
	return o.Social.Feed(ctx, sys.Handle(of), in.Limit)
}

type proposeIn struct {
	Kind    string      `json:"kind"`
	To      sys.Handle  `json:"to"`
	Title   string      `json:"title"`
	Text    string      `json:"text"`
	Minutes int         `json:"minutes"`
	At      []time.Time `json:"at"`
	From    time.Time   `json:"from"`
	By      time.Time   `json:"by"`
}

// proposeDeal makes an offer to the AI of somebody. What may be offered, and that no
// time is given away twice, is decided by the desk of deals, not here.
func proposeDeal(o Options) kernel.Syscall {
	return define("propose_deal", false, []string{"kind", "to", "title"}, `
		"kind":{"type":"string","enum":["meeting","query","task"]},
		"to":`+someone+`,
		"title":{"type":"string","minLength":1,"maxLength":200},
		"text":{"type":"string","maxLength":2000},
		"minutes":{"type":"integer","minimum":5,"maximum":720,"description":"of a meeting; 30 if absent"},
		"at":{"type":"array","maxItems":3,"items":{"type":"string","format":"date-time"},"description":"times to offer; without them, free ones between from and by"},
		"from":{"type":"string","format":"date-time"},
		"by":{"type":"string","format":"date-time","description":"of a task: when it is due"}`,
		func(in proposeIn) string { return "Asking " + string(in.To) + ": " + in.Title },
		func(ctx context.Context, c *kernel.Call, in proposeIn) (string, error) {
			if err := reachesPerson(ctx, o, c, in.To, fmt.Sprintf("Ask the AI of %s for a %s: “%s”", in.To, in.Kind, in.Title), in); err != nil {
				return "", err
			}
			c.Shows()
			return o.Social.Propose(ctx, Proposal{Kind: in.Kind, To: in.To, Title: in.Title, Text: in.Text, Minutes: in.Minutes, At: in.At, From: in.From, By: in.By})
		})
}

type listDealsIn struct{}

func listDeals(o Options) kernel.Syscall {
	return define("list_deals", true, nil, ``,
		func(listDealsIn) string { return "Looking at what is agreed" },
		func(ctx context.Context, c *kernel.Call, _ listDealsIn) (string, error) {
			if o.Social == nil {
				return "", errAlone
			}
			c.Shows()
			c.Reads(outside)
			text, err := o.Social.Deals(ctx)
			return fence("deals", text), err
		})
}

type answerDealIn struct {
	Deal string    `json:"deal"`
	Act  string    `json:"act"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// answerDeal proposes a move; the state machine decides whether it may be made.
func answerDeal(o Options) kernel.Syscall {
	return define("answer_deal", false, []string{"deal", "act"}, `
		"deal":{"type":"string","minLength":4,"maxLength":26},
		"act":{"type":"string","enum":["accept","counter","decline","withdraw","cancel","answer","deliver"]},
		"text":{"type":"string","maxLength":2000},
		"at":{"type":"string","format":"date-time","description":"the time that is accepted or suggested"}`,
		func(in answerDealIn) string { return "Answering deal " + code(in.Deal) },
		func(ctx context.Context, c *kernel.Call, in answerDealIn) (string, error) {
			if o.Social == nil {
				return "", errAlone
			}
			with, err := o.Social.With(ctx, in.Deal)
			if err != nil {
				return "", err
			}
			if err := reachesPerson(ctx, o, c, with, fmt.Sprintf("Say %s to %s in deal %s: “%s”", in.Act, with, in.Deal, in.Text), in); err != nil {
				return "", err
			}
			c.Shows()
			return o.Social.Move(ctx, in.Deal, in.Act, in.Text, in.At)
		})
}
