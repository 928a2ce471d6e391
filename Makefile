# What people and CI run. Everything is installed into .venv; system packages only by `make system-packages`, and by nothing else unasked.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Many tests wait for brokers and clocks: two workers a core.
WORKERS := $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))
# One BLAS thread: our matrices are tiny.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1

.PHONY: help setup demo truth check test test-system test-containers soak test-device test-report system-packages clean

help:  ## what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## the environment in .venv

$(READY): pyproject.toml scripts/setup.sh
	PYTHON=$(PYTHON) bash scripts/setup.sh $(VENV)
	@touch $@

demo: $(READY)  ## the whole line on a synthetic plaza: counts, heatmap, video, MQTT
	$(BIN)/edge demo

truth: $(READY)  ## the model in the box on held-out plazas: boxes in 2000 pictures, counts and heat on video; some minutes
	$(BIN)/python scripts/truth.py

check: $(READY)  ## style, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(READY)  ## what runs anywhere: Python packages and a broker, under 5 minutes
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not system and not soak and not device and not container"

test-system: $(READY)  ## what needs system packages as well: real servers, under 20 minutes
	bash scripts/system_packages.sh --check
	bash scripts/pycuda.sh $(VENV) || echo "no pycuda: device code is not run over the stand-in driver, its tests are skipped by name"
	bash scripts/pygobject.sh $(VENV) || echo "no PyGObject: no camera is read by GStreamer, the tests of that are skipped by name"
	bash scripts/tensorrt_rtx_env.sh || echo "no TensorRT for RTX: no engine is built, its tests are skipped by name"
	bash scripts/asyncapi_env.sh || echo "no AsyncAPI parser (npm): the test that asks it is skipped by name"
	bash scripts/node_red_env.sh || echo "no Node-RED (npm): the test of its flow is skipped by name"
	$(BIN)/pytest -m "system and not soak and not device"

test-containers: $(READY)  ## images, really built and run confined, as root: some 5 minutes; writes tests/flow/reports/containers.json
	bash scripts/container_tools_env.sh
	$(BIN)/pytest -m container tests/containers

soak: $(READY)  ## the full numbers; writes tests/flow/reports/
	$(BIN)/pytest -m soak --timeout 3600 -s

test-device: $(READY)  ## what needs a GPU, in an environment of its own; writes tests/device/reports/, or says that there is no GPU
	bash scripts/test_device.sh $(VENV)

test-report: $(READY)  ## what can be shown without a GPU of what one does, with a report in tests/device/reports/ and the README's table
	$(BIN)/python -m pytest -p tests.device.report tests/contracts tests/cuda_host $(wildcard tests/flow/test_engine_build*.py) -n auto -q -m "not soak and not device" --report-to tests/device/reports
	$(BIN)/python scripts/make_run_table.py

system-packages:  ## install what test-system needs (Debian or Ubuntu; asks for sudo when you are not root)
	bash scripts/system_packages.sh --install

clean:  ## remove the environment and what the demo made
	rm -rf $(VENV) demo-out
