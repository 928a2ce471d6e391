#!/usr/bin/env bash
# The official AsyncAPI parser in .asyncapi, for the one system test that asks it; needs npm (55 MB).
#   scripts/asyncapi_env.sh
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .asyncapi
npm install --prefix .asyncapi --ignore-scripts --no-audit --no-fund --loglevel error @asyncapi/parser@3
