//go:build !race

package boot

import (
	"matrixos/matrix"
	"matrixos/matrix/child"
	"matrixos/matrix/embedded"
)

// serveChild is the homeserver, if this process was started to be it.
func serveChild(name string) (code int, ok bool) {
	if name != child.Name {
		return 0, false
	}
	return child.Serve(), true
}

// newDendrite makes a homeserver of our own: a process that is supervised, or in this
// one.
func newDendrite(o homeserverOptions) matrix.Homeserver {
	server := embedded.Options{
		Domain: o.domain, Dir: o.dir, Key: o.key, Federate: o.federate, AllowPrivate: o.private, Public: o.public, Delegate: o.delegate,
	}
	if o.driver == driverEmbedded || o.program == "" {
		return embedded.New(server)
	}
	return child.New(child.Options{Program: o.program, Server: server, LogFile: o.log, Logger: o.logger})
}
