package offline

import (
	"testing"

	"matrixos/model"
	"matrixos/sys"
)

// BenchmarkAsk is the kernel's first step for the first example.
func BenchmarkAsk(b *testing.B) {
	m, err := New()
	if err != nil {
		b.Fatal(err)
	}
	r := &model.Request{Program: sys.ProgramKernel, Messages: []model.Message{userMessage("<state>{}</state>", "Track my expenses with amount, category and date, and show a chart per month")}}
	for b.Loop() {
		if _, err := m.Stream(b.Context(), r, func(model.Delta) {}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNew is loading the lexicon.
func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(); err != nil {
			b.Fatal(err)
		}
	}
}
