package providertest

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
)

// envRole makes the test binary a provider, such as one that breaks a rule. It is one of the variables that a provider is
// passed.
const envRole = "LC_PROVIDERTEST"

func TestMain(m *testing.M) {
	if os.Getenv(envRole) != "" && os.Getenv("GORACE") == "" {
		// The race detector lets each program sleep for a second at its end, for the goroutines that still run.
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
		fmt.Fprintln(os.Stderr, syscall.Exec(os.Args[0], os.Args, os.Environ()))
		os.Exit(1)
	}
	byHost := os.Getenv(host.Handshake().MagicCookieKey) != ""
	switch os.Getenv(envRole) {
	case "":
		os.Exit(m.Run())
	case "clinic":
		sdk.Serve(clinic{})
	case "forgetful":
		shown := false
		sdk.Serve(clinic{connect: func(req *sdk.ConnectRequest) (sdk.Step, error) {
			if _, start := req.Reply.(sdk.Start); start {
				shown = true
			} else if !shown {
				return nil, &sdk.Error{Code: sdk.SourceError, Message: "No form was shown."}
			}
			return nil, nil
		}})
	case "brittle":
		sdk.Serve(clinic{connect: func(req *sdk.ConnectRequest) (sdk.Step, error) {
			if len(req.Resume) > 0 && req.Resume[0] == 0 {
				panic("what is that?")
			}
			return nil, nil
		}})
	case "silent":
		fmt.Fprintln(os.Stderr, "I have nothing to say.")
		os.Exit(1)
	case "prints":
		if byHost {
			fmt.Println("welcome")
		}
		sdk.Serve(clinic{})
	case "careless":
		if !byHost {
			fmt.Println("I am a provider.")
		}
		sdk.Serve(clinic{})
	case "anywhere":
		_ = os.Unsetenv("PLUGIN_UNIX_SOCKET_DIR")
		sdk.Serve(clinic{})
	case "stays":
		_ = os.Unsetenv(host.EnvLifeline)
		if !byHost {
			os.Exit(1)
		}
		stay := make(chan os.Signal, 1)
		signal.Notify(stay, syscall.SIGTERM)
		fmt.Printf("1|1|unix|%s/socket|grpc\n", os.Getenv("PLUGIN_UNIX_SOCKET_DIR"))
		<-stay
	}
}
