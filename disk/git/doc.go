// Package git reads and writes git's object format in process, without running
// git: loose objects, packs (the owner may run `git gc` in the home), trees,
// commits with trailers, refs with git's own locks, and the index that makes
// `git status` sensible.
//
// It knows a repository folder and bytes. It does not know homes, landings or
// durability: the disk decides what is written when, and what a crash means.
package git
