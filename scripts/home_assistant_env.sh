#!/usr/bin/env bash
# Home Assistant in .home-assistant, for the one system test that asks it what it makes of a device; needs Python 3.13 (700 MB, some minutes).
#   PYTHON=python3.13 scripts/home_assistant_env.sh
set -euo pipefail
cd "$(dirname "$0")/.."
"${PYTHON:-python3.13}" -m venv .home-assistant
.home-assistant/bin/pip install -q homeassistant==2025.4.4 paho-mqtt==2.1.0
