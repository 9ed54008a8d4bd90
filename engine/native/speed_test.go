package native_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/engine/claude"
	"matrixos/engine/enginetest"
	"matrixos/model"
	"matrixos/model/anthropic"
	"matrixos/model/modeltest"
)

// A turn of the speed tests is two requests with one system call between them,
// in a conversation with a system prompt of some eight kilobytes.
var speedPrompt = strings.Repeat("You are measured. Answer as the script says, and be quick about it.\n", 120)

func speedPlayer() modeltest.Player {
	return modeltest.PlayFunc(func(r *modeltest.Request) modeltest.Turn {
		if words, answers := r.Words(); answers == 0 {
			return modeltest.Turn{Text: "Reading.", Calls: []modeltest.Call{{Name: "Read", Input: map[string]string{"path": words}}}}
		}
		return modeltest.Turn{Text: "That is what the file says, and there is nothing more to it."}
	})
}

func BenchmarkTurn(b *testing.B) {
	for name, over := range map[string]func(testing.TB, string) engine.Engine{"anthropic": overAnthropic, "openai": overOpenAI} {
		b.Run(name, func(b *testing.B) {
			s, url := serve(b, speedPlayer())
			s.Forget = true
			session, err := over(b, url).Open(b.Context(), &enginetest.Host{}, engine.Options{Model: enginetest.Model, System: []string{speedPrompt}})
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for b.Loop() {
				if n++; n%20 == 0 { // conversations of twenty turns
					b.StopTimer()
					session, err = over(b, url).Open(b.Context(), &enginetest.Host{}, engine.Options{Model: enginetest.Model, System: []string{speedPrompt}})
					if err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				if out := session.Send(b.Context(), func(engine.Event) {}, enginetest.Say(strconv.Itoa(n))); out.Err != nil {
					b.Fatal(out.Err)
				}
			}
		})
	}
}

// instant is a model that answers at once, so that only the loop is measured.
type instant struct{}

func (instant) Limits(string) model.Limits { return model.Limits{Context: 1e6, MaxOutput: 1e5} }

func (instant) Stream(_ context.Context, r *model.Request, sink func(model.Delta)) (*model.Reply, error) {
	if last := r.Messages[len(r.Messages)-1]; last.Blocks[0].Kind == model.ToolResult {
		sink(model.Delta{Text: "Done."})
		return &model.Reply{Message: model.Message{Role: model.Assistant, Blocks: []model.Block{enginetest.Say("Done.")}}, Stop: model.StopEnd}, nil
	}
	b := enginetest.Use("Read", `{"path":"x"}`)
	b.ID = fmt.Sprint("call_", len(r.Messages))
	return &model.Reply{Message: model.Message{Role: model.Assistant, Blocks: []model.Block{b}}, Stop: model.StopTool}, nil
}

// BenchmarkOverhead is the loop itself: a turn with a model that answers at
// once, in a conversation that grows.
func BenchmarkOverhead(b *testing.B) {
	e := newEngine(instant{})
	s, err := e.Open(b.Context(), &enginetest.Host{}, engine.Options{Model: "instant", MaxSteps: 10})
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		if out := s.Send(b.Context(), func(engine.Event) {}, enginetest.Say(strconv.Itoa(i))); out.Err != nil {
			b.Fatal(out.Err)
		}
	}
}

// figures is what a turn takes.
type figures struct {
	Wall, CPU time.Duration
	RSS       int64 // bytes
}

const (
	warmTurns = 3
	realTurns = 20
)

// childURL tells this test binary to be the native engine's own process, so that
// its CPU time can be told from the server's.
const childURL = "MATRIXOS_SPEED_CHILD"

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		if err := speedChild(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func speedChild(url string) error {
	e, err := engineAt(url)
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := e.Open(ctx, &enginetest.Host{}, engine.Options{Model: enginetest.Model, System: []string{speedPrompt}})
	if err != nil {
		return err
	}
	f, err := measure(func(n int) error {
		return s.Send(ctx, func(engine.Event) {}, enginetest.Say(strconv.Itoa(n))).Err
	}, cpuOfSelf)
	if err != nil {
		return err
	}
	f.RSS = rssOf(os.Getpid())
	return json.NewEncoder(os.Stdout).Encode(f)
}

// measure runs turns: the median of their wall times, because a shared machine
// stalls now and then, and the mean of their CPU times.
func measure(turn func(n int) error, cpu func() time.Duration) (figures, error) {
	var walls []time.Duration
	var before time.Duration
	for n := range warmTurns + realTurns {
		if n == warmTurns {
			before = cpu()
		}
		start := time.Now()
		if err := turn(n); err != nil {
			return figures{}, err
		}
		if n >= warmTurns {
			walls = append(walls, time.Since(start))
		}
	}
	slices.Sort(walls)
	return figures{Wall: walls[len(walls)/2], CPU: (cpu() - before) / realTurns}, nil
}

func cpuOfSelf() time.Duration {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		panic(err)
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// BenchmarkAgainstClaudeCode measures a turn here against one of the Claude Code
// CLI, in the same run and on the same server. The CLI talks to that server
// only. A turn may take a tenth of its wall time and a twentieth of its CPU time.
func BenchmarkAgainstClaudeCode(t *testing.B) {
	bin := claudeCode()
	if bin == "" {
		t.Skip("NOT COMPARED: the Claude Code CLI is not installed. tools/setup installs it; MATRIXOS_CLAUDE names another.")
	}
	s, url := serve(t, speedPlayer())
	s.Lenient, s.Forget = true, true
	var ours, theirs, joined figures
	for t.Loop() {
		if theirs.Wall != 0 {
			continue // one comparison has many turns
		}
		ours = measureNative(t, url)
		theirs = measureClaudeCode(t, bin, url)
		joined = measureEngine(t, bin, url)
	}
	t.Logf("a turn here:            %v wall, %v CPU, %d MB", ours.Wall, ours.CPU, ours.RSS>>20)
	t.Logf("a turn in Claude Code:  %v wall, %v CPU, %d MB", theirs.Wall, theirs.CPU, theirs.RSS>>20)
	t.Logf("a turn in engine/claude: %v wall", joined.Wall)
	t.ReportMetric(float64(theirs.Wall)/float64(ours.Wall), "times-faster-wall")
	t.ReportMetric(float64(joined.Wall)/float64(ours.Wall), "times-faster-wall-than-engine/claude")
	t.ReportMetric(float64(theirs.CPU)/float64(ours.CPU), "times-less-CPU")
	if ours.Wall > theirs.Wall/10 || ours.CPU > theirs.CPU/20 {
		t.Errorf("a turn may take a tenth of the wall time and a twentieth of the CPU time")
	}
}

func claudeCode() string {
	if bin := os.Getenv("MATRIXOS_CLAUDE"); bin != "" {
		return bin
	}
	if bin, err := exec.LookPath("claude"); err == nil {
		return bin
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	bin, err := exec.LookPath(filepath.Join(cache, "matrixos-test", "claude-code", claude.Version, "claude")) // by tools/setup
	if err != nil {
		return ""
	}
	return bin
}

// measureEngine measures turns of engine/claude: the CLI, with the Host on the
// wire and every call asked for.
func measureEngine(t testing.TB, bin, url string) figures {
	t.Helper()
	m, err := anthropic.New(anthropic.Options{Key: "k", BaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	e := claude.New(claude.Options{Program: bin, Provider: m, Dir: t.TempDir()})
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	s, err := e.Open(t.Context(), &enginetest.Host{}, engine.Options{Model: enginetest.Model, System: []string{speedPrompt}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := measure(func(n int) error {
		return s.Send(t.Context(), func(engine.Event) {}, enginetest.Say(strconv.Itoa(n))).Err
	}, func() time.Duration { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func measureNative(t testing.TB, url string) figures {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childURL+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var f figures
	if err := json.Unmarshal(out, &f); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return f
}
