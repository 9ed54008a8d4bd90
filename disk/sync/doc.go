// Package sync lets the homes of one person's devices meet at a git remote.
//
// Each home keeps its own linear history. The remote's main has, for each
// meeting, a commit whose tree is what was agreed on and whose parents are the
// meeting before and the home's newest landing: so the remote holds the
// provenance of all devices, and plain git reads it. What a home takes from there
// is a landing of kind merge: by the rules of every landing, with checks, from
// the last meeting as the base, which is remembered in the same commit.
//
// A conflict refuses the whole merge; both sides stay: ours in the home, theirs
// under refs/remotes/NAME, and it waits among the home's conflicts until the owner
// has chosen, file by file or with a preference. Two homes that never met join by path; nothing is
// deleted by that.
//
// Databases, conversations and whatever else is not versioned do not travel:
// that is what exports and backups are for. Transport is the git program, without
// hooks, prompts or the settings of the machine; credentials come from the
// keyring and are not in addresses, errors or logs.
package sync
