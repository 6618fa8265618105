# The two commands to know: make demo, make test.

# go-nvml calls functions that NVIDIA has deprecated and still ships.
export CGO_CFLAGS = -O2 -g -Wno-deprecated-declarations

GO ?= go

.PHONY: build demo test test-gpu bench ollama duckdb clean

build: perg

perg: FORCE
	@$(GO) build -o perg ./cmd/perg

# Real models, built here, on a real Ollama server: the whole of perg in a
# minute or two, without a download of weights.
demo: build
	@program=$$(models/build-ollama.sh) && $(GO) run ./cmd/demo -perg ./perg -ollama "$$program"

# The program that the demo and the end-to-end tests run.
ollama:
	@models/build-ollama.sh

# DuckDB reads the Parquet back in a test, as a second opinion.
duckdb:
	@[ -d .duckdb/node_modules/@duckdb/node-api ] || \
		npm install --silent --no-save --no-audit --no-fund --prefix .duckdb @duckdb/node-api@1.5.5-r.5 >&2 || \
		echo "no DuckDB from npm: Parquet is not read back by a second reader" >&2

test: duckdb
	@unformatted=$$(gofmt -l cmd data gpu harness models); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -run Coverage ./harness/metrics
	program=$$(models/build-ollama.sh) && PERG_OLLAMA="$$program" PERG_REQUIRE_OLLAMA=1 $(GO) test -race -shuffle=on -timeout 20m ./...

# On a machine with an NVIDIA GPU: inventory against nvidia-smi, memory against
# a known allocation, energy against power, the cost of sampling. Where there is
# no Go, 'go test -c -o gpu.test ./gpu' elsewhere makes a program to run there
# as 'PERG_TEST_GPU=1 ./gpu.test -test.v -test.run Machine'.
test-gpu:
	PERG_TEST_GPU=1 $(GO) test -count=1 -v -run Machine ./gpu

# What can be measured, each figure beside its limit or its peer: placement
# against its lower bound (at most 1.10), memory estimates against a real server
# (at most 10 % off), 5,000,000 GPU samples, a call against api.Client's, all
# metrics of 100,000 generations with 2,000 resamples (at most 10 s), and perg view
# over 1,000,000 generations (first page 1 s, filter 2 s, 500 MiB).
bench:
	@program=$$(models/build-ollama.sh) && PERG_OLLAMA="$$program" $(GO) test -run '^$$' -bench 'Placement|Thousand|Footprint|Usage|Metrics|Chat|Explore' -benchtime 1x -timeout 10m ./harness/schedule ./models ./harness/metrics ./cmd/perg

clean:
	rm -rf perg demo .duckdb

FORCE:
