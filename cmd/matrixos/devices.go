package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// deviceCommand is about the owner's devices that have this home.
func (p *program) deviceCommand() *cobra.Command {
	list := func(cmd *cobra.Command, _ []string) error {
		return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			d, err := c.Devices(ctx)
			if err != nil || p.json {
				return p.orJSON(d, err)
			}
			return p.showDevices(d)
		})
	}
	c := &cobra.Command{
		Use: "device", Short: "List your devices that have this home; add and remove them", Args: cobra.NoArgs,
		Long: "The first device has your handle and your AI. `matrixos device add NAME` there prints a link;\n`matrixos up --join LINK` on the other one makes an empty home there one more device: it has your\nfiles and conversations, and your messages.",
		RunE: list,
	}
	c.AddCommand(
		&cobra.Command{Use: "list", Short: "List your devices, and how they stand", Args: cobra.NoArgs, RunE: list},
		p.deviceAdd(),
		&cobra.Command{
			Use: "remove NAME", Short: "Let a device in no more: its access ends at once", Args: cobra.ExactArgs(1),
			Long: "Ends everything with a device: it is cut off, its files meet yours no more, and its sign-in to\nyour homeserver ends. What it had, it still has.",
			RunE: func(cmd *cobra.Command, args []string) error {
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					if err := c.RemoveDevice(ctx, args[0]); err != nil {
						return err
					}
					_, err := fmt.Fprintln(p.err, args[0]+" gets nothing from here any more.")
					return err
				})
			},
		},
	)
	return c
}

func (p *program) deviceAdd() *cobra.Command {
	var r client.DeviceRequest
	c := &cobra.Command{
		Use: "add NAME", Short: "Make a link that lets one other device of yours in, once", Args: cobra.ExactArgs(1),
		Long: "Prints a link for `matrixos up --join LINK` on the other device, where the home has to be empty. It is\ngood once, for ten minutes. Who has it in that time gets everything that you have here: carry it\nyourself. From then on this device listens for the others, by default at port 4010.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Name = args[0]
			return p.daemon(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				d, err := c.AddDevice(ctx, r)
				if err != nil || p.json {
					return p.orJSON(d, err)
				}
				if _, err := fmt.Fprintf(p.err, "On %s, run this within ten minutes:\n", d.Name); err != nil {
					return err
				}
				_, err = fmt.Fprintln(p.out, "matrixos up --join "+d.Link)
				return err
			})
		},
	}
	c.Flags().StringVar(&r.Listen, "listen", "", "where this device listens for the others (default :4010, or as before)")
	c.Flags().StringSliceVar(&r.Addresses, "address", nil, "HOST:PORT under which the other device finds this one (default: the addresses of this machine)")
	return c
}

// showDevices prints the devices, and how they stand.
func (p *program) showDevices(d client.Devices) error {
	st, now := p.style(p.out), time.Now()
	if f := d.First; f != nil {
		rows := [][]string{{"This device", d.Name}, {"First device", f.Name + ", with " + string(f.Handle) + ", at " + strings.Join(f.Addresses, ", ")}, {"State", firstWords(*f, now, st)}}
		met := "not yet"
		if !f.Met.IsZero() {
			met = ago(f.Met, now)
		}
		rows = append(rows, []string{"Last met", met})
		for _, c := range f.Conflicts {
			rows = append(rows, []string{"Conflict", printable(string(c)) + "; `matrixos conflicts` has both versions"})
		}
		return table(p.out, rows)
	}
	if d.Trouble != "" {
		fmt.Fprintln(p.err, "Your other devices do not reach this one: "+d.Trouble)
	}
	if len(d.Devices) == 0 {
		_, err := fmt.Fprintln(p.err, "This is your only device. Add another one: matrixos device add NAME")
		return err
	}
	rows := [][]string{{"DEVICE", "STATE", "SINCE", "VERSION", "ID"}}
	for _, one := range d.Devices {
		state := "away"
		switch {
		case one.Removed:
			state = "removed"
		case one.Online:
			state = st.good("here")
		}
		rows = append(rows, []string{one.Name, state, ago(one.Added, now), one.Version, one.ID})
	}
	return table(p.out, rows)
}

// firstWords says how another device stands with the first.
func firstWords(f client.FirstDevice, now time.Time, st style) string {
	switch f.State {
	case "connected":
		return st.good("connected")
	case "offline":
		return "not reached since " + ago(f.Since, now) + ": go on here, it meets when it is back"
	case "removed":
		return st.bad("removed") + ": what is here stays"
	case "stopped":
		return st.bad("stopped") + ": " + f.Why
	}
	return "connecting"
}

// joinRefused is why a home that runs cannot become another device.
func joinRefused() error {
	return &sys.Error{Op: "join", Kind: sys.Held, Err: errors.New("this home is running"), Hint: "name an empty folder: --home FOLDER"}
}
