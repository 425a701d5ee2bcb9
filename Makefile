# 海州冬训. `make demo` is the whole system with demo data; see README.md.

PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
VENV := .venv
BIN := $(VENV)/bin
DEMO_DIR ?= var/demo
RUNTIME := $(VENV)/.runtime.stamp
DEV := $(VENV)/.dev.stamp
# A third worker computes while two wait for programs of their own; tests/conftest.py says which begin first.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder
# The tests start hundreds of Python processes: compiling what they import again each time takes a minute.
unexport PYTHONDONTWRITEBYTECODE

# Values only the deployment check sees; nothing is served with them.
DEPLOYED := HTTPS=1 SECRET_KEY=lint-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ \
	FIELD_KEYS=bGludC1vbmx5LWxpbnQtb25seS1saW50LW9ubHktMDE= ALLOWED_HOSTS=example.org DEBUG=0

.PHONY: help demo check test test-fast test-sqlite test-postgres lint format bench lock clean

help:
	@echo "make demo           the whole system with demo data on http://$(HOST):$(PORT)/"
	@echo "make check          before each commit: lint and the fast tests (about two minutes)"
	@echo "make test           the whole suite, on SQLite and on a real PostgreSQL"
	@echo "make lint           ruff, djade, mypy, migrations, deployment settings"
	@echo "make format         lets ruff and djade rewrite what they can"
	@echo "make bench          measurements in bench/"
	@echo "make lock           requirements.lock.txt from requirements.txt (needs uv)"
	@echo "make clean          removes caches, collected files and the demo's data"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt into $(VENV) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $@

$(DEV): requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing requirements-dev.txt into $(VENV) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(RUNTIME)

demo: export DEMO = 1
demo: export DATA_DIR = $(abspath $(DEMO_DIR))
demo: $(RUNTIME)
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py load_demo
	$(BIN)/python manage.py serve --host $(HOST) --port $(PORT) --with-redis

check: lint test-fast

# They wait for few programs of their own: a third worker would read all tests once more and gain nothing.
test-fast: PYTEST += -n 2
test-fast: $(DEV)
	$(PYTEST) -q -m "not slow and not exhaustive and not browser and not redis"

test: test-sqlite test-postgres

test-sqlite: $(DEV)
	env -u DATABASE_URL $(PYTEST) -q -m "not exhaustive"

test-postgres: $(DEV)
	$(BIN)/python scripts/with_postgres.py $(PYTEST) -q -m "not browser and not files and not either and not exhaustive"

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	git ls-files -z -- 'templates/*.html' | xargs -0 --no-run-if-empty $(BIN)/djade --check --target-version 5.2
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run --verbosity 1
	$(DEPLOYED) $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files -z -- 'templates/*.html' | xargs -0 --no-run-if-empty $(BIN)/djade --target-version 5.2

bench: $(DEV)
	@for script in bench/*.py; do \
		grep -q "^def main" "$$script" || continue; \
		echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done

lock:
	scripts/lock.sh

clean:
	rm -rf staticfiles test-results .pytest_cache .ruff_cache .mypy_cache .hypothesis var/tests $(DEMO_DIR)
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print | xargs rm -rf
