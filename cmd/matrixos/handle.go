package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// handleCommand is about who the owner is on the Matrix network.
func (p *program) handleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "handle",
		Short: "Show who you are on the Matrix network; claim a handle, add people, set passwords",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				h, err := c.Handle(ctx)
				if err != nil || p.json {
					return p.orJSON(h, err)
				}
				return p.showHandle(h)
			})
		},
	}
	c.AddCommand(p.handleClaim(), p.handleCheck(), p.handlePassword(
		"password [NAME]", "Make a password that signs in with any Matrix client",
		"Makes a password for your account, or for that of a person you have added, and shows it\nonce. Any Matrix client signs in with it. With --stdin it is the one that you write there.",
		cobra.MaximumNArgs(1), false,
	), p.handlePassword(
		"add NAME", "Give a person an account on your homeserver",
		"Makes accounts for a person of your family and for their AI, with a password that is shown\nonce. They sign in with any Matrix client, or use it from a home of their own.",
		cobra.ExactArgs(1), true,
	))
	p.addSecurity(c)
	return c
}

func (p *program) showHandle(h client.Handle) error {
	st := p.style(p.out)
	rows := [][]string{{"You", string(h.Handle)}, {"Your AI", string(h.AI)}}
	if h.Local {
		rows = append(rows, []string{"Reach", "this home only; `matrixos handle claim @you:example.org` makes you known to others"})
	}
	rows = append(rows, []string{"Homeserver", homeserverWords(h)}, []string{"Clients", "sign in at " + h.URL})
	switch {
	case h.Trouble != "":
		rows = append(rows, []string{"Others", st.bad("cannot reach you") + ": " + h.Trouble})
	case h.Listen != "":
		rows = append(rows, []string{"Others", "reach you at " + h.Listen})
	}
	for _, who := range h.People {
		rows = append(rows, []string{"Also here", string(who)})
	}
	if h.Log != "" {
		rows = append(rows, []string{"Log", h.Log})
	}
	return table(p.out, rows)
}

// homeserverWords says how the homeserver is, in a line.
func homeserverWords(h client.Handle) string {
	s := h.Phase
	switch {
	case h.Phase == "idle":
		s = "starts when it is needed"
	case h.PID != 0:
		s += fmt.Sprintf(", process %d", h.PID)
	}
	if h.Driver != "child" {
		s += " (" + h.Driver + ")"
	}
	if h.Why != "" {
		s += ": " + h.Why
	}
	if h.Restarts > 0 {
		s += ", started again " + count(h.Restarts, "time")
	}
	return s
}

// forGood is what one has to know before a handle is claimed.
const forGood = `You are about to claim %s. Before you do:

  It is for good. Rooms, messages and other people's lists carry the handle; nobody can
  be told that it has changed. A new home can claim another one.
  The domain has to stay yours. Whoever has %s later can speak in your name.
  The signing key is in this home's keyring. If you lose it, others stop believing
  what your homeserver says. Back the home up.
  What you have written as %s stays in this home, and does not move over.

`

func (p *program) handleClaim() *cobra.Command {
	var in client.HandleClaim
	var yes bool
	c := &cobra.Command{
		Use:   "claim HANDLE",
		Short: "Claim a handle of your own domain, such as @anna:example.org, for good",
		Long: "Claims a handle, so that people on other homeservers can reach you. Says before what cannot\nbe changed later, and asks. Afterwards your homeserver listens for others:\n\n" +
			"  --tls proxy   plain HTTP on 127.0.0.1:8448, for a proxy of yours that does TLS (default)\n" +
			"  --tls files   TLS with --certificate and --key, read again when they are renewed\n" +
			"  --tls acme    TLS with a certificate from Let's Encrypt; needs port 443: --listen :443\n\n" +
			"`matrixos handle check` looks at DNS, ports, the certificate and the well-known files.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Handle = args[0]
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				now, err := c.Handle(ctx)
				if err != nil {
					return err
				}
				if !yes && now.Local {
					if err := p.askClaim(in.Handle, now.Handle); err != nil {
						return err
					}
				}
				h, err := c.ClaimHandle(ctx, in)
				if err != nil || p.json {
					return p.orJSON(h, err)
				}
				if err := p.showHandle(h); err != nil {
					return err
				}
				_, err = fmt.Fprintln(p.err, "\nNow run `matrixos handle check`: it says what others still miss.")
				return err
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&yes, "yes", false, "do not ask")
	f.StringVar(&in.Listen, "listen", "", "host:port for other homeservers and clients (default 127.0.0.1:8448)")
	f.StringVar(&in.TLS, "tls", "", "where TLS comes from: proxy, files or acme (default proxy)")
	f.StringVar(&in.Certificate, "certificate", "", "a PEM file with the certificate, for --tls files")
	f.StringVar(&in.Key, "key", "", "a PEM file with its key, for --tls files")
	f.StringVar(&in.Email, "email", "", "whom the authority tells of trouble, for --tls acme")
	f.BoolVar(&in.Private, "allow-private", false, "connect to homeservers on this machine and in your own network too")
	f.StringVar(&in.Public, "public", "", "where clients find the homeserver (default https://DOMAIN)")
	return c
}

// askClaim says what cannot be taken back, and goes on only if it is typed.
func (p *program) askClaim(want string, now sys.Handle) error {
	_, domain, _ := strings.Cut(want, ":")
	fmt.Fprintf(p.err, forGood, want, domain, now)
	declined := &sys.Error{Op: "claim", Path: want, Kind: sys.NeedsApproval, Err: errors.New("nothing was claimed"), Hint: "type the handle, or give --yes"}
	if f, ok := p.in.(*os.File); ok && !isatty.IsTerminal(f.Fd()) {
		return declined
	}
	fmt.Fprint(p.err, "Type the handle to claim it: ")
	line, _ := bufio.NewReader(p.in).ReadString('\n') // what was typed before it ended counts
	if strings.TrimSpace(line) != want {
		return declined
	}
	return nil
}

func (p *program) handleCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check [DOMAIN]",
		Short: "Look whether others can reach your domain, and say what is missing",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			domain := strings.Join(args, "")
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.CheckHandle(ctx, domain)
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(list)
				}
				st := p.style(p.out)
				bad := 0
				for _, r := range list {
					mark := "ok "
					if !r.OK {
						bad++
						mark = st.bad("-- ")
					}
					fmt.Fprintf(p.out, "%s %s: %s\n", mark, r.Name, r.Text)
					if r.Hint != "" {
						fmt.Fprintf(p.out, "    %s\n", r.Hint)
					}
				}
				if bad > 0 {
					return errShown{sys.NotVerified}
				}
				return nil
			})
		},
	}
}

func (p *program) handlePassword(use, short, long string, args cobra.PositionalArgs, fresh bool) *cobra.Command {
	in := client.HandlePassword{New: fresh}
	var stdin bool
	c := &cobra.Command{
		Use: use, Short: short, Long: long, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Name = strings.Join(args, "")
			if stdin {
				line, err := p.secret("Password: ")
				if err != nil {
					return err
				}
				in.Password = strings.TrimRight(line, "\r\n")
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				s, err := c.SetHandlePassword(ctx, in)
				if err != nil || p.json {
					return p.orJSON(s, err)
				}
				rows := [][]string{{"Homeserver", s.URL}, {"User", string(s.Handle)}}
				if s.Password != "" {
					rows = append(rows, []string{"Password", s.Password + "  (not shown again)"})
				}
				return table(p.out, rows)
			})
		},
	}
	c.Flags().BoolVar(&stdin, "stdin", false, "take the password from standard input")
	return c
}
