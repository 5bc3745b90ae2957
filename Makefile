# `make demo` needs the base package alone, `make site` Node.js and npm alone; `make test` installs
# what developing needs, Node.js included; `make dist` what building a release needs.
PYTHON ?= python3
BIN := .venv/bin
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The machine's own Node.js, or the one that .venv/dev brings.
NPM := PATH="$$PATH:$(CURDIR)/$(BIN)" npm --prefix web
SITE ?= site

# Which extras `make dist` installs: none, quick (those without PyTorch) or all.
EXTRAS ?= quick
# What `make lowest` tries: base and extras; by default base and those without PyTorch.
LOWEST ?=

.PHONY: demo site docs test figures dist lowest constraints clean

demo: .venv/base
	$(BIN)/unblur deblur examples/*.jpg -o demo --overwrite
	$(BIN)/python examples/before_after.py examples demo demo/before-after.png

# The page that deblurs inside the browser, as static files: make site SITE=FOLDER
site: web/node_modules/.package-lock.json
	$(NPM) run --silent build -- "$(SITE)"

# The documentation as a site, in build/docs.
docs: .venv/dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Two processes of one thread each, for two cores: most tests do not use more.
test: .venv/dev
	$(MAKE) web/node_modules/.package-lock.json
	$(NPM) run --silent check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/pyright
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# The generated pictures and tables of docs/. Each line works alone too. What needs data that the
# repository does not have: make figures PHOTOS=DIR PAIRS='DIR DIR' GOPRO=DIR
figures: .venv/dev
	$(BIN)/python -m docs.figures.photos
	$(BIN)/python -m docs.figures.gallery
	$(BIN)/python -m docs.figures.blur $(PHOTOS) $(PAIRS)
	-$(BIN)/python -m docs.figures.page
	$(BIN)/python -m experiments.default.curve
	$(BIN)/python -m experiments.paper.curves
	$(BIN)/python -m experiments.paper $(GOPRO:%=--quality %) --table docs/paper.md
	$(BIN)/python -m experiments.inspection $(PHOTOS:%=--measure all --photos %) \
		$(PAIRS:%=--pairs %) --table docs/inspect.md
	$(BIN)/python -m benchmarks.cost
	$(BIN)/python -m tests.photo.page > docs/fidelity.md
	$(BIN)/python -m docs.figures.serve_options

# The files of a release, in dist/, tried in fresh environments of every Python that is found.
dist: .venv/release
	$(BIN)/python -m deploy.dist --extras $(EXTRAS)

# The oldest releases of the dependencies that pyproject.toml admits: make lowest LOWEST='base video'
lowest: .venv/release
	$(BIN)/python -m deploy.lowest $(LOWEST)

.venv/release: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable . build uv
	touch $@

.venv/base: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@ .venv/base .venv/release

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	$(NPM) ci --no-audit --no-fund --loglevel=error

# Writes down the versions that .venv holds, and those of the build, after a deliberate upgrade.
constraints:
	$(BIN)/pip install --quiet --upgrade hatchling hatch-fancy-pypi-readme editables
	$(BIN)/pip freeze --all --exclude-editable | grep -v '^pip==' | sed 's/+cpu$$//' \
		> constraints.txt

clean:
	rm -rf .venv demo dist site web/node_modules
