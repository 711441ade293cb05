# Everyday commands. Each sets up what it needs, in .venv and build/, and nothing elsewhere.
#
#   make demo    counts the words of a 20 MB text on a disaggregated machine
#   make test    runs all tests          make lint     checks style and types
#   make bench   measures, side by side  make clean    removes .venv and build/
#   make tools   as root on Debian: installs the packaged programs that tests compare; they name those that are missing
#   make phoenix builds the MapReduce programs of workloads/phoenix, with small inputs, in build/phoenix

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PACKAGES := lego pcomponent mcomponent scomponent gmanager

# The word count touches the whole text and its table of words: 21 MB, of which the ExCache holds a quarter.
TEXT_BYTES := 20000000
DEMO_OPTIONS := --topology 1P-1M-1S --excache 5MiB --ways 80 --stats

PHOENIX := word_count histogram linear_regression string_match matrix_multiply kmeans pca

.PHONY: demo test tools lint bench phoenix clean setup
.DELETE_ON_ERROR:

# The tests start the command some hundred times; with this, each of them would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE

demo: $(INSTALLED) build/word_count build/text.txt
	$(BIN)/lego run $(DEMO_OPTIONS) build/word_count build/text.txt

test: $(INSTALLED) build/compiler
	LEGO_CC="$$(cat build/compiler)" $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadscope --no-loadscope-reorder $(PYTEST_OPTIONS)

tools:
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$(grep -v '^#' tests/tools.txt)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(addprefix -p ,$(PACKAGES))

bench: $(INSTALLED) build/word_count build/text.txt
	LEGO_CC="$$(cat build/compiler)" $(BIN)/python -m benchmarks $(BENCH_OPTIONS)

phoenix: $(INSTALLED) build/compiler
	$(MAKE) -C workloads/phoenix CC="$$(cat build/compiler)" OUT=$(abspath build/phoenix)
	for program in $(PHOENIX); do \
		$(BIN)/python workloads/phoenix/make_input.py $$program build/phoenix/$$program.small || exit; done

setup: $(INSTALLED)

clean:
	rm -rf $(VENV) build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Lego needs Python 3.11 or newer; none was found" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

build/compiler: workloads/choose_compiler.sh $(INSTALLED)
	@mkdir -p build
	sh workloads/choose_compiler.sh $(abspath $(BIN))/python > $@

build/word_count: workloads/word_count/word_count.c workloads/word_count/Makefile build/compiler
	$(MAKE) -C workloads/word_count CC="$$(cat build/compiler)" OUT=$(abspath $@)

build/text.txt: workloads/make_text.py $(INSTALLED)
	@mkdir -p build
	$(BIN)/python workloads/make_text.py $@ $(TEXT_BYTES)
