package browser

import (
	"testing"

	"matrixos/sys"
)

// template is the home that every owner begins with.
const template = "../../home/template"

// One iteration is the whole contract of one app, one scenario after the other. opening/plain
// is how much longer its window takes to open than that of a page without any library.
func BenchmarkContract(b *testing.B) {
	w := newWorld(b)
	w.from(template, "apps/money")
	w.static("plain", "Hello", `{"see": "Hello"}`)
	var opening, plain, windows float64
	both := func() {
		out := w.run("money")
		for _, s := range out {
			if one := (sys.ContractReport{Scenarios: []sys.ScenarioResult{s}}); !one.Settled() {
				b.Fatalf("%+v", s)
			}
			opening += s.Steps[0].Millis
		}
		windows += float64(len(out))
		plain += w.run("plain")[0].Steps[0].Millis * float64(len(out))
	}
	both()
	opening, plain, windows = 0, 0, 0
	for b.Loop() {
		both()
	}
	b.ReportMetric(opening/windows, "ms/opening")
	b.ReportMetric(opening/plain, "opening/plain")
}
