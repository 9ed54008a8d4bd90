# Matrix OS. `make run` sets everything up and starts; `make test` sets
# everything up and tests. Both need Go and Node, nothing else by hand.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.PHONY: run test race soak lint build bench bench-heal bench-strength setup clean protocol

GO      ?= go

# Encryption in Go, without a C library. What GOFLAGS says otherwise stays.
export GOFLAGS := $(shell $(GO) env GOFLAGS) -tags=goolm

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
SAY     := @printf '\033[2m%s\033[0m\n'

RUNTIME_SRC := $(shell find web/runtime -type f -not -path '*/node_modules/*' -not -path '*/dist/*')
SHELL_SRC   := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' -not -path 'web/runtime/*')

run: build
	@bin/matrixos up --open

build: bin/matrixos

bin/matrixos: web/runtime/dist/manifest.json web/dist/index.html FORCE
	$(SAY) 'building the binary …'
	@CGO_ENABLED=0 $(GO) build -ldflags '-s -w -X main.version=$(VERSION)' -o $@ ./cmd/matrixos

FORCE:

web/runtime/node_modules: web/runtime/package-lock.json
	$(SAY) 'fetching the libraries for apps …'
	@cd web/runtime && npm ci --no-audit --no-fund --loglevel=error && touch node_modules

web/runtime/dist/manifest.json: web/runtime/node_modules $(RUNTIME_SRC)
	$(SAY) 'building the libraries for apps …'
	@cd web/runtime && npm run --silent build

web/node_modules: web/package-lock.json
	$(SAY) 'fetching what the desktop is built with …'
	@cd web && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error && touch node_modules

web/dist/index.html: web/node_modules $(SHELL_SRC)
	$(SAY) 'building the desktop …'
	@cd web && npm run --silent build -- --logLevel warn

# The desktop's types, from the API's document; a test says when they are not current.
protocol: web/node_modules
	@cd web && node protocol.mjs

setup:
	@tools/setup

# The whole suite. Ends with one line that counts what ran.
test: setup build
	@tools/test

# Every package under the race detector, but for those that are built without it. Takes long.
race: setup web/runtime/dist/manifest.json web/dist/index.html
	@CI=true CGO_ENABLED=1 $(GO) test -race -short -count=1 -timeout 3h $$($(GO) list ./... | grep -vE '^matrixos/(matrix/(child|embedded|external|front|talk)|test)$$')

# The tests of the disk that look for rare faults, for long: 1,000 deaths, 160
# power cuts; then 150 rooms between two homes, each joined and written to at once. SOAK=3 does three times as much, SEED=… repeats one.
soak: setup build
	@SOAK=$${SOAK:-1} $(GO) test -count=1 -timeout 3h -v -run 'TestModel$$|TestKillLoop|TestPowerLoss|TestDeviceFails|TestConcurrentHistories|TestOwnerRace|TestDevicesConverge' ./disk ./disk/sync
	@MATRIXOS_BIN=$(CURDIR)/bin/matrixos MATRIXOS_MATRIX_JOINS=$$((150 * $${SOAK:-1})) $(GO) test -count=1 -timeout 1h -v -run 'TestMatrix$$' ./test

# As CI, plus linters that take minutes to build the first time.
lint:
	@tools/lint

bench: setup build
	@MATRIXOS_BENCH=1 MATRIXOS_BIN=$(CURDIR)/bin/matrixos $(GO) test -run '^$$' -bench . -benchtime 10x -timeout 30m ./...

# The healer on all apps that have contracts: N wrong changes and seven damages of each,
# and the contract SOUND times without a fault; N=0 is only that. Takes one or two minutes
# for an app; APPS="todo notes" names some. Prints the tables of doc/reliability.md.
bench-heal: setup web/runtime/dist/manifest.json
	@CI=true MATRIXOS_HEAL_BENCH=$${N:-8} MATRIXOS_HEAL_SOUND=$${SOUND:-2} MATRIXOS_HEAL_APPS=$$(echo $${APPS:-} | tr ' ' ,) $(GO) test ./boot -count=1 -run 'TestHealBench$$' -v -timeout 6h

# How many small wrong changes of each default app its contract finds: N of them, spread
# evenly, or N=all. Takes one to five minutes for an app; APPS="todo notes" names some.
bench-strength: setup web/runtime/dist/manifest.json
	@CI=true MATRIXOS_STRENGTH=$${N:-30} MATRIXOS_STRENGTH_APPS=$$(echo $${APPS:-} | tr ' ' ,) $(GO) test ./app/strength -count=1 -run 'TestDefaultContractsAreStrong$$' -v -timeout 6h

clean:
	rm -rf bin web/dist/assets web/dist/index.html web/runtime/dist/manifest.json
