package main

import (
	"context"

	"matrixos/client"
	"matrixos/sys"
)

func connect(ctx context.Context, home string) (*client.Client, error) {
	return client.Connect(ctx, home)
}

func start(context.Context, startOptions) (system, error) {
	return nil, &sys.Error{Op: "start", Kind: sys.Unavailable}
}
