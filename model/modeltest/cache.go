package modeltest

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"
)

// lookBack is how many blocks before a breakpoint the provider looks for an
// entry, the marked one included.
const lookBack = 20

// block is one element of a prompt in prefix order: tools, system, messages.
type block struct {
	role   string
	raw    []byte        // without cache_control, keys sorted
	marked time.Duration // how long an entry that ends here shall live; 0: no mark
}

func (b block) tokens() int64 { return int64(len(b.raw)/4 + 1) }

// Cache simulates a provider's prompt cache: entries are whole prefixes that end
// at a block, found by looking back from a breakpoint, and living for five
// minutes or an hour from their last use.
type Cache struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[[32]byte]entry
}

type entry struct {
	life, until time.Duration
}

// newCache returns an empty cache that reads the time from now.
func newCache(now func() time.Time) *Cache {
	return &Cache{now: now, entries: map[[32]byte]entry{}}
}

// marked accounts for a request with explicit breakpoints.
func (c *Cache) marked(model string, blocks []block) Usage {
	hash, upTo := prefixes(model, blocks)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Duration(c.now().UnixNano())
	read := 0 // blocks
	for i, b := range blocks {
		if b.marked == 0 {
			continue
		}
		for j := i; j >= 0 && j > i-lookBack; j-- {
			if e, ok := c.entries[hash[j]]; ok && e.until >= now {
				c.entries[hash[j]] = entry{e.life, now + e.life}
				read = max(read, j+1)
				break
			}
		}
	}
	var u Usage
	u.Read = upTo[read]
	last := read
	for i, b := range blocks {
		if b.marked == 0 {
			continue
		}
		c.entries[hash[i]] = entry{b.marked, now + b.marked}
		if i+1 > last {
			if b.marked >= time.Hour {
				u.Write1h += upTo[i+1] - upTo[last]
			} else {
				u.Write5m += upTo[i+1] - upTo[last]
			}
			last = i + 1
		}
	}
	u.Input = upTo[len(blocks)] - upTo[last]
	return u
}

// automatic accounts for a request of a provider that keeps every prefix by
// itself and takes nothing for it.
func (c *Cache) automatic(model string, blocks []block) Usage {
	hash, upTo := prefixes(model, blocks)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Duration(c.now().UnixNano())
	read := 0
	for i, h := range hash {
		if e, ok := c.entries[h]; ok && e.until >= now {
			read = i + 1
		}
		c.entries[h] = entry{5 * time.Minute, now + 5*time.Minute}
	}
	return Usage{Read: upTo[read], Input: upTo[len(blocks)] - upTo[read]}
}

// prefixes returns the hash of every prefix, and the tokens up to every block.
func prefixes(model string, blocks []block) (hash [][32]byte, upTo []int64) {
	upTo = make([]int64, 1, len(blocks)+1)
	prev := sha256.Sum256([]byte(model))
	for _, b := range blocks {
		h := sha256.New()
		h.Write(prev[:])
		h.Write([]byte(b.role + "\x00"))
		h.Write(b.raw)
		h.Sum(prev[:0])
		hash = append(hash, prev)
		upTo = append(upTo, upTo[len(upTo)-1]+b.tokens())
	}
	return hash, upTo
}

// newBlock makes a block of a JSON object, and takes the mark out of it.
func newBlock(role string, object map[string]json.RawMessage) block {
	b := block{role: role}
	if raw, ok := object["cache_control"]; ok {
		var cc struct{ TTL string }
		b.marked = 5 * time.Minute
		if json.Unmarshal(raw, &cc) == nil && cc.TTL == "1h" {
			b.marked = time.Hour
		}
		clean := make(map[string]json.RawMessage, len(object))
		for k, v := range object {
			if k != "cache_control" {
				clean[k] = v
			}
		}
		object = clean
	}
	raw, err := json.Marshal(object)
	if err != nil {
		panic("modeltest: " + err.Error()) // it was JSON a moment ago
	}
	b.raw = raw
	return b
}
