// Package sys holds the shared nouns of Matrix OS: ids, paths, labels, events,
// error kinds, and the plain values that cross package borders. It is the
// bottom of the tree: it imports nothing of ours, performs no I/O, keeps no
// state and starts no goroutine.
package sys
