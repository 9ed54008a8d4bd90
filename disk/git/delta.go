package git

import (
	"encoding/binary"
)

const (
	deltaBlock = 16      // bytes that have to agree before a copy is considered
	mostCopy   = 0x10000 // bytes of one copy command
	mostInsert = 127
	hopeless   = 64 << 10 // so many bytes of a beginning without anything in common end the search
)

// makeDelta describes target by copies from base and insertions, as applyDelta
// reads it. It is nil if that takes more than most bytes: two photos that have
// nothing in common are given up early, for each of their bytes is a look-up.
func makeDelta(base, target []byte, most int) []byte {
	at := make(map[[deltaBlock]byte]int, len(base)/deltaBlock)
	for i := len(base)/deltaBlock*deltaBlock - deltaBlock; i >= 0; i -= deltaBlock {
		at[[deltaBlock]byte(base[i:])] = i
	}
	out := binary.AppendUvarint(nil, uint64(len(base)))
	out = binary.AppendUvarint(out, uint64(len(target)))
	done := 0 // target up to here is described
	for i := 0; i+deltaBlock <= len(target); {
		from, ok := at[[deltaBlock]byte(target[i:])]
		if !ok {
			if i++; done == 0 && i > hopeless || len(out)+i-done > most {
				return nil
			}
			continue
		}
		start := i
		for start > done && from > 0 && base[from-1] == target[start-1] {
			start, from = start-1, from-1
		}
		size := i + deltaBlock - start
		for start+size < len(target) && from+size < len(base) && base[from+size] == target[start+size] {
			size++
		}
		out = appendInsert(out, target[done:start])
		out = appendCopy(out, from, size)
		done = start + size
		i = done
	}
	if out = appendInsert(out, target[done:]); len(out) > most {
		return nil
	}
	return out
}

func appendInsert(out, data []byte) []byte {
	for len(data) > 0 {
		n := min(len(data), mostInsert)
		out = append(append(out, byte(n)), data[:n]...)
		data = data[n:]
	}
	return out
}

func appendCopy(out []byte, from, size int) []byte {
	for size > 0 {
		n := min(size, mostCopy)
		command, arg := len(out), byte(0x80)
		out = append(out, 0)
		for k := range 4 {
			if b := byte(from >> (8 * k)); b != 0 {
				out, arg = append(out, b), arg|1<<k
			}
		}
		for k := range 2 { // a size of 0x10000 is written as none
			if b := byte(n >> (8 * k)); b != 0 && n != mostCopy {
				out, arg = append(out, b), arg|1<<(4+k)
			}
		}
		out[command] = arg
		from, size = from+n, size-n
	}
	return out
}
