#!/usr/bin/env bash
# requirements.lock.txt: every runtime package with hashes, for all platforms. uv is needed here only;
# a deployment installs with plain pip: pip install --require-hashes -r requirements.lock.txt
set -euo pipefail
cd "$(dirname "$0")/.."
command -v uv >/dev/null || { echo "uv is needed: pip install uv (outside the project's .venv)"; exit 1; }
uv pip compile requirements.txt --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-emit-find-links --custom-compile-command "make lock" --quiet -o requirements.lock.txt
if grep -nE '^(--|file:)|://' requirements.lock.txt; then
    echo "the lock names an index or a file"; exit 1
fi
