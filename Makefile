# Every target does its own set-up. "make help" lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
TOOL     := $(GO) tool -modfile=tools/go.mod
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT   := $(shell git log -1 --format=%H 2>/dev/null)
DATE     := $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
ARGS     ?=
PKGS     ?= ./...
FUZZTIME ?= 2m
BENCH    ?=
DIST     ?=
LARGE    ?= 10000000

.PHONY: run
run: build ## start a developer's server; ARGS are added to "rollcall serve"
	bin/rollcall serve $(ARGS)

.PHONY: build
build: ## build bin/rollcall, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)' -o bin/rollcall ./cmd/rollcall

.PHONY: test
test: setup $(if $(filter ./...,$(PKGS)),dist-test) ## run all tests of PKGS under the race detector; those of the packages too, unless PKGS is given
	@# Without GORACE each program of a test would sleep for a second at its end. "make check" vets,
	@# and symbols are for debuggers alone: without both, test programs are built a sixth faster.
	GORACE=atexit_sleep_ms=0 CGO_ENABLED=1 $(TOOL) gotestsum --format=pkgname -- -race -shuffle=on -count=1 -timeout=30m -vet=off -ldflags=-w $(PKGS)

.PHONY: fuzz
fuzz: ## run each fuzz test for FUZZTIME
	FUZZTIME=$(FUZZTIME) tools/fuzz

.PHONY: check
check: ## check format, vet, static analysis, tidiness, generated files
	tools/check

.PHONY: generate
generate: ## write generated files anew
	$(GO) generate ./...

.PHONY: screenshots
screenshots: build setup ## write the pictures of the console to docs/images
	mkdir -p docs/images
	node conformance/console/screenshots.mjs docs/images

.PHONY: setup
setup: ## install what the tests need and this machine lacks
	@tools/setup

.PHONY: bench
bench: bench-setup ## measure everything against the yardsticks, at 1M accounts; BENCH are more flags
	bench/bin/bench full $(BENCH)
	@$(GO) test -run '^$$' -bench 'UserSig|Verify' -benchmem ./usersig ./internal/auth | grep '^Benchmark'

.PHONY: bench-quick
bench-quick: bench-setup ## measure the most important ratios at 200k accounts, in under 4 minutes
	bench/bin/bench quick $(BENCH)

.PHONY: bench-large
bench-large: bench-setup ## measure how cost grows up to LARGE accounts, 10M unless set
	bench/bin/bench large --accounts $(LARGE) $(BENCH)

.PHONY: bench-postgres
bench-postgres: bench-setup ## measure Rollcall on PostgreSQL, and on the Citus database of BENCH_CITUS_URL if it is set
	bench/bin/bench postgres $(BENCH)

.PHONY: bench-setup
bench-setup: build
	@bench/setup
	cd bench && CGO_ENABLED=1 $(GO) build -o bin/bench .

.PHONY: dist
dist: ## build a release in dist; VERSION is that of git describe unless it is given; DIST are more flags
	cd tools && $(GO) run ./dist --root .. --out ../dist $(if $(filter command line environment,$(origin VERSION)),--version $(VERSION)) $(DIST)

.PHONY: dist-check
dist-check: dist ## build a release twice, the second time from nothing, and compare the bytes
	rm -rf dist-check
	GOCACHE=$(CURDIR)/dist-check.cache $(MAKE) dist DIST='--out ../dist-check $(DIST)'
	diff -r dist dist-check
	rm -rf dist-check dist-check.cache

.PHONY: dist-test
dist-test: setup ## test the packages, the image and the unit on this machine
# Without the race detector: most of the time goes into gzip.
	cd tools && $(GO) tool gotestsum --format=pkgname -- -count=1 -timeout=15m ./...

.PHONY: clean
clean: ## remove what was built, not data
	rm -rf bin dist dist-check dist-check.cache bench/bin bench/tmp

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
