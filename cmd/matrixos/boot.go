package main

import (
	"context"

	"matrixos/boot"
	"matrixos/client"
)

// startOptions say how to start a kernel in this process.
type startOptions = boot.Options

func connect(ctx context.Context, home string) (*client.Client, error) {
	return client.Connect(ctx, home)
}

func start(ctx context.Context, o startOptions) (system, error) {
	o.Version, o.Holder = version, "/proc/self/exe"
	s, err := boot.Start(ctx, o)
	if err != nil {
		return nil, err // not a nil *System in an interface
	}
	return s, nil
}

// exported is what an export holds.
type exported = boot.Exported

func verifyExport(ctx context.Context, file string) (exported, error) {
	return boot.VerifyExport(ctx, file)
}

func importHome(ctx context.Context, file, home string, links bool, passphrase string) (exported, error) {
	return boot.Import(ctx, file, home, links, passphrase)
}

func restoreFrom(ctx context.Context, from client.BackupPlace, r client.RestoreHome) (client.RestoredHome, error) {
	return boot.RestoreFrom(ctx, from, r)
}
