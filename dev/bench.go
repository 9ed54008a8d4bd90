package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"matrixos/sys"
)

// bench runs benchmarks several times and reports the median of every figure.
// Ratios that a benchmark reports were measured within one run, so that they
// mean something on a loaded machine too.
func bench() *cobra.Command {
	var count int
	var pattern, duration string
	cmd := &cobra.Command{
		Use:   "bench [PACKAGE…]",
		Short: "Run the benchmarks and report medians",
		RunE: func(cmd *cobra.Command, packages []string) error {
			if len(packages) == 0 {
				packages = []string{"./..."}
			}
			args := append([]string{
				"test", "-tags=goolm", "-run=^$", "-bench=" + pattern, "-benchmem", "-benchtime=" + duration,
				"-count=" + strconv.Itoa(count), "-timeout=30m",
			}, packages...)
			run := exec.CommandContext(cmd.Context(), "go", args...)
			run.Stderr = cmd.ErrOrStderr()
			out, err := run.StdoutPipe()
			if err != nil {
				return err
			}
			if err := run.Start(); err != nil {
				return err
			}
			f, err := readFigures(io.TeeReader(out, cmd.ErrOrStderr()))
			if err := errors.Join(err, run.Wait()); err != nil {
				return &sys.Error{Op: "run benchmarks", Kind: sys.Internal, Err: err}
			}
			return f.report(cmd.OutOrStdout())
		},
	}
	cmd.Flags().IntVar(&count, "count", 3, "how often each benchmark runs")
	cmd.Flags().StringVar(&pattern, "bench", ".", "which benchmarks, as go test takes it")
	cmd.Flags().StringVar(&duration, "time", "1s", "how long each run lasts, as go test takes it")
	return cmd
}

// figures are what was measured: by benchmark, then by unit, run by run.
type figures map[string]map[string][]float64

// readFigures reads what go test -bench prints: a name, the number of
// iterations, then pairs of value and unit.
func readFigures(r io.Reader) (figures, error) {
	f := figures{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		if len(w) < 4 || !strings.HasPrefix(w[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(w[0], "Benchmark"), "-")
		for i := 2; i+1 < len(w); i += 2 {
			v, err := strconv.ParseFloat(w[i], 64)
			if err != nil {
				break // a name that only looks like a benchmark's
			}
			if f[name] == nil {
				f[name] = map[string][]float64{}
			}
			f[name][w[i+1]] = append(f[name][w[i+1]], v)
		}
	}
	return f, lines.Err()
}

func (f figures) report(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "BENCHMARK\tMEDIAN\tUNIT\tRUNS")
	for _, name := range slices.Sorted(maps.Keys(f)) {
		for _, unit := range slices.Sorted(maps.Keys(f[name])) {
			v := f[name][unit]
			fmt.Fprintf(t, "%s\t%.4g\t%s\t%d\n", name, median(v), unit, len(v))
		}
	}
	return t.Flush()
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
