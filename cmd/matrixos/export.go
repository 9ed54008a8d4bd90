package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

func (p *program) exportCommand() *cobra.Command {
	var keys bool
	var passFile string
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write the whole home into one file, checked by hash",
		Long: "Write files, history, databases and conversations into one file, as of one\n" +
			"landing, also while the home is in use, and check it. `matrixos import` makes a\n" +
			"home of it; `tar --zstd -xf` opens it, too. Keys stay behind, unless --with-keys\n" +
			"takes them along under the passphrase of --passphrase-file or MATRIXOS_PASSPHRASE.\n" +
			"The rest is not encrypted: see `matrixos backup` for that.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			pass, err := p.secretFrom(passFile, "MATRIXOS_PASSPHRASE")
			if err != nil {
				return err
			}
			if keys && pass == "" {
				return usage(cmd, errors.New("--with-keys needs --passphrase-file or MATRIXOS_PASSPHRASE"))
			}
			return p.export(cmd.Context(), args[0], keys, pass)
		},
	}
	cmd.Flags().BoolVar(&keys, "with-keys", false, "take the keyring along, encrypted")
	cmd.Flags().StringVar(&passFile, "passphrase-file", "", "file with the passphrase for the keys")
	return cmd
}

// export writes beside the file, checks, and then gives it its name.
func (p *program) export(ctx context.Context, name string, keys bool, pass string) error {
	fail := func(err error) error {
		return &sys.Error{Op: "write export", Path: name, Kind: sys.Unavailable, Err: err, Hint: "check that you may write there and that there is room"}
	}
	if _, err := os.Lstat(name); err == nil {
		return &sys.Error{Op: "write export", Path: name, Kind: sys.Exists, Hint: "choose another name; nothing is ever replaced"}
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // made with mode 0600
	if err != nil {
		return fail(err)
	}
	err = p.with(ctx, func(ctx context.Context, c *client.Client) error { return c.Export(ctx, f, keys, pass) })
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil && e != nil {
		err = fail(e)
	}
	var s exported
	if err == nil {
		s, err = verifyExport(ctx, f.Name())
	}
	if err == nil {
		if err = os.Rename(f.Name(), name); err != nil {
			err = fail(err)
		}
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	for _, l := range s.Outside {
		fmt.Fprintf(p.err, "The link %s leads out of the home; importing needs --links.\n", printable(l))
	}
	return p.did(fmt.Sprintf("Exported %s, %s, as of %s, and checked every hash.", count(s.Files, "file"), bytesOf(s.Bytes), s.Landing), s)
}

func (p *program) importCommand() *cobra.Command {
	var links bool
	var passFile string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a home of an export, in an empty or new folder",
		Long: "Make a home of an export in the home's folder (--home), which must be empty or\n" +
			"new. Every hash is compared and the result is opened once before it is there.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := p.folder()
			if err != nil {
				return err
			}
			pass, err := p.secretFrom(passFile, "MATRIXOS_PASSPHRASE")
			if err != nil {
				return err
			}
			s, err := importHome(cmd.Context(), args[0], home, links, pass)
			if err != nil {
				return err
			}
			if s.Keys && pass == "" {
				fmt.Fprintln(p.err, "The file has keys, which were left out: import again with --passphrase-file for them.")
			}
			return p.did(fmt.Sprintf("The home is in %s: %s, %s, as of %s. Start it with `matrixos up --home %s`.", home, count(s.Files, "file"), bytesOf(s.Bytes), s.Landing, home), s)
		},
	}
	cmd.Flags().BoolVar(&links, "links", false, "allow links that lead out of the home")
	cmd.Flags().StringVar(&passFile, "passphrase-file", "", "file with the passphrase of the keys")
	return cmd
}
