// Command dev is what a developer of Matrix OS needs beside the product: a
// scripted model server, the API's document, the benchmarks. Run it from the
// root as `go run ./dev`; nothing of it is in the binary.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"matrixos/gateway"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "dev: "+err.Error())
		os.Exit(sys.KindOf(err).ExitCode())
	}
}

func root() *cobra.Command {
	cmd := &cobra.Command{Use: "dev", Short: "What developers of Matrix OS need", SilenceUsage: true, SilenceErrors: true}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.AddCommand(openAPI(), modelServer(), bench())
	return cmd
}

// openAPI prints the gateway's document, from which the shell's types are made.
func openAPI() *cobra.Command {
	return &cobra.Command{
		Use:   "openapi",
		Short: "Print the gateway's OpenAPI document",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := gateway.OpenAPI("dev")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), string(b))
			return err
		},
	}
}

// modelServer serves a scripted model on loopback, so that the whole system
// runs as with a language model, without one.
func modelServer() *cobra.Command {
	var listen, script, key string
	var lenient bool
	var app modeltest.Build
	var folder, slug string
	cmd := &cobra.Command{
		Use:   "modelserver (--script FILE | --app DIR --slug SLUG)",
		Short: "Serve a scripted model that speaks the Anthropic and OpenAI protocols",
		Long: "Serves answers from a script, {\"rules\": […]} or {\"turns\": […]} as model/modeltest\n" +
			"reads them, or plays \"build me an app\" with the files of a folder.\n" +
			"Point the system at it:\n\n" +
			"  ANTHROPIC_BASE_URL=http://127.0.0.1:4100 ANTHROPIC_API_KEY=dev bin/matrixos up --model anthropic:claude-opus-4-6",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var p modeltest.Player
			var err error
			switch {
			case script != "" && folder == "":
				p, err = load(script)
			case folder != "" && script == "" && sys.Slug(slug).Valid():
				app.Slug, app.Files = sys.Slug(slug), os.DirFS(folder)
				p, err = player(app)
			default:
				return &sys.Error{Op: "read command line", Kind: sys.Invalid, Hint: cmd.UseLine()}
			}
			if err != nil {
				return err
			}
			s := modeltest.New(p)
			s.Key, s.Lenient = key, lenient
			return serve(cmd.Context(), listen, s, func(base string) { fmt.Fprintln(cmd.OutOrStdout(), base) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:4100", "loopback address; port 0 picks a free one")
	f.StringVar(&script, "script", "", "a JSON script")
	f.StringVar(&key, "key", "", "the API key that clients must send; empty takes any")
	f.BoolVar(&lenient, "lenient", false, "do not check what is received")
	f.StringVar(&folder, "app", "", "a folder with an app's files")
	f.StringVar(&slug, "slug", "", "the app's slug")
	f.StringVar(&app.Match, "match", "", "only when the owner's words contain this")
	f.StringVar(&app.Answer, "answer", "Your app is ready.", "the last words")
	f.StringVar(&app.Report, "report", "Built.", "the builder's last words")
	return cmd
}

func load(script string) (modeltest.Player, error) {
	f, err := os.Open(script)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return modeltest.Load(f)
}

func player(b modeltest.Build) (modeltest.Player, error) {
	rules, err := modeltest.App(b)
	if err != nil {
		return nil, err
	}
	return modeltest.Rules(rules...), nil
}

// serve serves h on loopback until ctx ends; ready gets the base address.
func serve(ctx context.Context, listen string, h http.Handler, ready func(base string)) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return &sys.Error{Op: "listen on", Path: listen, Kind: sys.Unavailable, Err: err, Hint: "choose another address with --listen"}
	}
	if a, ok := ln.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return errors.Join(&sys.Error{Op: "listen on", Path: listen, Kind: sys.Refused, Hint: "a scripted model is for this machine only: use 127.0.0.1"}, ln.Close())
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() }) // development only: nothing to finish
	defer stop()
	ready("http://" + ln.Addr().String())
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
