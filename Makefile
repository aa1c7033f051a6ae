# Everything a day's work needs. A fresh machine has python3 (3.11 or later, with venv), git and make; the rest
# comes from the lock files. `make` alone lists the targets.

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# The first Python that is new enough; `make PYTHON=…` names another.
PYTHON ?= $(firstword $(foreach python,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell $(python) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(python))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "nrdb needs Python 3.11 or later; none found. Install one, or: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test ! -e $(BIN)/python || $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || rm -rf $(VENV)
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

.PHONY: install
install: $(STAMP) ## Make .venv with all that is locked, and nrdb itself (other targets do so when it is stale)

.PHONY: run
run: $(STAMP) ## Serve a sandbox with the Norwegian seed on http://127.0.0.1:8000
	NRDB_SANDBOX=1 NRDB_SEED=norway $(BIN)/nrdb serve

.PHONY: demo
demo: $(STAMP) ## Tell a porting from order to routing on the terminal
	$(BIN)/nrdb demo

.PHONY: test
test: $(STAMP) nginx engines browser ## Run the tests, a process a core (ARGS="-k name" picks some)
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist worksteal $(ARGS)

# The streams are read through a real proxy, which is a program of the system.
.PHONY: nginx
nginx:
	@PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light >/dev/null; } \
		|| { echo "the tests need nginx: apt-get install nginx-light, or brew install nginx" >&2; exit 1; }

# Name server, SIP proxy and those who ask them, which serve the routing table: programs of the system, too.
ENGINES := pdns-server pdns-backend-pgsql kamailio sip-tester bind9-dnsutils

.PHONY: engines
engines:
	@(for program in pdns_server kamailio sipp dig; do PATH="$$PATH:/usr/sbin" command -v $$program >/dev/null || exit 1; done) \
		&& ls /usr/lib/*/pdns/libgpgsqlbackend.so >/dev/null 2>&1 || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(ENGINES) >/dev/null; } \
		|| { echo "the tests need engines: apt-get install $(ENGINES)" >&2; exit 1; }

# The console is tested in the browser that people use, with a sans-serif font to lay text out in.
.PHONY: browser
browser:
	@{ command -v chromium || command -v google-chrome; } >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
		|| { echo "the tests need a browser: apt-get install chromium, or brew install --cask chromium" >&2; exit 1; }

.PHONY: check
check: $(STAMP) ## Format, lint, types, layers, and drift of the OpenAPI document, the migrations and what is vendored
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/nrdb openapi --check openapi/nrdb.json
	$(BIN)/nrdb migrate --check
	$(BIN)/python tools/vendor.py --check

.PHONY: format
format: $(STAMP) ## Format the code and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(STAMP) wrk ## Run the benchmarks (ONLY=name for one) and write .bench/latest.json
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

# The load generator is a program of the system, so it cannot come from the lock.
.PHONY: wrk
wrk:
	@{ command -v wrk && command -v dnsperf; } >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq --no-install-recommends wrk dnsperf >/dev/null; } \
		|| { echo "the benchmarks need wrk and dnsperf: apt-get install wrk dnsperf, or brew install wrk dnsperf" >&2; exit 1; }

.PHONY: soak
soak: $(STAMP) ## Run the long tests: crashes, hours of load, millions of rows
	@$(BIN)/python -m pytest -m soak $(ARGS)

.PHONY: lock
lock: $(STAMP) ## Write the lock files again from pyproject.toml (UPGRADE=1 takes newer versions)
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(COMPILE) --extra embedded --group dev -o requirements-dev.txt
	$(COMPILE) --extra embedded --constraint requirements-dev.txt --no-annotate -o requirements-embedded.txt
	$(COMPILE) --constraint requirements-dev.txt --no-annotate -o requirements.txt

.PHONY: openapi
openapi: $(STAMP) ## Write openapi/nrdb.json again from the code
	@mkdir -p openapi
	$(BIN)/nrdb openapi > openapi/.new && mv openapi/.new openapi/nrdb.json

.PHONY: screenshots
screenshots: $(STAMP) browser ## Take the pictures of the console again: docs/screenshots/*.png (ARGS="case number" picks some)
	$(BIN)/python tools/screenshots.py $(ARGS)

.PHONY: vendor
vendor: ## Fetch what the console carries that is not ours (tools/vendor.py names the versions; needs npm)
	$(PYTHON) tools/vendor.py

.PHONY: clean
clean: ## Remove .venv and what tools have left; the data in .nrdb stays
	rm -rf $(VENV) .bench .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
