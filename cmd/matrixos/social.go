package main

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"matrixos/client"
	"matrixos/sys"
)

// socialCommands are about what people post for each other.
func (p *program) socialCommands() []*cobra.Command {
	return []*cobra.Command{p.feedCommand(), p.postCommand(), p.followCommand(), p.unfollowCommand(), p.circleCommand(), p.profileCommand()}
}

func (p *program) feedCommand() *cobra.Command {
	var of, circle, before string
	var n int
	cmd := &cobra.Command{
		Use: "feed", Short: "Read what people post whom you follow, and what you have posted", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				page, err := c.Feed(ctx, sys.Handle(of), circle, before, n)
				if err != nil || p.json {
					return p.orJSON(page, err)
				}
				return p.showFeed(page)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&of, "of", "", "only what this person posts")
	f.StringVar(&circle, "circle", "", "only what you have posted for this circle")
	f.StringVar(&before, "before", "", "older posts, as the end of a page says")
	f.IntVarP(&n, "count", "n", 20, "how many posts, at most 100")
	cmd.AddCommand(p.showPostCommand(), p.likeCommand("like", "Like a post", true), p.likeCommand("unlike", "Take your like back", false), p.commentCommand())
	return cmd
}

func (p *program) showFeed(page client.PostPage) error {
	for _, u := range page.Unsent {
		state := "is on its way"
		if u.Why != "" {
			state = "was not sent: " + u.Why
		}
		fmt.Fprintf(p.err, "“%s”, for %s, %s\n", oneLine(u.Body, 40), u.Circle, printable(state))
	}
	if len(page.Posts) == 0 {
		_, err := fmt.Fprintln(p.err, "There is nothing here yet. `matrixos post Hello` posts for everybody; `matrixos follow @anna:example.org` follows somebody.")
		return err
	}
	for _, one := range page.Posts {
		p.showPost(one, "")
	}
	if page.Before != "" {
		fmt.Fprintf(p.err, "Older: matrixos feed --before %s\n", strings.ReplaceAll(page.Before, "$", `\$`))
	}
	return nil
}

// showPost prints a post, or a comment further in.
func (p *program) showPost(one client.Post, in string) {
	st := p.style(p.out)
	name := printable(string(one.Message.Sender))
	if one.AI {
		name = st.good(name + " (AI)")
	} else {
		name = st.bold(name)
	}
	about := one.Message.Time.Local().Format("Mon 2 Jan 15:04")
	if in == "" {
		about += ", " + one.Circle + ", " + strings.TrimPrefix(one.Message.ID, "$")
	}
	if one.Edited {
		about += ", edited"
	}
	fmt.Fprintf(p.out, "%s%s  %s\n", in, name, st.dim(printable(about)))
	body := printable(one.Message.Body)
	if one.Message.Kind != "m.text" && one.Message.Kind != "m.notice" {
		body = "[" + printable(strings.TrimPrefix(one.Message.Kind, "m.")) + "] " + body
	}
	for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
		fmt.Fprintln(p.out, in+line)
	}
	if len(one.Likes)+one.Comments > 0 {
		fmt.Fprintln(p.out, in+st.dim(fmt.Sprintf("liked by %d, comments: %d", len(one.Likes), one.Comments)))
	}
	fmt.Fprintln(p.out)
}

func (p *program) showPostCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show POST", Short: "Show a post with its comments", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				t, err := c.PostThread(ctx, args[0])
				if err != nil || p.json {
					return p.orJSON(t, err)
				}
				p.showPost(t.Post, "")
				for _, one := range t.Comments {
					p.showPost(one, "    ")
				}
				return nil
			})
		},
	}
}

func (p *program) likeCommand(use, short string, on bool) *cobra.Command {
	return &cobra.Command{
		Use: use + " POST", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if err := c.Like(ctx, args[0], on); err != nil {
					return err
				}
				return p.did("Done. `matrixos feed show "+args[0]+"` shows it in a moment.", map[string]any{"liked": on})
			})
		},
	}
}

func (p *program) commentCommand() *cobra.Command {
	return &cobra.Command{
		Use: "comment POST TEXT…", Short: "Say something about a post", Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if err := c.Comment(ctx, args[0], strings.Join(args[1:], " ")); err != nil {
					return err
				}
				return p.did("Your comment is on its way. `matrixos feed show "+args[0]+"` shows it.", map[string]any{"post": args[0]})
			})
		},
	}
}

func (p *program) postCommand() *cobra.Command {
	var circle, file string
	cmd := &cobra.Command{
		Use: "post [TEXT…]", Short: "Post something for everybody, or for one of your circles",
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if text == "" && file == "" {
				return usage(cmd, errors.New("there is nothing to post"))
			}
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if err := sendPost(ctx, c, circle, text, file); err != nil {
					return err
				}
				return p.did("It is on its way to your circle "+circle+". `matrixos feed` shows it.", map[string]any{"circle": circle})
			})
		},
	}
	cmd.Flags().StringVar(&circle, "circle", "public", "for whom it is")
	cmd.Flags().StringVar(&file, "file", "", "a picture or another file that goes with it")
	return cmd
}

func sendPost(ctx context.Context, c *client.Client, circle, text, file string) error {
	if file == "" {
		return c.Post(ctx, circle, text)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return &sys.Error{Op: "read", Path: file, Kind: sys.NotFound, Err: err, Hint: "name a file that is there"}
	}
	return c.PostFile(ctx, circle, text, filepath.Base(file), mime.TypeByExtension(filepath.Ext(file)), content)
}

func (p *program) followCommand() *cobra.Command {
	return &cobra.Command{
		Use: "follow [HANDLE]", Short: "Follow somebody; without a handle, list whom you follow",
		Long: "Follow somebody's public feed, or accept an invitation to a circle by its room, as the\n" +
			"list has it. Without a handle, list whom you follow, and invitations.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				if len(args) == 1 {
					f, err := c.FollowPerson(ctx, args[0], true)
					if err != nil {
						return err
					}
					return p.did("You follow "+printable(string(f.Of))+", circle "+f.Circle+".", f)
				}
				list, err := c.Following(ctx)
				if err != nil || p.json {
					return p.orJSON(list, err)
				}
				return p.listFollowing(list)
			})
		},
	}
}

func (p *program) listFollowing(list []client.Followed) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(p.err, "You follow nobody. `matrixos follow @anna:example.org` does.")
		return err
	}
	rows := make([][]string, 0, len(list))
	for _, f := range list {
		what := ""
		if f.State == "invited" {
			what = "invites you: matrixos follow '" + printable(f.Room) + "'"
		}
		rows = append(rows, []string{printable(string(f.Of)), f.Circle, what})
	}
	return table(p.out, rows)
}

func (p *program) unfollowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "unfollow HANDLE", Short: "Follow somebody no longer, or decline an invitation to a circle", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				f, err := c.FollowPerson(ctx, args[0], false)
				if err != nil {
					return err
				}
				return p.did("You follow "+printable(string(f.Of))+" no longer.", f)
			})
		},
	}
}

func (p *program) circleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "circle", Short: "List your circles and who is in them; make one, and change it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				list, err := c.Circles(ctx)
				if err != nil || p.json {
					return p.orJSON(list, err)
				}
				rows := make([][]string, 0, len(list))
				for _, one := range list {
					people := make([]string, 0, len(one.People))
					for _, h := range one.People {
						people = append(people, printable(string(h)))
					}
					rows = append(rows, []string{one.Name, strings.Join(people, " "), one.Alias})
				}
				return table(p.out, rows)
			})
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "make NAME", Short: "Make a circle", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				made, err := c.MakeCircle(ctx, args[0])
				if err != nil {
					return err
				}
				return p.did("You have a circle "+made.Name+". `matrixos circle add "+made.Name+" @anna:example.org` invites somebody.", made)
			})
		},
	})
	for _, one := range []struct {
		use, short string
		in         bool
	}{{"add", "Invite somebody to a circle", true}, {"remove", "Take somebody out of a circle", false}} {
		cmd.AddCommand(&cobra.Command{
			Use: one.use + " NAME HANDLE", Short: one.short, Args: cobra.ExactArgs(2),
			RunE: func(cmd *cobra.Command, args []string) error {
				return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
					if err := c.Admit(ctx, args[0], args[1], one.in); err != nil {
						return err
					}
					return p.did("Done. `matrixos circle` lists who is in it.", map[string]any{"circle": args[0], "in": one.in})
				})
			},
		})
	}
	return cmd
}

func (p *program) profileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "profile [HANDLE]", Short: "Show who somebody says they are, or what you say of yourself and your AI", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				one, err := c.Profile(ctx, sys.Handle(strings.Join(args, "")))
				if err != nil || p.json {
					return p.orJSON(one, err)
				}
				rows := shownRows(string(one.Handle), one.ProfileShown)
				if one.AI != nil {
					rows = append(rows, shownRows(string(one.AIHandle), *one.AI)...)
				}
				if len(one.Follows) > 0 {
					rows = append(rows, []string{"You follow", strings.Join(one.Follows, ", ")})
				}
				return table(p.out, rows)
			})
		},
	}
	cmd.AddCommand(p.setProfileCommand())
	return cmd
}

func shownRows(handle string, s client.ProfileShown) [][]string {
	rows := [][]string{{printable(handle), printable(s.Name)}}
	for line := range strings.SplitSeq(s.About, "\n") {
		if line != "" {
			rows = append(rows, []string{"", printable(line)})
		}
	}
	for _, l := range s.Links {
		rows = append(rows, []string{"", printable(l.Title + "  " + l.URL)})
	}
	return rows
}

func (p *program) setProfileCommand() *cobra.Command {
	var ai bool
	var name, about, picture string
	cmd := &cobra.Command{
		Use: "set", Short: "Change your profile, or your AI's, and publish it",
		Long: "The profiles are system/profile.json and system/profile-ai.json of the home; links, and\n" +
			"what only a circle sees, are written there by hand (doc/social.md).",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
				f, err := c.OwnProfile(ctx, ai)
				if err != nil {
					return err
				}
				for flag, set := range map[string]func(){"name": func() { f.Name = name }, "about": func() { f.About = about }, "picture": func() { f.Picture = sys.Path(picture) }} {
					if cmd.Flags().Changed(flag) {
						set()
					}
				}
				if err := c.SaveProfile(ctx, ai, f); err != nil {
					return err
				}
				return p.did("Saved. It is published as soon as the homeserver runs.", f)
			})
		},
	}
	cmd.Flags().BoolVar(&ai, "ai", false, "your AI's profile")
	cmd.Flags().StringVar(&name, "name", "", "the name that others see")
	cmd.Flags().StringVar(&about, "about", "", "what you say about yourself")
	cmd.Flags().StringVar(&picture, "picture", "", "a file of the home, such as data/me.png")
	return cmd
}
