// Package workspace makes the folders in which transactions work: real
// directories with the files of one landing, isolated from the live home, from
// each other and from landings to come. It knows trees and files; it knows
// nothing of landings, merges or policy, and never touches the live home.
//
// # Backends
//
// The machine decides which one a store uses (probe.go); each is tried for real,
// best first, once, when the store opens:
//
//	overlay   a mount of overlayfs: immutable layers below, changes above. Begin
//	          costs the same for every home, and a scan sees only what changed.
//	snapshot  a btrfs snapshot of a prepared folder
//	reflink   a copy that shares its blocks with a prepared folder (xfs, btrfs)
//	copy      a copy, prepared ahead where one was used before
//
// # The store
//
//	gen-N        a prepared, immutable checkout of one landing; gen-N.tree names
//	             its tree and is written once the folder is durable
//	layers/N     what changed after the generation, as layers of overlayfs
//	ws/ID        one folder in use: home is what its program sees; with overlay,
//	             upper holds the changes
//
// A generation and the layers above it are a stack (stack.go). Begin adds a small
// layer if the newest landing is not there yet; the background does so after
// landings, folds many layers into one, and makes a new generation when layers
// have grown. A folder in use keeps its stack. Live files are never below a
// mount: later edits would show through.
//
// # Mounts
//
// Overlay mounts live in a mount namespace of their own, which belongs to one
// helper process, the holder (hold.go): the same program, started again. Without
// root it owns a user namespace too. This program reaches the mounts through
// /proc/PID/root; a command enters the namespace first (Place.Enter). When this
// program dies, however, the holder sees its end of the socket close and ends,
// and the kernel takes the mounts away: none can stay behind.
//
// # What is not versioned
//
// A new folder has what the history has, and nothing else: no database, no cache.
// Whoever wants such a file in it writes it into Folder.Dir, on every backend
// alike. It stays private to the folder, and a scan offers it as a new file, which
// the disk passes over as ignored.
//
// # Reads
//
// Copies tell which files were read, by their access times, where the file
// system keeps them (Folder.Reads). On an overlay reads cannot be seen.
//
// # Locks
//
// Store.mu guards the stack and the spare copy, and is held while a layer is
// written, never while a generation is. holder.mu is below it.
package workspace
