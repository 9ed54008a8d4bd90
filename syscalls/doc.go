// Package syscalls is the system call table: what a model may ask of the
// system, one file per family, each with the text that describes it to a model
// beside it (read.go, Read.md). Implementations work on the calling process's
// transaction through kernel.Call; none of them touches the live home, and
// none decides whether it may be called: policy has, before it runs.
package syscalls
