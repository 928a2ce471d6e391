"""The Jetson's Dockerfile carried out for real over stand-ins for JetPack's packages: its steps fit, and what comes of them holds what it should, and no more."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.backends.cuda.nvcc import SOURCES
from tests.containers.images import COMPOSE, Container, Images, base_root, service_of
from tests.containers.jetpack_standin import repository

pytestmark = [pytest.mark.container, pytest.mark.timeout(1200)]

EDGE = service_of("edge")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, report: dict[str, Any]) -> Iterator[Images]:
    root = base_root()
    folder = tmp_path_factory.mktemp("jetson")
    packages = repository(folder)
    source = folder / "jetpack.list"
    source.write_text("deb [trusted=yes] file:/jetpack ./\n")
    key = folder / "jetpack.asc"
    key.write_text("")
    images = Images(folder)
    try:
        images.imported(root, "base")
        took_s = images.built(
            "jetson.Dockerfile",
            "edge:jetson",
            options=[
                "--build-arg=JETPACK=6",
                "--build-arg=JETPACK6_BASE=localhost/base",
                f"--secret=id=jetpack.list,src={source}",
                f"--secret=id=jetpack.asc,src={key}",
                f"--volume={packages}:/jetpack:ro",
            ],
        )
        report["jetson image, over stand-ins"] = {"built_in_s": round(took_s), "layers_mb": images.layers_mb("edge:jetson")}
        yield images
    finally:
        images.remove()


@pytest.fixture(scope="module")
def root(images: Images) -> Path:
    return images.mounted("edge:jetson")


def test_pycuda_was_compiled_of_the_pinned_source(root: Path, report: dict[str, Any]):
    site = next(root.glob("opt/edge/lib/python3*/site-packages"))
    (driver,) = site.glob("pycuda/_driver*.so")
    assert b"libcuda.so.1" in driver.read_bytes()
    megabytes = sum(path.stat().st_size for path in site.glob("pycuda/**/*") if path.is_file()) / 1e6
    report["jetson image, over stand-ins"]["pycuda_mb"] = round(megabytes, 1)
    assert (site / "onnx").is_dir()  # engines are built with it


def test_kernels_are_compiled_where_the_service_looks_and_no_compiler_is_left(root: Path):
    kept = [path.name for path in (root / "var/cache/edge/kernels").glob("*.cubin")]
    assert sorted(re.split("-", name)[0] for name in kept) == sorted(source.stem for source in SOURCES)
    assert all("-sm_87-" in name for name in kept)
    assert all(path.stat().st_mode & 0o004 for path in (root / "var/cache/edge/kernels").iterdir())  # by the service's user, too
    assert not [tool for tool in ("usr/bin/g++", "usr/bin/gcc", "usr/local/cuda/bin/nvcc", "usr/bin/pip3") if (root / tool).exists()]


def test_the_folders_that_become_volumes_belong_to_the_service(root: Path):
    owned = [volume.split(":")[1] for volume in EDGE["volumes"] if not volume.startswith(".")]
    assert [(root / where.lstrip("/")).stat().st_uid for where in owned] == [10001] * len(owned)


def test_neither_torch_nor_where_jetpack_s_packages_are_is_left_in_it(root: Path):
    assert not list(root.glob("opt/edge/lib/python3*/site-packages/torch*"))
    left = [path for path in (root / "etc/apt").rglob("*") if path.is_file() and "jetpack" in path.read_text(errors="replace")]
    assert not left


def test_it_sees_the_system_s_gstreamer_and_jetpack_s_tensorrt(images: Images):
    code = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstApp', '1.0'); from gi.repository import Gst, GstApp; Gst.init(None);"
        "import tensorrt; print(Gst.version_string(), [Gst.ElementFactory.find(n) is not None for n in ('v4l2src', 'rtspsrc', 'appsink', 'h264parse')])"
    )
    box = Container(images, "edge:jetson", EDGE, entrypoint=["/opt/edge/bin/python", "-c", code], command=[])
    said = box.run(60)
    assert box.process.returncode == 0, said
    assert "GStreamer 1." in said
    assert "[True, True, True, True]" in said


def test_without_a_gpu_it_says_so_and_counts_on_the_cpu(images: Images, tmp_path: Path, eventually: Callable[..., bool]):
    whole = yaml.safe_load((COMPOSE / "edge.example.yaml").read_text().replace("DEVICE", "shop-7"))
    del whole["mqtt"]
    file, state = tmp_path / "edge.yaml", tmp_path / "state"
    file.write_text(yaml.safe_dump(whole))
    (state / "video").mkdir(parents=True)
    for folder in (state, state / "video"):
        os.chown(folder, 10001, 10001)
    with Container(images, "edge:jetson", EDGE, volumes={state: "/var/lib/edge", file: "/etc/edge/edge.yaml:ro"}) as box:
        assert eventually(lambda: box.counts(EDGE["healthcheck"]["test"][1:]), 60), box.words
        box.signal("TERM")
        assert box.process.wait(40) == 0, box.words
