// Package device lets further devices of the same owner in: it pairs two homes over
// the network, and carries what they say to each other from then on.
//
// The first device has the handle, with its homeserver and its AI. A code that it
// makes once lets one other home in for ten minutes. Each home has a key of its own,
// in its keyring, and every connection is TLS 1.3 in which both prove theirs: the
// code names the first device's key, so who stands between learns nothing, and who
// finds the code later has nothing. What the first device keeps of another is its
// key; when that is removed, nothing is let in any more, at once.
//
// Over the connection go git's own protocol, the Matrix client API, and a few calls
// of ours (Server, First). The package decides nothing about files, rooms and
// conversations: boot joins it with those who do. Clocks of two devices are not
// compared.
package device
