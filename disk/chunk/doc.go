// Package chunk keeps many versions of large files so that a version that differs
// little from another costs little: content is cut into chunks, each kept once.
//
// It is made for copies of SQLite databases. These change by the page and never
// shift, so chunks are of one fixed size, a multiple of every page size: to look
// for edges in the content, as one does for files that grow in the middle, would
// cost time and find worse places (doc/decisions has the figures).
//
// # Form
//
// The chunks of a content are leaves of a tree; an inner node is the list of up to
// 32 SHA-256 hashes of its children, and is a chunk itself. A content is named by
// the Root: the hash at the top and the size, from which the height follows. A
// change of one page therefore writes one leaf and one node per level.
//
// New chunks of one Writer are compressed one by one (zstd) into one pack file,
// which is durable before it gets its name: after a crash it is there whole, or it
// is not there. Every chunk is verified against its hash when it is read.
//
// # Garbage
//
// The store does not know which contents are wanted. Sweep is told, and removes
// the rest. A Writer holds sweeps off from Begin until Close, so that what it
// found to be there already stays until its caller has recorded the Root.
//
// The package knows nothing of databases, landings or retention.
package chunk
