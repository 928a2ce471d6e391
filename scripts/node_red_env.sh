#!/usr/bin/env bash
# Node-RED in .node-red, for the one system test that runs the flow of deploy/mqtt/node-red; needs npm (90 MB).
#   scripts/node_red_env.sh
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .node-red
npm install --prefix .node-red --ignore-scripts --no-audit --no-fund --omit=optional --loglevel error node-red@4
