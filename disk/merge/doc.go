// Package merge joins two edits of one text that started from the same base.
//
// The order of attempts: equal results; JSON by structure, key by key; lines in
// the manner of diff3; and within a region of lines that both have changed,
// tokens. It also writes unified patches. It is pure: bytes in, bytes out; it
// knows no files, no history and no owner.
//
// Laws that hold for all inputs: Three(b, x, b) = x, Three(b, b, x) = x,
// Three(b, x, x) = x, and Three(b, x, y) succeeds if and only if Three(b, y, x)
// does.
package merge
