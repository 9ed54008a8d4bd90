package backup

import (
	"encoding/json"
	"testing"
)

// An inventory that counts as sound names nothing that it does not list.
func FuzzInventory(f *testing.F) {
	f.Add([]byte(`{"entries":[{"path":"a","chunks":[0]}],"chunks":[{"p":0,"a":0,"s":1,"n":1}],"packs":[{}]}`))
	f.Add([]byte(`{"entries":[{"path":"a","chunks":[-1]}],"chunks":[{"p":9,"a":-1}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		v := &inventory{}
		if json.Unmarshal(b, v) != nil || v.sound() != nil {
			return
		}
		for _, c := range v.Chunks {
			_ = v.Packs[c.Pack]
			if c.At < 0 || c.Stored < 1 || c.Stored > c.Size || c.Size > largestChunk {
				t.Fatalf("chunk %+v", c)
			}
		}
		for _, e := range v.Entries {
			for _, c := range e.Chunks {
				_ = v.Chunks[c]
			}
		}
	})
}
