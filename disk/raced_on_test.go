//go:build race

package disk

// raced says that the race detector slows everything down: what counts deaths and
// power cuts then takes few, and the full number is for a run without it.
const raced = true
