package boot

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Only what nobody can have written to is let go of.
func TestReadOnlyParts(t *testing.T) {
	const smaps = `00400000-00402000 r-xp 00000000 fe:00 12 /bin/home
Rss:                  8 kB
Anonymous:            0 kB
VmFlags: rd ex mr mw me
00402000-00403000 r--p 00002000 fe:00 12 /bin/home
Anonymous:            4 kB
00403000-00404000 rw-p 00003000 fe:00 12 /bin/home
Anonymous:            0 kB
00500000-00501000 r--p 00000000 fe:00 13 /lib/other
Anonymous:            0 kB
7f0000000000-7f0000001000 r--p 00000000 00:00 0
Anonymous:            0 kB
`
	got, err := readOnlyParts(strings.NewReader(smaps), "/bin/home")
	if err != nil || !slices.Equal(got, []part{{0x400000, 0x402000}}) {
		t.Errorf("%x, %v", got, err)
	}
}

// A process goes on after its pages went.
func TestUnmapProgram(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	all, err := readOnlyParts(f, name)
	if err != nil || len(all) == 0 || f.Close() != nil {
		t.Fatalf("no part of %s: %v", name, err)
	}
	for range 3 {
		if err := unmapProgram(); err != nil {
			t.Fatal(err)
		}
	}
}
