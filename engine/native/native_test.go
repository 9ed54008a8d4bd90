package native_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/engine/enginetest"
	"matrixos/engine/native"
	"matrixos/model"
	"matrixos/model/anthropic"
	"matrixos/model/modeltest"
	"matrixos/model/openai"
)

// script puts the turns of the scenarios into the server's words.
func script(turns []enginetest.Turn) []modeltest.Turn {
	var out []modeltest.Turn
	for _, t := range turns {
		o := modeltest.Turn{Stop: t.Stop}
		if t.Slow {
			o.Pace = modeltest.Duration(20 * time.Millisecond)
		}
		for _, b := range t.Blocks {
			switch b.Kind {
			case model.Text:
				o.Text += b.Text
			case model.Thinking:
				o.Thinking += b.Text
			case model.ToolUse:
				c := modeltest.Call{Name: b.Name, Arguments: string(b.Input)}
				if text, bad := model.Malformed(b.Input); bad {
					c.Arguments = text
				}
				o.Calls = append(o.Calls, c)
			case model.ToolResult, model.Opaque:
			}
		}
		switch t.Fault {
		case enginetest.Overloaded:
			o.Fault = &modeltest.Fault{Kind: modeltest.HTTPError, Status: 529}
		case enginetest.Broken:
			o.Fault = &modeltest.Fault{Kind: modeltest.Drop}
		case enginetest.WrongKey:
			o.Fault = &modeltest.Fault{Kind: modeltest.HTTPError, Status: 401, Times: -1}
		case enginetest.TooLong:
			o.Fault = &modeltest.Fault{Kind: modeltest.TooLong}
		}
		out = append(out, o)
	}
	return out
}

func serve(t testing.TB, p modeltest.Player) (*modeltest.Server, string) {
	t.Helper()
	s := modeltest.New(p)
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return s, ts.URL
}

// engineAt is the engine over the Anthropic protocol.
func engineAt(url string) (engine.Engine, error) {
	m, err := anthropic.New(anthropic.Options{Key: "k", BaseURL: url, Backoff: time.Millisecond})
	if err != nil {
		return nil, err
	}
	return newEngine(m), nil
}

func newEngine(m model.Model) engine.Engine { return native.New(m, nil) }

func overAnthropic(t testing.TB, url string) engine.Engine {
	t.Helper()
	e, err := engineAt(url)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func overOpenAI(t testing.TB, url string) engine.Engine {
	t.Helper()
	m, err := openai.New(openai.Options{BaseURL: url + "/v1", Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return newEngine(m)
}

func TestScenariosOverAnthropic(t *testing.T) {
	enginetest.Run(t, func(t testing.TB, turns ...enginetest.Turn) engine.Engine {
		_, url := serve(t, modeltest.Script(script(turns)...))
		return overAnthropic(t, url)
	})
}

func TestScenariosOverOpenAI(t *testing.T) {
	enginetest.Run(t, func(t testing.TB, turns ...enginetest.Turn) engine.Engine {
		_, url := serve(t, modeltest.Script(script(turns)...))
		return overOpenAI(t, url)
	}, "a pause", "a pause about nothing") // the protocol has none
}

func userMessage(blocks ...model.Block) model.Message {
	return model.Message{Role: model.User, Blocks: blocks}
}
