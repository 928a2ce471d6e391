#!/usr/bin/env bash
# Runs what needs a GPU, in an environment of its own, and writes a dated report into tests/device/reports. Where no GPU is reached it says so, names
# what it skipped, and that is no failure.
set -euo pipefail
venv=${1:-.venv}
if "$venv/bin/python" edge/doctor/vendors_job.py gpu | grep -q '"name"'; then
    bash scripts/device_env.sh .venv-device
    PATH="$PATH:/usr/local/cuda/bin" .venv-device/bin/python -m pytest -p tests.device.report tests/device tests/contracts -m device -v -rs --timeout 900 --report-to tests/device/reports
    .venv-device/bin/python scripts/make_run_table.py
else
    "$venv/bin/python" -m pytest tests/device tests/contracts -m device -v --no-header
    echo "no NVIDIA GPU is reached here: nothing that needs one ran, and no report was written"
fi
