.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder
# Without compiled files each test process would compile all tests again, for five seconds.
unexport PYTHONDONTWRITEBYTECODE

##@ Use
run: setup ## Serve on http://127.0.0.1:8000 over the bundled PostgreSQL
	@exec $(BIN)/pgvend serve

image: ## Build the container's image with docker, podman or buildah (ARGS="--help")
	$(PYTHON) .ci/image.py $(ARGS)

setup-mcp: .venv/.mcp ## Add to .venv what `pgvend mcp` needs, the MCP server for AI agents

setup-traces: .venv/.traces ## Add to .venv what traces need

##@ Development
test: setup-dev ## Run the tests: all layers, with a sample of large parameter products
	CHAOS_ROUNDS=$(or $(ROUNDS),3) $(BIN)/python -m pytest $(PARALLEL) --sample $(ARGS)

test-all: setup-dev ## Run all tests, large parameter products included
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-live: setup-dev ## Run the contract suite on the Neon project that NEON_* name; cleans up
	NEON_LIVE=1 $(BIN)/python -m pytest tests/contract -k neon-live --timeout=900 $(ARGS)

chaos: setup-dev ## Kill the service and its servers under load, ROUNDS times (50), and count
	CHAOS_ROUNDS=$(or $(ROUNDS),50) $(BIN)/python -m pytest tests/integration/chaos -s $(ARGS)

lint: setup-dev ## Check format, style, types, words, Dockerfiles and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/words.py
	$(BIN)/hadolint Dockerfile deploy/pgbouncer/Dockerfile

schema: setup-dev ## Search for answers that the OpenAPI document does not describe, with 8,000 calls
	SCHEMA_EXAMPLES=$(or $(EXAMPLES),20) $(BIN)/python -m pytest tests/schema -s $(PARALLEL) --dist load $(ARGS)

image-test: setup-dev ## Build the image on a Debian of its own, and run the service in it (as root)
	$(BIN)/python -m pytest tests/image $(ARGS)

mutants: setup-dev ## Change the code in 500 small ways and count the changes that tests detect
	PYTHONPATH=.ci $(BIN)/python -m mutants $(ARGS)

audit: setup-dev ## Find weaknesses in the code, and known vulnerabilities in its dependencies
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive domain ports adapters entrypoints
	$(BIN)/python .ci/audit.py $(BIN)/pip-audit

format: setup-dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup-dev .venv/.bench ## Measure the service and its baselines, in ten minutes (ARGS="cold --size full")
	$(BIN)/python -m bench $(ARGS)

bench-docs: setup-dev ## Write docs/performance.md and its plots from the last `make bench`
	$(BIN)/python -m bench.page

screenshots: setup-dev ## Take the pictures of the console in docs/images (needs Debian's chromium)
	$(BIN)/python .ci/screenshots.py

lock: ## Choose the newest versions of all dependencies (needs uv and npm)
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --extra mcp pyproject.toml -c requirements/run.txt -o requirements/mcp.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --extra traces pyproject.toml -c requirements/run.txt -o requirements/traces.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --all-extras --group dev pyproject.toml -c requirements/run.txt -o requirements/dev.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate tests/clients/requirements.in -o tests/clients/requirements.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate tests/clients/drivers/requirements.in -o tests/clients/drivers/requirements.txt
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate bench/requirements.in -o bench/requirements.txt
	npm update --package-lock-only --prefix tests/clients
	npm update --package-lock-only --prefix tests/clients/drivers --omit-lockfile-registry-resolved
	npm update --package-lock-only --prefix tests/clients/browser --omit-lockfile-registry-resolved
	npm update --package-lock-only --prefix tests/clients/mcp --omit-lockfile-registry-resolved
	npm update --package-lock-only --prefix tests/clients/compose --omit-lockfile-registry-resolved

clean: ## Remove the virtual environment and caches; the data folder stays
	rm -rf .venv .image .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

setup: .venv/.run ## Create .venv with pgvend in it

setup-dev: .venv/.dev

.venv/.bench: .venv/.run bench/requirements.txt
	$(PYTHON) -m venv .venv/bench-python
	.venv/bench-python/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	    -r bench/requirements.txt
	@touch $@

.venv/.run: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "pgvend needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.mcp: .venv/.run requirements/mcp.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mcp.txt
	@touch $@

.venv/.traces: .venv/.run requirements/traces.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/traces.txt
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} \
	    /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	    /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run image test test-all test-live chaos lint schema image-test mutants audit format bench bench-docs screenshots lock clean setup setup-mcp setup-traces setup-dev help
