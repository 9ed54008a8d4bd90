// Command matrixos starts a home and talks to one.
//
// It reads flags and environment, finds the daemon that holds the home or
// starts the kernel in this process, and shows what comes back: for people on
// standard error and, where it is the result, on standard output; with --json
// one JSON document, or one per line for streams, on standard output and
// nothing else there. It decides nothing: every rule is below it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // jobs name zones, also where the machine has no list of them

	"matrixos/boot"
)

// version is set by the linker.
var version = "dev"

func main() {
	if code, ok := boot.Hold(os.Args); ok {
		os.Exit(code)
	}
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return newProgram(os.Stdin, os.Stdout, os.Stderr, os.Getenv).run(ctx, os.Args[1:])
}
