// Package mcp attaches servers of the Model Context Protocol: programs that are run
// confined and talked to over their standard input and output, and services on the
// network by streamable HTTP. The protocol itself is the official SDK's.
//
// A file system/mcp/<name>.json describes a server: see Config. A program sees its
// own folder, which it may write, the folders that its file grants, and nothing else
// of the owner's; it reaches no network but the hosts that its file names, through
// the egress proxy. A service is reached through the egress gate. What a server says
// about its tools is vetted and pinned by package driver, and what it returns is
// text from outside.
//
// It decides nothing about calls, and keeps nothing but what a program writes into
// its own folder.
package mcp
