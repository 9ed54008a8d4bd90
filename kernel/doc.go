// Package kernel runs processes: it owns the process table, gives each process
// an engine to think with and a transaction to work in, dispatches its system
// calls past policy and into the journal, lands its changes together or not at
// all, and keeps the owner's conversations. The model behind a process is
// untrusted: whatever it says, only the paths of this package change anything.
//
// A process's life is a file per stage: process_start.go, process_run.go (the
// engine's turns), process_call.go (system calls), process_land.go,
// process_signal.go and process_exit.go. process_state.go has the table of
// legal transitions. Every transition is an event in the journal, and is there
// before the process goes on.
//
// Lock order: process.desk, then Kernel.mu, then process.mu. The latter two are
// never held across I/O on the disk, a model request or a system call.
package kernel
