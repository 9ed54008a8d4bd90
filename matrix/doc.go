// Package matrix is the home's place in the Matrix network: who the owner and the
// AI are there, and the contract of what serves them, Homeserver.
//
// Its subpackages are the drivers of that contract: matrix/embedded runs Dendrite in
// this process (development, tests, small machines), matrix/child the same in a
// process of its own, which is supervised, and matrix/external uses a server that
// somebody else runs. matrix/front stands between it and the network, matrix/public
// listens, matrix/reach looks whether others can reach a domain. matrix/dendrite is a
// module of its own (see there).
//
// The package makes no policy: who may ask the AI for what is decided by who reads
// the rooms. It never prints or stores a token elsewhere than in the keyring.
package matrix
