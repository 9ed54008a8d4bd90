// Package backup makes copies of a whole home that can be trusted: one file to
// carry (Export, Import), and encrypted, incremental snapshots in a folder or
// an S3-compatible store (Repo), with a drill that proves they can be restored.
//
// A copy belongs to one landing. What the history has is read from it, never
// from the live files: a copy of a home in use is as consistent as one at rest.
// Beside it goes what is the owner's but not versioned: conversations, layout,
// large files, displaced bytes, and databases, each copied by SQLite itself, and
// the homeserver, which stands still for that moment. Caches, workspaces and
// node_modules stay behind. Snapshots, which are encrypted, have the keys without
// which others would not believe the homeserver any more (Beside); other keys stay
// behind, unless an export is asked for them.
//
// Nothing that is read back is believed. Each file is compared with the hash
// that was taken when it was copied; names, links and sizes are checked before
// anything is written; all is built in a folder beside the home to be, opened
// there as a home, and only then put in its place by one rename.
//
// The package does not schedule and knows no settings: boot does and has them.
// It must not write to a live home, except to its own scratch folder.
package backup
