# The front door; the build itself is in meson.build. `make help` lists what there is.

PREFIX ?= /usr/local
DESTDIR ?=
# auto, system or bundled
SQLITE ?= auto
export SQLITE

MAKEFLAGS += --no-print-directory
SANITIZE = -Db_lundef=false -Db_sanitize
BUILT_TESTS = -- all

all: ## build the library and the command into build/
	@scripts/install-deps build
	@scripts/build build -- product

node: ## build the addon of the Node.js package for use in this checkout
	@scripts/install-deps build test
	@scripts/build build -- node

demo: all ## build, then show what it does
	@build/cli/mastra-store demo

test: ## build and run every test
	@scripts/install-deps build test
	@scripts/build build $(BUILT_TESTS)
	@scripts/run-tests build

asan: ## run the tests of C code under the address and undefined-behaviour sanitizers
	@scripts/install-deps build test
	@scripts/build build-asan $(SANITIZE)=address,undefined $(BUILT_TESTS)
	@scripts/run-tests build-asan --suite c --suite addon --slow 3

tsan: ## run the concurrent tests under the thread sanitizer
	@scripts/install-deps build test
	@scripts/build build-tsan $(SANITIZE)=thread -- concurrency-tests
	@scripts/run-tests build-tsan --suite concurrency --slow 4

clang: ## build everything with Clang as well and run the conformance cases on SQLite
	@scripts/install-deps build test clang
	@CC=clang-14 scripts/build build-clang $(BUILT_TESTS)
	@scripts/run-tests build-clang --suite conformance --cases sqlite

valgrind: ## run the unit tests under valgrind
	@scripts/install-deps build test valgrind
	@scripts/build build $(BUILT_TESTS)
	@scripts/run-tests build --suite unit --slow 10 \
		--wrap "valgrind --error-exitcode=99 --leak-check=full -q"

lint: ## check the format, the static analysis and the rules of the tree
	@scripts/install-deps build test lint
	@scripts/build build -- product node
	@scripts/lint build

format: ## rewrite the C files in the project's format
	@scripts/install-deps lint
	@scripts/source-files c | xargs -r clang-format-14 -i

docs: all ## write docs/operations.md and the manual pages made from others anew
	@scripts/operations-reference build/cli/mastra-store docs/operations.md
	@scripts/manual-page build/cli/mastra-store docs/man/mastra-store.1
	@scripts/overview-page docs docs/man/mastra-store.7

bench: ## measure; the results go to bench/results.json
	@scripts/install-deps build
	@scripts/build build -- product benchmarks
	@scripts/run-benchmarks build

bench-quick: ## the same with few rounds
	@scripts/install-deps build
	@scripts/build build -- product benchmarks
	@scripts/run-benchmarks build --quick

install: all ## install below PREFIX (/usr/local); DESTDIR is put in front
	@scripts/install build "$(PREFIX)" "$(DESTDIR)"

uninstall: ## take that away again, given the same PREFIX and DESTDIR
	@scripts/uninstall build "$(PREFIX)" "$(DESTDIR)"

deb: ## build Debian packages into build-deb/
	@scripts/install-deps build deb
	@scripts/deb build-deb

deb-check: deb ## try the packages in a new Debian (as root): installed by apt, built against, run, taken away
	@scripts/install-deps build deb
	@scripts/check-deb build-deb

clean: ## remove what was built
	@rm -rf build build-asan build-tsan build-clang build-deb

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

.PHONY: all node demo test asan tsan clang valgrind lint format docs bench bench-quick install deb deb-check clean help
