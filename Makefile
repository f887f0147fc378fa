# What one does with this repository. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

GO      ?= go
BIN     := bin
TOOLS   := $(CURDIR)/.cache/bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
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
help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: build
build: ## build humanconnect, its providers and the sandbox's server into bin/, with the release lock
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -tags '$(TAGS)' -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/humanconnect ./cmd/humanconnect
	@set -e; for name in $(PROVIDERS); do \
	  echo "CGO_ENABLED=0 $(GO) build -o $(BIN)/humanconnect-provider-$$name ./providers/$$name"; \
	  CGO_ENABLED=0 $(GO) build -tags '$(TAGS)' -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/humanconnect-provider-$$name ./providers/$$name; \
	done
	CGO_ENABLED=0 $(GO) build -tags '$(TAGS)' -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/humanconnect-sandbox ./providers/sandbox/server
	@$(BIN)/humanconnect provider lock --dir $(BIN)

.PHONY: demo
demo: build ## run the main job once, in a directory that is thrown away
	@sh docs/demo.sh

# SQLite is C that was translated: it makes pointers out of numbers everywhere, and the check of each (checkptr, a part of
# -race) takes more than half of the time of the tests. The race detector looks on.
RACE := -race -gcflags=modernc.org/...=-d=checkptr=0

.PHONY: test
test: needs peers ## run all tests, with the race detector, in random order; the slowest are listed in the end
	$(GO) build -o .cache/test/slowest ./test/slowest
	.cache/test/slowest . sdk test/peers -- $(GO) test -json $(RACE) -shuffle=on -parallel 4 -timeout $(TESTTIMEOUT) ./...

# What test-fast leaves to test, by the pattern of -skip: what waits for real clocks, builds programs as an author of
# providers does, or takes long for another reason. Packages that do nothing else are not in its lists.
LONG := TestStories/(left-behind|open-browser|open-cut|open-failures|open-signals|open-tokens|token-jwt)|TestFirstProviderOfTheManual|TestOAuthProviderOfTheManual|TestEveryFaultOfTheConsentPage|TestSessionEndsWhileAPersonIsAtIt

.PHONY: test-fast
test-fast: ## run in a minute what needs Go and openssl alone and waits for no clock; no race detector
	$(GO) test -parallel 8 -skip '$(LONG)' ./core/... ./plugins/... ./providers/...
	cd sdk && $(GO) test ./...
	@# These run programs that the go command does not know of when it asks itself whether a result still holds.
	$(GO) test -count=1 -parallel 8 -skip '$(LONG)' ./cmd/... ./test/house ./test/slowest

# Programs of others for Node, as their lock files name them.
PEERS := $(patsubst %/package-lock.json,%/node_modules/.package-lock.json,$(wildcard test/peers/*/package-lock.json))

.PHONY: peers
peers: $(PEERS) ## install what the tests let other people's programs judge; needs npm

%/node_modules/.package-lock.json: %/package-lock.json | needs
	cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: needs
needs: # what the tests need beside Go
	@sh test/needs.sh

.PHONY: check
check: $(TOOLS)/.installed ## check form, arrows of the house, mistakes, and that generated code is current
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

.PHONY: format
format: $(TOOLS)/.installed ## format the Go code
	git ls-files -co --exclude-standard '*.go' | grep -v '\.pb\.go$$' | xargs $(TOOLS)/gofumpt -w

# What buf breaking holds the protocol to, sdk/proto/provider.v1.binpb, is not made here: sdk/proto/buf.yaml says how and when.
.PHONY: generate
generate: $(TOOLS)/.installed ## generate the code of the plugin protocol from sdk/proto/provider.proto
	cd sdk/proto && PATH="$(TOOLS):$$PATH" $(TOOLS)/buf generate

.PHONY: bench
bench: ## measure against floors taken in the same run
	$(GO) run ./test/bench

.PHONY: crash
crash: ## kill -9 the core at random moments of 200 sessions and more, and see that nothing is lost
	$(GO) test ./test/crash -run TestKills -count=1 -timeout 30m -v -crash.sessions=200

.PHONY: fuzz
fuzz: ## fuzz every parser for FUZZTIME
	@GO='$(GO)' sh test/fuzz.sh $(FUZZTIME)

.PHONY: audit
audit: ## look for known vulnerabilities; needs the network
	$(GO) run $(GOVULNCHECK) ./...
	cd sdk && $(GO) run $(GOVULNCHECK) ./...

.PHONY: clean
clean: ## remove what was built, not the tools
	rm -rf $(BIN) .cache/test

# Installed anew when this file changes; Go's own cache makes that cheap where the versions did not.
$(TOOLS)/.installed: Makefile
	@mkdir -p $(TOOLS)
	@set -e; for tool in $(GOFUMPT) $(GOLANGCI_LINT) $(BUF) $(PROTOC_GEN_GO) $(PROTOC_GEN_GO_GRPC); do \
	  echo "install $$tool"; GOBIN=$(TOOLS) GOFLAGS=-trimpath $(GO) install $$tool; \
	done
	@touch $@
