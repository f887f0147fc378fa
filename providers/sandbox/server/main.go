// Command humanconnect-sandbox is the authorization server of the sandbox sources. `humanconnect sandbox` runs it; it
// listens on loopback alone and stores nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/humanconnect/humanconnect/providers/sandbox/server/authority"
	"github.com/humanconnect/humanconnect/sdk/host/loopback"
)

// defaultAddress is the address of the server in the sandbox sources.
const defaultAddress = "127.0.0.1:8778"

// The limits of a request, and of the shutdown.
const (
	headerLimit  = 5 * time.Second
	answerLimit  = 30 * time.Second
	closingLimit = time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// The library logs requests, which name accounts.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "humanconnect-sandbox: %v\n", err)
		stop()
		os.Exit(1)
	}
}

// run serves until ctx ends. The first line on out is the address that it listens at, as a URL.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) > 0 && args[0] == "consent" {
		return consent(ctx, args[1:], errs)
	}
	flags := flag.NewFlagSet("humanconnect-sandbox", flag.ContinueOnError)
	flags.SetOutput(errs)
	address := flags.String("listen", defaultAddress, "`ADDRESS` on loopback to listen at; port 0 takes a free one")
	lifeline := flags.Bool("lifeline", false, "end when standard input ends")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	listener, err := listen(ctx, *address)
	if err != nil {
		return err
	}
	if *lifeline {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		defer end()
		go func() { // ends with the process, like its standard input
			_, _ = io.Copy(io.Discard, os.Stdin)
			end()
		}()
	}
	return serve(ctx, listener, out)
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen: %q is not an address with a port", address)
	}
	if addr, err := netip.ParseAddr(host); err != nil || !loopback.Addr(addr) {
		return nil, fmt.Errorf("listen: %q is not on loopback, such as 127.0.0.1:0", address)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

func serve(ctx context.Context, listener net.Listener, out io.Writer) error {
	issuer := "http://" + listener.Addr().String()
	handler, err := authority.New(issuer, time.Now)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerLimit, ReadTimeout: headerLimit, WriteTimeout: answerLimit,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if _, err := fmt.Fprintln(out, issuer); err != nil {
		return errors.Join(err, server.Close(), ended(<-served))
	}
	select {
	case err := <-served:
		return ended(err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingLimit)
	defer cancel()
	if server.Shutdown(closing) != nil {
		_ = server.Close() // pending requests are cut
	}
	return ended(<-served)
}

// ended leaves out the error that a server always ends with.
func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
