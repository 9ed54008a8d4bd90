package gateway

import (
	"html/template"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"matrixos/sys"
)

// debug is the operator's corner: a plain page and Go's profiles.
func (g *Gateway) debug() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/{$}", g.debugPage)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/", noSuchCall)
	return mux
}

type debugData struct {
	Version, Go string
	Home        string
	Goroutines  int
	HeapMB      float64
	Sockets     int64
	Sessions    int
	Last        sys.Seq
	Head        sys.LandingID
	Processes   []sys.Process
	Now         time.Time
}

func (g *Gateway) debugPage(w http.ResponseWriter, r *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	d := debugData{
		Version: g.o.Version, Go: runtime.Version(), Home: g.o.Disk.Root(), Goroutines: runtime.NumGoroutine(),
		HeapMB: float64(m.HeapAlloc) / (1 << 20), Sockets: g.live.open.Load(), Sessions: len(g.sessions.list()),
		Last: g.journal.Last(), Head: g.o.Disk.Head(), Processes: g.o.Kernel.Processes(), Now: g.now(),
	}
	if info, ok := debug.ReadBuildInfo(); ok && d.Version == "" {
		d.Version = info.Main.Version
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	if err := debugTemplate.Execute(w, d); err != nil {
		g.log.DebugContext(r.Context(), "page not sent", slog.Any("error", err))
	}
}

// figures writes the metrics in Prometheus' text form.
func (g *Gateway) figures(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	g.metrics.WritePrometheus(w)
	if g.o.Metrics != nil {
		g.o.Metrics(w)
	}
	metrics.WriteProcessMetrics(w)
}

// gauges registers what is read when asked for.
func (g *Gateway) gauges() {
	g.metrics.NewGauge("matrixos_sockets", func() float64 { return float64(g.live.open.Load()) })
	g.metrics.NewGauge("matrixos_sessions", func() float64 { return float64(len(g.sessions.list())) })
	g.metrics.NewGauge("matrixos_journal_last_seq", func() float64 { return float64(g.journal.Last()) })
	g.metrics.NewGauge("matrixos_landings", func() float64 { return float64(g.o.Disk.Head()) })
	g.metrics.NewGauge("matrixos_processes_live", func() float64 {
		n := 0
		for _, p := range g.o.Kernel.Processes() {
			if !p.State.Ended() {
				n++
			}
		}
		return float64(n)
	})
}

var debugTemplate = template.Must(template.New("debug").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Debug</title>
<style>:root{color-scheme:light dark}body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:72rem}h1{font-size:1.2rem}
table{border-collapse:collapse}td,th{text-align:left;padding:.2em 1.2em .2em 0;vertical-align:top}td{font-variant-numeric:tabular-nums}</style>
<h1>Matrix OS {{.Version}}</h1>
<table>
<tr><th>Home<td>{{.Home}}
<tr><th>Go<td>{{.Go}}
<tr><th>Goroutines<td>{{.Goroutines}}
<tr><th>Heap<td>{{printf "%.1f" .HeapMB}} MB
<tr><th>Event sockets<td>{{.Sockets}}
<tr><th>Signed-in browsers<td>{{.Sessions}}
<tr><th>Last event<td>{{.Last}}
<tr><th>Newest landing<td>{{.Head}}
</table>
<h1>Processes</h1>
<table><tr><th>PID<th>Parent<th>Program<th>State<th>Waiting for<th>Steps<th>Calls<th>Task
{{range .Processes}}<tr><td>{{.PID}}<td>{{.Parent}}<td>{{.Program}}<td>{{.State}}<td>{{.WaitingFor}}<td>{{.Steps}}<td>{{.Calls}}<td>{{.Task}}
{{else}}<tr><td colspan="8">none
{{end}}</table>
<p><a href="/debug/pprof/">profiles</a> · <a href="/metrics">metrics</a> · <a href="/api/openapi.json">API</a></p>
</html>
`))
