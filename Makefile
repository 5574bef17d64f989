# netdrift: `make run` builds and runs the agent, `make demo` shows it, `make test` runs every test. All install what they need.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

SWIFT ?= swift
# A binary that needs no Swift on the host it runs on, is bound at its start (full RELRO), and does not tell where it was built.
RELEASE_FLAGS := -c release --static-swift-stdlib --product netdrift -Xlinker -s -Xlinker -z -Xlinker now \
	-Xswiftc -file-prefix-map -Xswiftc $(CURDIR)=. -Xcc -ffile-prefix-map=$(CURDIR)=.
BENCH_FLAGS := -c release --static-swift-stdlib --product netdrift-bench
SOURCES := Sources Tests Benchmarks Fuzz Package.swift
# Arguments for the agent: make run ARGS="--web.listen-address=:10124"
ARGS ?=
# Which sanitizers and suites: make sanitize SANITIZE=address SUITES='WebTests|SoakTests'
SANITIZE ?= thread address
SUITES ?=
# What fails it: tests, or the sanitizer's reports alone: make sanitize JUDGE=reports
JUDGE ?= tests
# Arguments for the fuzzer: make fuzz FUZZ="--minutes 10 --target netlink-links --seed 1"
FUZZ ?=
# Arguments for the image: make image IMAGE="--tag registry.example.org/netdrift:1"
IMAGE ?=

.PHONY: run demo screenshots dashboards bpf build test bench soak fuzz sanitize lint format deb image chart dist clean packages test-packages \
	packaging-packages help

help: ## Show the targets.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 18

run: build ## Install what is missing, build a release, and run the agent.
	.build/release/netdrift $(ARGS)

demo: build ## A small world of namespaces, the agent, Prometheus and Alertmanager, and three things that break.
	@scripts/install-packages demo
	scripts/demo

screenshots: build test-packages ## Take the pictures of docs/images from the demo, by Chromium.
	scripts/screenshots

dashboards: ## Write the dashboards from what they are generated of, and what the manifests and the chart have of them and of the rules.
	dashboards/grafana/generate
	dashboards/prometheus/generate
	deploy/kubernetes/generate
	deploy/helm/generate

bpf: packages ## Compile the BPF programs by the toolchain's clang, and embed them: Sources/CNetnsBPF/Objects.c.
	scripts/build-bpf

build: packages ## Build the release binary, .build/release/netdrift.
	$(SWIFT) build $(RELEASE_FLAGS)

test: test-packages ## Install what the tests need, and run all of them, on the release binary too.
	$(SWIFT) build $(RELEASE_FLAGS)
	$(SWIFT) build $(BENCH_FLAGS)
	$(SWIFT) build --build-tests
	NETDRIFT_BINARY=$(CURDIR)/.build/release/netdrift NETDRIFT_BENCH=$(CURDIR)/.build/release/netdrift-bench \
		$(SWIFT) test --skip-build --disable-xctest --no-parallel

bench: build ## Measure against the bare system calls and the peers' way (root): make bench BENCH="--namespaces 100".
	$(SWIFT) build $(BENCH_FLAGS)
	.build/release/netdrift-bench $(BENCH)

fuzz: packages ## Fuzz the parsers for ten minutes by libFuzzer: make fuzz FUZZ="--minutes 60 --target dns".
	scripts/fuzz $(FUZZ)

sanitize: test-packages ## The tests under ThreadSanitizer, then under AddressSanitizer (40 minutes): make sanitize SANITIZE=thread.
	@for kind in $(SANITIZE); do scripts/sanitize $$kind "$(SUITES)" $(JUDGE) || exit 1; done

soak: build ## The agent among namespaces that come and go, held against what was done (root): make soak SOAK="--minutes 10".
	scripts/soak $(SOAK)

lint: ## Check the formatting, and that the pure modules import nothing of the system.
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)
	scripts/check-purity

format: ## Format the sources.
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

deb: build packaging-packages ## Make the Debian package, in dist.
	scripts/deb

image: build packaging-packages ## Build the container image by buildah: make image IMAGE="--tag netdrift --base debian:12-slim".
	scripts/image $(IMAGE)

chart: ## Write into the Helm chart what is generated, and make its archive, in dist.
	deploy/helm/generate
	scripts/chart $$(sed -n 's/^version: //p' deploy/helm/netdrift/Chart.yaml)

dist: build packaging-packages ## Make everything that a release is: archive, Debian package, chart, SBOM, checksums, in dist.
	scripts/dist

clean: ## Remove what was built.
	rm -rf .build .build-thread .build-address dist

packages:
	@scripts/install-packages build

test-packages:
	@scripts/install-packages build test packaging
	@scripts/install-tools

packaging-packages:
	@scripts/install-packages build packaging
