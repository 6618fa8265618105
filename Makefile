# The two commands to know: make demo, make test.

# go-nvml calls functions that NVIDIA has deprecated and still ships.
export CGO_CFLAGS = -O2 -g -Wno-deprecated-declarations

GO ?= go

.PHONY: build demo notebook test simulate coverage soak test-gpu bench ollama weights duckdb chromium echarts katex screenshots clean

build: perg

perg: FORCE
	@$(GO) build -ldflags=-w -o perg ./cmd/perg

# The whole of perg on a real Ollama server in two minutes or three: on models
# that are built here, and on a real one where that can be fetched.
demo: build
	@program=$$(models/build-ollama.sh) && weights=$$(models/fetch-smollm2.sh || true) && \
		$(GO) run ./cmd/demo -perg ./perg -ollama "$$program" -weights "$$weights"

# The notebook that perg export writes, executed on the demo's run, as it is
# checked in with its figures. Debian has what it needs: python3-pandas,
# python3-matplotlib, python3-ipykernel, jupyter-nbconvert.
PYTHON ?= /usr/bin/python3

notebook: demo duckdb
	@$(PYTHON) -c 'import pandas, matplotlib, ipykernel, nbconvert' || \
		{ echo "no notebook: install python3-pandas python3-matplotlib python3-ipykernel jupyter-nbconvert, or name another PYTHON" >&2; exit 1; }
	@rm -rf demo/export && ./perg export demo/run -o demo/export
	@cd demo/export && DUCKDB=$(CURDIR)/harness/export/testdata/duckdb.mjs $(PYTHON) -m nbconvert --to notebook --execute \
		--ExecutePreprocessor.record_timing=False --output-dir ../../harness/export --output demo.ipynb perg.ipynb

# The program that the demo and the end-to-end tests run.
ollama:
	@models/build-ollama.sh

# A real model, of which tests and the demo leave their part out where it cannot
# be had.
weights:
	@models/fetch-smollm2.sh || echo "real weights are not run" >&2

# DuckDB reads the Parquet back in a test, as a second opinion.
duckdb:
	@[ -d .duckdb/node_modules/@duckdb/node-api ] || \
		npm install --silent --no-save --no-audit --no-fund --prefix .duckdb @duckdb/node-api@1.5.5-r.5 >&2 || \
		echo "no DuckDB from npm: Parquet is not read back by a second reader" >&2

# Chromium opens the pages in tests.
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "installing Debian's chromium" >&2; \
			apt-get update -qq >&2; \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation >&2; \
		else \
			echo "no Chromium: pages are not opened in tests; to have them opened: sudo apt-get install chromium" >&2; \
		fi

# The library of the report's charts, from npm: what parts.js names of it, in
# one file that is committed and embedded, beside the licences of what is in it.
echarts:
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && out=harness/report/page/echarts && \
		npm install --silent --no-audit --no-fund --prefix "$$work" echarts@6.1.0 esbuild@0.28.2 >&2 && \
		cp $$out/parts.js "$$work" && \
		"$$work/node_modules/.bin/esbuild" "$$work/parts.js" --bundle --minify --charset=utf8 --target=es2020 \
			--format=iife --global-name=echarts --legal-comments=none --log-level=warning --outfile="$$work/echarts.js" && \
		{ echo "/*! Apache ECharts 6.1.0, Copyright 2017-2026 The Apache Software Foundation, Apache License 2.0; with zrender 6.1.0 (BSD-3-Clause), tslib 2.3.0 (0BSD) and parts of d3 (BSD-3-Clause) */"; \
			cat "$$work/echarts.js"; } >$$out/echarts.js && \
		for of in echarts:LICENSE echarts:NOTICE zrender:LICENSE tslib:LICENSE.txt; do \
			cp "$$work/node_modules/$${of%:*}/$${of#*:}" "$$out/$${of%:*}-$$(basename $${of#*:} .txt)"; done && \
		cp "$$work/node_modules/echarts/licenses/LICENSE-d3" $$out/d3-LICENSE && chmod 644 $$out/* && ls -l $$out

# The library that draws the formulas of answers in perg view, from npm: one file,
# without styles and fonts, as what it makes is MathML; beside its licence.
katex:
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && out=harness/explore/web/static && \
		npm install --silent --no-audit --no-fund --prefix "$$work" katex@0.19.1 >&2 && \
		{ echo "/*! KaTeX 0.19.1, Copyright (c) 2013-2020 Khan Academy and other contributors, MIT License */"; \
			cat "$$work/node_modules/katex/dist/katex.min.js"; } >$$out/katex.js && \
		cp "$$work/node_modules/katex/LICENSE" $$out/katex-LICENSE && chmod 644 $$out/katex* && ls -l $$out

# The README's pictures, of the demo's run.
screenshots: chromium
	@[ -d demo/run ] || $(MAKE) demo
	@mkdir -p cmd/perg/screenshots
	PERG_SCREENSHOTS_OF="$$PWD/demo/run" PERG_REQUIRE_CHROMIUM=1 $(GO) test -count=1 -run Screenshots ./cmd/perg

# A process under the race detector sleeps for a second before it exits, unless it
# is told not to, and tests start hundreds of perg. SQLite's C as Go has pointers
# to memory that is not Go's, which checks of unsafe pointers find nothing in, for
# a third of its time.
# SQLite itself is not watched for races either: it is C, with its own locks, and
# what calls it is watched. No more of modernc.org may be left out: a generic type
# that it shares with perg, such as what sync.Map is made of, may be linked as it
# was compiled there, and then hides races of perg's and invents others.
# What is much arithmetic, in which nothing is done at once, is tested without the
# race detector; of the engine's random worlds it watches some.
test: export GORACE = atexit_sleep_ms=0
test: duckdb chromium weights
	@unformatted=$$(gofmt -l cmd data gpu harness models); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test -run 'Coverage|HowOftenAdviceIsRight|SentencesAre|FullSweepIsSmall|Simulate$$' ./harness/metrics ./harness/advise ./harness/report/page ./harness/engine
	program=$$(models/build-ollama.sh) && PERG_OLLAMA="$$program" PERG_REQUIRE_OLLAMA=1 $(GO) test -race -gcflags='modernc.org/...=-d=checkptr=0' -gcflags='modernc.org/sqlite/lib=-race=false -d=checkptr=0' -shuffle=on -timeout 30m ./...

# Random worlds with random faults, in virtual time: what holds of the engine
# whatever goes wrong. It prints how many seeds it ran in what time, and of each
# that fails the story. One alone, told also where nothing fails:
# make simulate SEEDS=1 FROM=4711 STORY=1
SEEDS ?= 100000
FROM ?= 0
STORY ?=

simulate:
	$(GO) test -count=1 -timeout 12h -v -run 'TestSimulate$$' ./harness/engine -seeds $(SEEDS) -from $(FROM) $(if $(STORY),-story)

# Coverage of the intervals and size of the tests of compare, by simulation: a
# minute or two. make test has fewer trials of it.
coverage:
	$(GO) test -count=1 -v -run 'TestCoverage|TestSize' ./harness/stats ./harness/metrics
	$(GO) test -count=1 -v -run 'TestSize' ./harness/compare -trials 1000

# kill -9 at a hundred points of runs with two lanes, a resident judge and two
# KV caches: nothing is lost, nothing doubled, no server is left. A quarter of an
# hour; make soak SOAK=10 is shorter. make test has three points of it. Then the
# same of a run on several machines, which are network namespaces (root alone may
# make them), with links that fail, processes that stop and disks that are full:
# that takes hours, of which the hundred kills of each kind are 20 minutes. Last, a
# run that goes on when links that were down for two minutes come back.
SOAK ?= 100

soak:
	program=$$(models/build-ollama.sh) && PERG_SOAK=$(SOAK) PERG_OLLAMA="$$program" PERG_REQUIRE_OLLAMA=1 $(GO) test -count=1 -v -timeout 3h -run TestKilledWithServersOfItsOwn ./cmd/perg
	program=$$(models/build-ollama.sh) && PERG_SOAK=$(SOAK) PERG_OLLAMA="$$program" PERG_REQUIRE_OLLAMA=1 $(GO) test -count=1 -v -timeout 6h -parallel 4 -run 'TestHosts$$|TestLinksComeBack$$' ./cmd/perg

# On a machine with an NVIDIA GPU, and with an Ollama that can use it on PATH or
# as PERG_OLLAMA: inventory, memory and energy against nvidia-smi, the cost of
# sampling; then whole runs on a real model: what a load takes, throughput and use
# of the GPU against a bare client over widths and servers, a judge that stays
# beside two KV caches, memory that another program takes, killed runners. Where
# there is no Go, 'go test -c -o gpu.test ./gpu' elsewhere makes a program to run
# there as 'PERG_TEST_GPU=1 ./gpu.test -test.v -test.run Machine'. The runs go
# through the same motions without a GPU with PERG_TEST_GPU=processor.
test-gpu: weights
	PERG_TEST_GPU=1 $(GO) test -count=1 -v -run Machine ./gpu
	program=$${PERG_OLLAMA:-$$(command -v ollama)} && PERG_TEST_GPU=1 PERG_OLLAMA="$$program" $(GO) test -count=1 -v -timeout 40m -run Machine ./cmd/perg

# What can be measured, each figure beside its limit or its peer, in one table:
# a quarter of an hour and more, and some gigabytes of scratch space. BENCH takes
# flags of cmd/bench, as in make bench BENCH='-only real -repeats 5'.
bench: build
	@program=$$(models/build-ollama.sh) && $(GO) build -o perg-bench ./cmd/bench && ./perg-bench -perg ./perg -ollama "$$program" $(BENCH)

clean:
	rm -rf perg perg-bench demo .duckdb

FORCE:
