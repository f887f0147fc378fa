package plugins_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-plugin"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/humanconnect/humanconnect/plugins"
	"github.com/humanconnect/humanconnect/sdk"
	"github.com/humanconnect/humanconnect/sdk/host"
	"github.com/humanconnect/humanconnect/sdk/proto/providerv1"
)

// actPrefix marks the first argument by which the test binary plays a program: act:NAME MARKER ….
const actPrefix = "act:"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && strings.HasPrefix(os.Args[1], actPrefix) {
		act(strings.TrimPrefix(os.Args[1], actPrefix), os.Args[2:])
		return
	}
	goleak.VerifyTestMain(m)
}

// act plays a program that is, or should have been, a provider.
func act(name string, args []string) {
	switch name {
	case "provider":
		serveAs(host.ProtocolVersion)
	case "defines":
		sdk.Serve(defines{})
	case "protocol7":
		serveAs(7)
	case "prints":
		fmt.Println("debug: \x1b[31mstarting\x1b[0m up")
		serveAs(host.ProtocolVersion)
	case "hangs", "sleeps":
		select {}
	case "refuses":
		fmt.Fprintln(os.Stderr, "cannot open the thing")
		os.Exit(3)
	case "panics":
		panic("no start today")
	case "tcp":
		fmt.Println("1|1|tcp|127.0.0.1:1|grpc")
		select {}
	case "deaf":
		fmt.Printf("1|1|unix|%s/none|grpc\n", os.Getenv(plugin.EnvUnixSocketDir))
		select {}
	case "mute":
		path := os.Getenv(plugin.EnvUnixSocketDir) + "/mute"
		if _, err := net.Listen("unix", path); err != nil {
			panic(err)
		}
		fmt.Printf("1|1|unix|%s|grpc\n", path)
		select {}
	case "certificate":
		fmt.Printf("1|1|unix|%s/none|grpc|%s\n", os.Getenv(plugin.EnvUnixSocketDir), certificate())
		select {}
	case "line":
		fmt.Printf("1|1|unix|%s/none|grpc|%s\n", os.Getenv(plugin.EnvUnixSocketDir), strings.Join(args[1:], "|"))
		select {}
	case "pair": // starts only beside another that does
		if err := os.WriteFile(args[1], nil, 0o600); err != nil {
			panic(err)
		}
		for range 5000 {
			if _, err := os.Stat(args[2]); err == nil {
				break
			}
			<-time.After(time.Millisecond)
		}
		if _, err := os.Stat(args[2]); err != nil {
			panic(err)
		}
		serveAs(host.ProtocolVersion)
	case "dies": // as many times as there are files in a directory
		if entries, _ := os.ReadDir(args[1]); len(entries) > 0 {
			if err := os.Remove(filepath.Join(args[1], entries[0].Name())); err == nil {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
		serveAs(host.ProtocolVersion)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		serveAs(host.ProtocolVersion)
	case "host":
		actHost(args)
	case "terminal":
		actTerminal(args)
	}
}

// certificate is one as a server of go-plugin's AutoMTLS names it in its handshake.
func certificate() string {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{}, public, private)
	if err != nil {
		panic(err)
	}
	return base64.RawStdEncoding.EncodeToString(der)
}

// serveAs serves the test provider with plain go-plugin: no SDK, no lifeline.
func serveAs(version uint) {
	handshake := host.Handshake()
	handshake.ProtocolVersion = version
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         plugin.PluginSet{host.PluginName: &plain{}},
		GRPCServer:      plugin.DefaultGRPCServer,
	})
}

type plain struct{ plugin.NetRPCUnsupportedPlugin }

func (*plain) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	providerv1.RegisterProviderServer(s, &faulty{stdout: os.Stdout, stderr: os.Stderr})
	return nil
}

func (*plain) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("not here")
}

// faulty is a provider whose sources are faults.
type faulty struct {
	providerv1.UnimplementedProviderServer
	stdout, stderr *os.File

	mu sync.Mutex
	// sent is all that the process was sent.
	sent []string
}

// note keeps a request, and returns all that were sent so far.
func (f *faulty) note(req proto.Message) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, fmt.Sprintf("%T %s", req, protojson.Format(req)))
	return f.sent
}

func (f *faulty) Describe(_ context.Context, req *providerv1.DescribeRequest) (*providerv1.DescribeResponse, error) {
	f.note(req)
	d := &providerv1.DescribeResponse{Name: "test", Version: "1.2.3", Sources: []*providerv1.Source{{
		Id: "instant", Name: "Instant\x1b[2J\u202e source", Hosts: []string{"api.example.com"},
	}}}
	for _, arg := range os.Args[3:] {
		switch arg {
		case "misnamed":
			d.Name = "other"
		case "twice":
			d.Sources = append(d.Sources, &providerv1.Source{Id: "instant"})
		case "banana":
			d.Version = "banana"
		case "versionless":
			d.Version = ""
		case "sourceless":
			d.Sources = nil
		case "form":
			d.Sources[0].Methods = []providerv1.Method{providerv1.Method_METHOD_FORM}
		case "describe-hang":
			select {}
		case "describe-crash":
			os.Exit(9)
		}
		if id, ok := strings.CutPrefix(arg, "also="); ok {
			d.Sources = append(d.Sources, &providerv1.Source{Id: id})
		}
		if once, ok := strings.CutPrefix(arg, "describe-crash-once="); ok && os.Remove(once) == nil {
			os.Exit(9)
		}
	}
	return d, nil
}

func (f *faulty) Connect(ctx context.Context, req *providerv1.ConnectRequest) (*providerv1.ConnectResponse, error) {
	if sent := f.note(req); strings.HasPrefix(req.GetSource(), "tells-") {
		data, err := json.Marshal(sent)
		return &providerv1.ConnectResponse{
			Resume: data, Result: &providerv1.ConnectResponse_Wait{Wait: &providerv1.Wait{Text: strconv.Itoa(os.Getpid())}},
		}, err
	}
	switch req.GetSource() {
	case "report":
		return f.report()
	case "panic":
		go panic("boom with " + req.GetForm().GetValues()["password"])
		select {}
	case "exit":
		os.Exit(7)
	case "hang":
		select {}
	case "huge":
		return waiting(strings.Repeat("x", 64<<20)), nil
	case "flood":
		_, err := f.stdout.Write(make([]byte, 1<<20))
		return waiting(fmt.Sprint(err)), nil
	case "gushes":
		gush(f.stderr)
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	case "late": // knows the limit of the call, as every gRPC server does, and keeps to it a little early
		end, _ := ctx.Deadline()
		early, cancel := context.WithDeadline(ctx, end.Add(-50*time.Millisecond))
		defer cancel()
		<-early.Done()
		return nil, status.Error(codes.DeadlineExceeded, "out of time")
	case "prints":
		fmt.Println("printed by the provider")
		fmt.Fprintln(os.Stderr, "complained by the provider")
	case "stderr":
		noise := strings.Repeat("noise\n", 5000) + strings.Repeat("x", 1<<20) + "\n"
		_, err := f.stderr.WriteString(noise)
		return waiting(fmt.Sprint(err)), nil
	case "grandchild":
		child := exec.Command("/proc/self/exe", actPrefix+"sleeps", os.Args[2])
		return waiting(fmt.Sprint(child.Start())), nil
	case "status":
		return nil, status.Error(codes.Internal, "no entry for "+req.GetForm().GetValues()["password"])
	case "refusal":
		return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Error{Error: &providerv1.Error{
			Code: "access_denied", Message: "no \x1b[1mentry\u202e for " + req.GetForm().GetValues()["password"],
		}}}, nil
	}
	if name, ok := strings.CutPrefix(req.GetSource(), "odd-"); ok {
		return odd(name), nil
	}
	if code, ok := strings.CutPrefix(req.GetSource(), "status-"); ok {
		number, _ := strconv.Atoi(code)
		return nil, status.Error(codes.Code(number), "the provider says so")
	}
	return waiting("pid " + strconv.Itoa(os.Getpid())), nil
}

// odd is an answer in which one thing is too much.
func odd(name string) *providerv1.ConnectResponse {
	account := &providerv1.Account{Id: "account", Label: "Label"}
	credential := &providerv1.Credential{Data: []byte("credential")}
	connected := &providerv1.Connected{Account: account, Credential: credential, Scopes: []string{"read"}}
	form := &providerv1.Form{Title: "Title"}
	switch name {
	case "account":
		account.Id = strings.Repeat("a", 1<<20)
	case "label":
		account.Label = strings.Repeat("L", 1<<20)
	case "utf8":
		account.Id = "a\xff"
	case "media":
		credential.MediaType = strings.Repeat("m", 1000)
	case "expiry":
		credential.ExpiresAt = timestamppb.New(time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC))
	case "void":
		credential.Data = nil
	case "json":
		credential.MediaType = "application/json"
	case "oauth2":
		credential.MediaType = sdk.MediaTypeOAuth2
	case "oauth2-array":
		credential.MediaType, credential.Data = sdk.MediaTypeOAuth2, []byte(`["access_token"]`)
	case "oauth2-token":
		credential.MediaType, credential.Data = sdk.MediaTypeOAuth2, []byte(`{"access_token": "", "token_type": "Bearer"}`)
	case "flat":
		credential.MediaType, credential.Data = sdk.MediaTypeFields, []byte(`{"url": {"a": "b"}}`)
	case "null":
		credential.MediaType, credential.Data = sdk.MediaTypeFields, []byte(`{"url": null}`)
	case "over":
		credential.ExpiresAt = timestamppb.New(time.Now().Add(-time.Minute))
	case "reconnect":
		credential.ReconnectBy = timestamppb.New(time.Now().Add(-time.Minute))
	case "kept":
		credential.ReconnectBy = timestamppb.New(time.Unix(1_700_000_000, 0))
	case "absurd":
		credential.ReconnectBy = timestamppb.New(time.Now().AddDate(1000, 0, 0))
	case "poll":
		return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Wait{Wait: &providerv1.Wait{
			PollAfter: durationpb.New(10 * 365 * 24 * time.Hour),
		}}}
	case "poll-code":
		return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_ShowCode{ShowCode: &providerv1.ShowCode{
			PollAfter: durationpb.New(16 * time.Minute),
		}}}
	case "late-wait":
		return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Wait{Wait: &providerv1.Wait{
			ExpiresAt: timestamppb.New(time.Now().Add(-time.Minute)),
		}}}
	case "late-url":
		return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_OpenUrl{OpenUrl: &providerv1.OpenURL{
			Url: "https://api.example.com", ExpiresAt: timestamppb.New(time.Now().Add(-time.Minute)),
		}}}
	case "retry":
		return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Error{Error: &providerv1.Error{
			Code: "rate_limited", RetryAfter: durationpb.New(10 * 365 * 24 * time.Hour),
		}}}
	case "scopes":
		connected.Scopes = strings.Split(strings.Repeat("s ", 100_000), " ")[:100_000]
	case "scope":
		connected.Scopes = []string{strings.Repeat("s", 100_000)}
	case "control":
		connected.Scopes = []string{"read\x1b[2J"}
	case "empty":
		connected.Scopes = []string{""}
	case "fields":
		for n := range 1000 {
			form.Fields = append(form.Fields, &providerv1.Field{Id: "f" + strconv.Itoa(n)})
		}
		return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Form{Form: form}}
	case "twice":
		form.Fields = []*providerv1.Field{{Id: "f"}, {Id: "f"}}
		return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Form{Form: form}}
	}
	return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Connected{Connected: connected}}
}

// Disconnect is not there, or hangs.
func (f *faulty) Disconnect(ctx context.Context, req *providerv1.DisconnectRequest) (*providerv1.DisconnectResponse, error) {
	if req.GetSource() == "hang" {
		select {}
	}
	return f.UnimplementedProviderServer.Disconnect(ctx, req)
}

// Check hangs.
func (f *faulty) Check(context.Context, *providerv1.CheckRequest) (*providerv1.CheckResponse, error) {
	select {}
}

// Refresh answers as odd does, or hangs.
func (f *faulty) Refresh(_ context.Context, req *providerv1.RefreshRequest) (*providerv1.RefreshResponse, error) {
	if req.GetSource() == "hang" {
		select {}
	}
	c := odd(strings.TrimPrefix(req.GetSource(), "odd-")).GetConnected()
	return &providerv1.RefreshResponse{Credential: c.GetCredential(), Scopes: c.GetScopes()}, nil
}

// report tells what the process sees of the world.
func (f *faulty) report() (*providerv1.ConnectResponse, error) {
	dir, _ := os.Getwd()
	group, _ := syscall.Getpgid(0)
	session, _ := unix.Getsid(0)
	data, err := json.Marshal(seen{
		Env: os.Environ(), Dir: dir, Pid: os.Getpid(), Group: group, Session: session, Terminal: openTerminal(),
	})
	return &providerv1.ConnectResponse{
		Resume: data, Result: &providerv1.ConnectResponse_Wait{Wait: &providerv1.Wait{}},
	}, err
}

type seen struct {
	Env                 []string
	Dir                 string
	Pid, Group, Session int
	// Terminal is the error of opening the controlling terminal.
	Terminal string
}

func waiting(text string) *providerv1.ConnectResponse {
	return &providerv1.ConnectResponse{Result: &providerv1.ConnectResponse_Wait{Wait: &providerv1.Wait{Text: text}}}
}

// actHost is a core that starts one provider, lets it start a child, says so, and waits to be killed. Its arguments are
// the marker, the runtime directory, and the provider's command.
func actHost(args []string) {
	host := plugins.New(plugins.Options{RuntimeDir: args[1], Specs: []plugins.Spec{{
		Name: "test", Dev: true, Command: args[2:],
	}}})
	p, err := host.Provider(context.Background(), "test", "instant")
	if err == nil {
		_, err = p.Connect(context.Background(), &sdk.ConnectRequest{Source: "grandchild", Reply: sdk.Start{}})
	}
	if err != nil {
		fmt.Println(explain(err))
		os.Exit(1)
	}
	fmt.Println("ready")
	select {}
}

// actTerminal is a core at a terminal: it says whether it can open the terminal itself, and whether its provider can.
func actTerminal(args []string) {
	h := plugins.New(plugins.Options{RuntimeDir: args[1], Specs: []plugins.Spec{{Name: "test", Dev: true, Command: args[2:]}}})
	p, err := h.Provider(context.Background(), "test", "instant")
	var step sdk.Step
	if err == nil {
		step, err = p.Connect(context.Background(), &sdk.ConnectRequest{Source: "report", Reply: sdk.Start{}})
	}
	var saw seen
	if err == nil {
		err = json.Unmarshal(host.ResumeOf(step), &saw)
	}
	if err != nil {
		fmt.Println(explain(err))
		os.Exit(1)
	}
	fmt.Printf("core: %q, provider: %q\n", openTerminal(), saw.Terminal)
	_ = h.Close(context.Background())
}

// openTerminal says what comes of opening the controlling terminal; "" for no error.
func openTerminal() string {
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return err.Error()
	}
	_ = terminal.Close()
	return ""
}

// stage is one test's providers, and the marker by which their processes are found.
type stage struct {
	t      *testing.T
	marker string
	self   string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, marker: "marker-" + rand.Text(), self: self}
	t.Cleanup(s.nothingLeft)
	return s
}

// in is the same stage for a subtest.
func (s *stage) in(t *testing.T) *stage { return &stage{t: t, marker: s.marker, self: s.self} }

// spec is a provider that plays an act.
func (s *stage) spec(actName string, args ...string) plugins.Spec {
	return plugins.Spec{
		Name: "test", Dev: true, Command: append([]string{s.self, actPrefix + actName, s.marker}, args...),
	}
}

// host closes itself when the test ends.
func (s *stage) host(o plugins.Options) *plugins.Host {
	s.t.Helper()
	h := plugins.New(o)
	s.t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			s.t.Errorf("closing the host: %v", err)
		}
	})
	return h
}

func (s *stage) hostOf(spec plugins.Spec) *plugins.Host {
	return s.host(plugins.Options{Specs: []plugins.Spec{spec}})
}

// pids lists the processes that carry the marker.
func (s *stage) pids() []int {
	entries, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	var pids []int
	for _, path := range entries {
		data, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(data), s.marker) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func (s *stage) nothingLeft() {
	s.t.Helper()
	eventually(s.t, "no process is left", func() bool { return len(s.pids()) == 0 })
}

// eventually polls for something that must come within ten seconds.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func provider(t *testing.T, h *plugins.Host) sdk.Provider {
	t.Helper()
	p, err := h.Provider(t.Context(), "test", "instant")
	if err != nil {
		t.Fatal(explain(err))
	}
	return p
}

// step asks for a step and returns its text.
func step(t *testing.T, p sdk.Provider, source string) (string, error) {
	t.Helper()
	out, err := p.Connect(t.Context(), &sdk.ConnectRequest{Source: source, Reply: sdk.Start{}})
	if err != nil {
		return "", err
	}
	wait, ok := out.(sdk.Wait)
	if !ok {
		t.Fatalf("step is a %T", out)
	}
	return wait.Text, nil
}

// report is what the provider sees.
func report(t *testing.T, p sdk.Provider) seen {
	t.Helper()
	out, err := p.Connect(t.Context(), &sdk.ConnectRequest{Source: "report", Reply: sdk.Start{}})
	if err != nil {
		t.Fatal(explain(err))
	}
	var s seen
	if err := json.Unmarshal(host.ResumeOf(out), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// shortDir is a directory whose path leaves room for sockets, unlike that of t.TempDir.
func shortDir(t *testing.T) string {
	t.Helper()
	//nolint:usetesting // the path of t.TempDir is too long for a socket
	dir, err := os.MkdirTemp("/tmp", "hctest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// explain prints all that an error has to say.
func explain(err error) string {
	var e *plugins.Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%v [%s]\nfacts: %q\nhints: %q", e, e.Code(), e.Facts(), e.Hints())
}

func failure(t *testing.T, err error) *plugins.Error {
	t.Helper()
	var e *plugins.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want an *plugins.Error", err)
	}
	return e
}

// journal collects log lines.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) log(_, line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) all() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}
