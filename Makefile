# The tasks of this repository. `make` without a target lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

GO      ?= go
BIN     := bin
TOOLS   := $(CURDIR)/.cache/bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# The date of the man pages (https://reproducible-builds.org/specs/source-date-epoch/): that of the commit.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
# Leaves the trace pages of gRPC out, which nobody serves, and with them golang.org/x/net/trace.
TAGS    := grpcnotrace
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
# How long a package's tests may take on a slow machine with the race detector on.
TESTTIMEOUT ?= 15m
# How long each parser is fuzzed.
FUZZTIME ?= 20s

# Pinned; `make check` installs them into $(TOOLS) and nowhere else.
GOLANGCI_LINT      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT            := mvdan.cc/gofumpt@v0.12.0
BUF                := github.com/bufbuild/buf/cmd/buf@v1.75.0
PROTOC_GEN_GO      := google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
PROTOC_GEN_GO_GRPC := google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
GOVULNCHECK        := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# Each folder of providers/ with a main package is a binary of its own.
PROVIDERS := $(patsubst providers/%/main.go,%,$(wildcard providers/*/main.go))

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: build
build: ## build humanconnect, its providers and the sandbox server into bin/, with the release lock file
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -tags '$(TAGS)' -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/humanconnect ./cmd/humanconnect
	@set -e; for name in $(PROVIDERS); do \
	  echo "CGO_ENABLED=0 $(GO) build -o $(BIN)/humanconnect-provider-$$name ./providers/$$name"; \
	  CGO_ENABLED=0 $(GO) build -tags '$(TAGS)' -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/humanconnect-provider-$$name ./providers/$$name; \
	done
	CGO_ENABLED=0 $(GO) build -tags '$(TAGS)' -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/humanconnect-sandbox ./providers/sandbox/server
	@$(BIN)/humanconnect provider lock --dir $(BIN)
	@rm -rf $(BIN)/share && mkdir -p $(BIN)/share/completion
	$(GO) run ./cmd/humanconnect/manual -version '$(VERSION)' -epoch '$(SOURCE_DATE_EPOCH)' $(BIN)/share/man
	@set -e; for shell in bash zsh fish; do \
	  $(BIN)/humanconnect --config none completion $$shell > $(BIN)/share/completion/humanconnect.$$shell; \
	done

$(BIN)/humanconnect:
	$(MAKE) build

# Where `make install` puts things, by the names of the GNU coding standards. DESTDIR is put before all of them.
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
BASHDIR    ?= $(DATADIR)/bash-completion/completions
ZSHDIR     ?= $(DATADIR)/zsh/site-functions
FISHDIR    ?= $(DATADIR)/fish/vendor_completions.d
DESTDIR    ?=
INSTALLED  := BIN='$(BIN)' DESTDIR='$(DESTDIR)' BINDIR='$(BINDIR)' LIBEXECDIR='$(LIBEXECDIR)' MANDIR='$(MANDIR)' \
  BASHDIR='$(BASHDIR)' ZSHDIR='$(ZSHDIR)' FISHDIR='$(FISHDIR)'

.PHONY: install
install: $(BIN)/humanconnect ## install what is built below PREFIX (/usr/local): programs, man pages, completion
	@$(INSTALLED) sh cmd/humanconnect/install.sh install

.PHONY: uninstall
uninstall: ## remove what install has put there
	@$(INSTALLED) sh cmd/humanconnect/install.sh uninstall

.PHONY: demo
demo: build ## build, and run a whole session in a temporary directory
	@sh docs/demo.sh

# SQLite is translated from C and converts integers to pointers everywhere; checkptr, a part of -race, would take more than
# half of the test time for it. The race detector itself stays on.
RACE := -race -gcflags=modernc.org/...=-d=checkptr=0

.PHONY: test
test: needs peers ## run all tests, with the race detector, in random order; list the slowest
	$(GO) build -o .cache/test/slowest ./test/slowest
	.cache/test/slowest . sdk test/peers -- $(GO) test -json $(RACE) -shuffle=on -parallel 4 -timeout $(TESTTIMEOUT) ./...

# Tests that test-fast skips (a pattern of -skip): they wait for real clocks, build programs like a provider author, or are
# slow for another reason. Packages with only such tests are not in its lists.
LONG := TestStories/(left-behind|open-browser|open-cut|open-failures|open-signals|open-tokens|token-jwt)|TestFirstProviderOfTheManual|TestOAuthProviderOfTheManual|TestEveryFaultOfTheConsentPage|TestSessionEndsWhileAPersonIsAtIt

.PHONY: test-fast
test-fast: ## run the fast tests, in about a minute, without the race detector; needs Go and openssl
	$(GO) test -parallel 8 -skip '$(LONG)' ./core/... ./plugins/... ./providers/...
	cd sdk && $(GO) test ./...
	@# -count=1: these run programs that the test cache of Go does not track.
	$(GO) test -count=1 -parallel 8 -skip '$(LONG)' ./cmd/... ./test/house ./test/slowest

# Third-party programs for Node, as pinned by their lock files.
PEERS := $(patsubst %/package-lock.json,%/node_modules/.package-lock.json,$(wildcard test/peers/*/package-lock.json))

.PHONY: peers
peers: $(PEERS) ## install the third-party programs that the tests use; needs npm

%/node_modules/.package-lock.json: %/package-lock.json | needs
	cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: needs
needs: # the tools that the tests need, besides Go
	@sh test/needs.sh

.PHONY: check
check: $(TOOLS)/.installed ## check format, imports, lint, and generated code
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | grep -v '\.pb\.go$$' | xargs $(TOOLS)/gofumpt -l); \
	  if [ -n "$$unformatted" ]; then echo "not formatted by gofumpt:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	cd sdk && $(GO) vet ./...
	cd test/peers && $(GO) vet ./...
	$(TOOLS)/golangci-lint run ./...
	cd sdk && $(TOOLS)/golangci-lint run --config ../.golangci.yml ./...
	cd test/peers && $(TOOLS)/golangci-lint run --config ../../.golangci.yml ./...
	cd sdk/proto && $(TOOLS)/buf lint && $(TOOLS)/buf breaking --against provider.v1.binpb
	@sh test/generated.sh $(TOOLS)
	@set -e; for system in $(SYSTEMS); do \
	  echo "GOOS=$${system%/*} GOARCH=$${system#*/} $(GO) build ./..."; \
	  CGO_ENABLED=0 GOOS=$${system%/*} GOARCH=$${system#*/} $(GO) build -tags '$(TAGS)' ./...; \
	done

# The systems that humanconnect runs on, besides that of this machine: one of each, since each is compiled whole.
SYSTEMS := linux/arm64 darwin/arm64 freebsd/amd64

.PHONY: format
format: $(TOOLS)/.installed ## format the Go code
	git ls-files -co --exclude-standard '*.go' | grep -v '\.pb\.go$$' | xargs $(TOOLS)/gofumpt -w

# sdk/proto/provider.v1.binpb, the baseline of buf breaking, is not generated here: see sdk/proto/buf.yaml.
.PHONY: generate
generate: $(TOOLS)/.installed ## generate the code of the plugin protocol, the list of sources, and the JSON Schemas
	cd sdk/proto && PATH="$(TOOLS):$$PATH" $(TOOLS)/buf generate
	$(GO) run ./providers/oauth2/sources
	$(GO) run ./cmd/humanconnect/schemas

.PHONY: bench
bench: ## run the benchmarks, against baselines measured in the same run; BENCH="-only open -benchstat FILE" passes flags
	$(GO) run ./test/bench $(BENCH)

.PHONY: crash
crash: ## crash test: kill -9 humanconnect at random moments of 200 sessions, and check that nothing is lost
	$(GO) test ./test/crash -run TestKills -count=1 -timeout 30m -v -crash.sessions=200

.PHONY: fuzz
fuzz: ## fuzz every parser for FUZZTIME
	@GO='$(GO)' sh test/fuzz.sh $(FUZZTIME)

.PHONY: audit
audit: ## scan for known vulnerabilities; needs the network
	$(GO) run $(GOVULNCHECK) ./...
	cd sdk && $(GO) run $(GOVULNCHECK) ./...

.PHONY: clean
clean: ## remove build output, but not the tools
	rm -rf $(BIN) .cache/test

# Installed again when this file changes; the build cache of Go makes that cheap.
$(TOOLS)/.installed: Makefile
	@mkdir -p $(TOOLS)
	@set -e; for tool in $(GOFUMPT) $(GOLANGCI_LINT) $(BUF) $(PROTOC_GEN_GO) $(PROTOC_GEN_GO_GRPC); do \
	  echo "install $$tool"; GOBIN=$(TOOLS) GOFLAGS=-trimpath $(GO) install $$tool; \
	done
	@touch $@
