"""The images for real: linted, built over a Debian of their own, and run under the restrictions that the compose file gives them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.containers.images import COMPOSE, TOOLS, Container, Images, base_root, service_of
from tests.flow.test_mosquitto_example import Running

pytestmark = [pytest.mark.container, pytest.mark.timeout(1200)]

EDGE = service_of("edge")
USER = int(EDGE["user"].partition(":")[0])
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, report: dict[str, Any]) -> Iterator[Images]:
    root = base_root()
    images = Images(tmp_path_factory.mktemp("images"))
    try:
        images.imported(root, "base")
        report["built_in_s"] = {"service": round(images.built("cpu.Dockerfile", "edge:cpu", options=BUILD))}
        report["built_in_s"]["demo, the service being there"] = round(
            images.built("cpu.Dockerfile", "edge:demo", options=[*BUILD, "--target=demo"])
        )
        yield images
    finally:
        images.remove()


BUILD = ["--build-arg=BASE=localhost/base"]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A volume as Docker makes it of an image's folder: it belongs to the user of the container."""
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, USER, USER)
    return folder


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """The configuration that setup.sh writes first, without its broker."""
    file = tmp_path / "edge.yaml"
    whole = yaml.safe_load((COMPOSE / "edge.example.yaml").read_text().replace("DEVICE", "shop-7"))
    del whole["mqtt"]
    file.write_text(yaml.safe_dump(whole))
    return file


def hadolint() -> str:
    program = shutil.which("hadolint", path=f"{TOOLS / 'bin'}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("hadolint is not installed (scripts/container_tools_env.sh)")
    return program


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: path.name)
def test_the_linter_finds_nothing(file: Path, report: dict[str, Any]):
    words = [hadolint(), "--config", str(ROOT / "docker" / ".hadolint.yaml"), str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    version = subprocess.run([hadolint(), "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    report.setdefault("linted", {})[file.name] = f"hadolint {version}"


RESTRICTIONS = """
import os, re
def refused(call):
    try: call()
    except OSError as error: return type(error).__name__ + ": " + error.strerror
    return "allowed"
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
import json
print(json.dumps({
    "uid": os.getuid(), "groups": os.getgroups(),
    **{name: status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb", "NoNewPrivs")},
    "write /opt": refused(lambda: open("/opt/x", "w")), "write /etc/passwd": refused(lambda: open("/etc/passwd", "a")),
    "write the program": refused(lambda: open(os.__file__, "a")),
    "write /tmp": refused(lambda: open("/tmp/x", "w")), "write the state": refused(lambda: open("/var/lib/edge/x", "w")),
    "execute in /tmp": refused(lambda: (open("/tmp/y", "w").write("#!/bin/sh"), os.chmod("/tmp/y", 0o755), os.execv("/tmp/y", ["y"]))),
    "chown": refused(lambda: os.chown("/tmp/x", 0, 0)), "setuid 0": refused(lambda: os.setuid(0)),
    "processes seen": len([name for name in os.listdir("/proc") if name.isdecimal()]),
    "networks": sorted(re.findall(r"^ *(\\w+):", open("/proc/net/dev").read(), re.M)),
}))
"""


def test_the_restrictions_of_the_compose_file_are_in_force(images: Images, state: Path, report: dict[str, Any]):
    box = Container(
        images, "edge:cpu", EDGE, entrypoint=["/opt/edge/bin/python", "-c", RESTRICTIONS], command=[], volumes={state: "/var/lib/edge"}
    )
    found = json.loads(box.run(60))
    report["restrictions in force"] = found
    assert found["uid"] == USER
    assert 0 not in found["groups"]
    assert {found[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {"0000000000000000"}
    assert found["NoNewPrivs"] == "1"
    assert found["write /opt"] == "OSError: Read-only file system"
    assert all(found[f"write {where}"] != "allowed" for where in ("/etc/passwd", "the program"))
    assert [found[f"write {where}"] for where in ("/tmp", "the state")] == ["allowed"] * 2
    assert found["execute in /tmp"].startswith("PermissionError")
    assert found["chown"].startswith("PermissionError")
    assert found["setuid 0"].startswith("PermissionError")
    assert found["processes seen"] == 2  # the init and itself
    assert found["networks"] == ["lo"]


def test_without_the_compose_file_s_words_they_would_not_be(images: Images, state: Path):
    """So that the test before this one can fail."""
    loose = {**EDGE, "read_only": False, "security_opt": [], "user": "0:0"}
    box = Container(
        images, "edge:cpu", loose, entrypoint=["/opt/edge/bin/python", "-c", RESTRICTIONS], command=[], volumes={state: "/var/lib/edge"}
    )
    found = json.loads(box.run(60))
    assert (found["uid"], found["write /opt"], found["NoNewPrivs"]) == (0, "allowed", "0")


def test_the_demo_runs_under_its_restrictions(images: Images, state: Path, report: dict[str, Any]):
    command = ["demo", "--out", "/var/lib/edge/demo", "--seconds", "12", "--people", "6", "--size", "640x360"]
    box = Container(images, "edge:demo", EDGE, command=command, volumes={state: "/var/lib/edge"})
    said = box.run(300)
    assert box.process.returncode == 0, said
    assert "counted against truth" in said
    assert re.search(r"mqtt +[1-9]\d* messages heard", said), said
    assert "the model in the box" in said
    assert "Traceback" not in said
    made = sorted(path.name for path in (state / "demo").rglob("*") if path.is_file())
    assert (state / "demo" / "plaza-heatmap.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    assert any(name.endswith(".mp4") for name in made)
    report["demo"] = {"exit code": 0, "made": [name for name in made if not name.endswith(("-wal", "-shm"))]}


def test_the_service_counts_is_healthy_and_ends_in_order(
    images: Images, state: Path, configured: Path, eventually: Callable[..., bool], report: dict[str, Any]
):
    video = state / "video"
    video.mkdir()
    os.chown(video, USER, USER)
    health = EDGE["healthcheck"]["test"][1:]
    with Container(images, "edge:cpu", EDGE, volumes={state: "/var/lib/edge", configured: "/etc/edge/edge.yaml:ro"}) as box:
        assert eventually(lambda: box.counts(health), 60), box.words
        code, says = box.ask(*health)
        assert (code, box.process.poll()) == (0, None), says
        report["health"] = {"healthy": re.sub(r"\d+ frames", "N frames", says.strip())}
        assert eventually(lambda: list(video.rglob("*.mp4")), 60), box.words
        box.signal("TERM")
        assert box.process.wait(40) == 0, box.words
    assert (state / "edge.db").is_file()
    assert list(video.rglob("*.mp4"))


def test_a_device_that_is_stuck_is_ended_by_its_health_check_and_counts_on(
    images: Images, state: Path, configured: Path, eventually: Callable[..., bool], report: dict[str, Any]
):
    health = EDGE["healthcheck"]["test"][1:]
    (state / "video").mkdir()
    os.chown(state / "video", USER, USER)
    volumes = {state: "/var/lib/edge", configured: "/etc/edge/edge.yaml:ro"}
    with Container(images, "edge:cpu", EDGE, volumes=volumes) as box:
        assert eventually(lambda: box.counts(health), 60), box.words
        _, pids = box.ask("/opt/edge/bin/python", "-c", "import json, os; print(json.load(open(os.environ['EDGE_HEARTBEAT']))['pid'])")
        _, said = box.ask("/opt/edge/bin/python", "-c", f"import os; os.kill({int(pids)}, 19)")
        assert box.ask(*health)[0] == 0, said  # a moment without frames is none to be ended for
        time.sleep(31)
        code, says = box.ask(*health)
        assert code in (1, 137)  # 137: the container ended sooner than the command that ended it
        assert "says nothing any more" in says
        ended = box.process.wait(20)
        assert ended != 0  # so that the restart policy starts it anew
        report["health"] = {**report.get("health", {}), "stuck": re.sub(r"\d+ (s|frames)\b", r"N \1", says.strip()), "exit code": ended}
    before = _crossings(state)
    with Container(images, "edge:cpu", EDGE, volumes=volumes) as box:
        assert eventually(lambda: box.counts(health), 60), box.words
        box.signal("TERM")
        assert box.process.wait(40) == 0, box.words
    assert _crossings(state) >= before


def test_the_service_speaks_to_the_compose_file_s_broker_by_tls_and_its_own_secrets(
    images: Images, state: Path, tmp_path: Path, broker: Running, report: dict[str, Any]
):
    (state / "video").mkdir()
    os.chown(state / "video", USER, USER)
    file, hosts = tmp_path / "edge.yaml", tmp_path / "hosts"
    file.write_text((broker.folder.parent / "edge.yaml").read_text().replace("mosquitto:8883", f"mosquitto:{broker.port}"))
    hosts.write_text("127.0.0.1 localhost mosquitto\n")  # what Docker's own DNS answers
    volumes = {
        state: "/var/lib/edge",
        file: "/etc/edge/edge.yaml:ro",
        hosts: "/etc/hosts:ro",
        broker.folder / "ca.crt": "/run/secrets/ca.crt:ro",
        broker.folder / "shop-7.password": "/run/secrets/device.password:ro",
    }
    with (
        broker.user("wall", "#") as (_, heard),
        Container(images, "edge:cpu", EDGE, volumes=volumes, network=True) as box,
    ):
        until_s = time.monotonic() + 60
        while time.monotonic() < until_s and not any(one.topic == "edge/shop-7/plaza/counts" for one in heard):
            time.sleep(0.1)
        topics = sorted({one.topic for one in heard})
        assert "edge/shop-7/plaza/counts" in topics, box.words
        assert "edge/shop-7/status" in topics
        report["heard over TLS"] = topics


def _crossings(state: Path) -> int:
    """All that the store's totals hold."""
    from edge.store import Store

    with Store(state / "edge.db") as store:
        return sum(store.totals("plaza").values())


def test_nothing_of_it_has_torch_a_compiler_or_a_package_installer(images: Images):
    root = images.mounted("edge:cpu")
    packages = {path.name for path in root.glob("opt/edge/lib/python3*/site-packages/*")}
    assert not {name for name in packages if re.match(r"(torch|ultralytics|pip|matplotlib|amqtt|gi|PyQt)", name)}
    assert not [tool for tool in ("gcc", "cc", "pip", "pip3", "make", "git") if (root / "usr/bin" / tool).exists()]
    assert not list(root.glob("opt/edge/lib/python3*/site-packages/models"))  # another licence than the service's


def test_the_folders_that_become_volumes_belong_to_the_service(images: Images):
    """A volume is born with its folder's owner: else the first engine could not be kept, nor anything be counted."""
    root = images.mounted("edge:cpu")
    for volume in EDGE["volumes"]:
        source, where, *_ = volume.split(":")
        if not source.startswith("."):
            assert (root / where.lstrip("/")).stat().st_uid == USER, where


def test_how_this_machine_comes_by_packages_is_not_in_the_image(images: Images):
    root = images.mounted("edge:cpu")
    assert not [path for path in root.rglob("pip.conf") if path.read_text()]


def test_layers_have_a_size_that_is_known(images: Images, report: dict[str, Any]):
    for name in ("edge:cpu", "edge:demo"):
        report.setdefault("layers_mb", {})[name] = images.layers_mb(name)
    root = images.mounted("edge:cpu")
    sizes = {path.name: _bytes(path) for path in next(root.glob("opt/edge/lib/python3*/site-packages")).iterdir() if path.is_dir()}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:12]
    report["largest packages, MB"] = {name: round(sizes[name] / 1e6, 1) for name in largest}
    total = sum(size for _, size in images.layers("edge:cpu"))
    assert total < 1e9


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def test_the_same_sources_give_the_same_program(images: Images, report: dict[str, Any]):
    """Built again from the first line on: what is ours and Python's is the same to the last bit. The distribution's own packages are not pinned."""
    images.built("cpu.Dockerfile", "edge:again", cached=False, options=BUILD)

    def program(name: str) -> dict[str, bytes]:
        root = images.mounted(name) / "opt/edge"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file() and not path.is_symlink()}

    first, again = program("edge:cpu"), program("edge:again")
    differ = sorted(name for name in first.keys() | again.keys() if first.get(name) != again.get(name))
    report["built twice"] = {"files": len(first), "that differ": differ[:10]}
    assert not differ


def test_python_s_tls_has_authorities_to_ask(images: Images):
    """A broker or a camera with a public certificate is trusted; asked in the image, as this side's are elsewhere."""
    code = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
    said = Container(images, "edge:cpu", EDGE, entrypoint=["/opt/edge/bin/python", "-c", code], command=[]).run(60)
    assert int(said) > 50
