package test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkMatrix measures, on two homes that federate over TLS on loopback: the first
// request to its answer, the memory of a home and of its homeserver when both are
// idle, and a message from the sender's call to the reader's sync.
func BenchmarkMatrix(b *testing.B) {
	a := newAuthority(b)
	idle := NewWorld(b)
	idle.Up()
	begun := time.Now()
	res, err := http.Get(idle.Addr + "/_matrix/client/versions")
	if err != nil {
		b.Fatal(err)
	}
	res.Body.Close()
	first := time.Since(begun)
	h := (&server{World: idle}).handle()
	time.Sleep(time.Minute) // both come to rest, and give back what a start leaves behind
	home, child := resident(b, idle.PID()), resident(b, h.PID)
	idle.Stop()

	anna, ben := newServer(b, a, "anna"), newServer(b, a, "ben")
	annas, bens, carls := anna.password(""), ben.password(""), anna.password("@carl")
	writer := signIn(b, anna.Addr, string(annas.Handle), annas.Password)
	for name, reader := range map[string]*person{
		"local": signIn(b, anna.Addr, string(carls.Handle), carls.Password), "federated": signIn(b, ben.Addr, string(bens.Handle), bens.Password),
	} {
		reader.listen(b)
		b.Run(name, func(b *testing.B) {
			room := together(b, writer, reader)
			var took []time.Duration
			for b.Loop() {
				at := time.Now()
				e, err := writer.SendText(b.Context(), room, "message")
				if err != nil {
					b.Fatal(err)
				}
				for <-reader.heard != e.EventID.String() {
				}
				took = append(took, time.Since(at))
			}
			slices.Sort(took)
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
			b.ReportMetric(ms(took[len(took)*99/100]), "p99-ms")
			b.ReportMetric(ms(first), "first-answer-ms")
			b.ReportMetric(float64(home)/1024, "home-MB")
			b.ReportMetric(float64(child)/1024, "homeserver-MB")
		})
	}
}

// resident is a process's resident memory, in KB.
func resident(b *testing.B, pid int) int {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmRSS:" {
			kb, err := strconv.Atoi(f[1])
			if err != nil {
				b.Fatal(err)
			}
			return kb
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
