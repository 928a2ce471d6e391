"""What images and compose files say, against what the code and the scripts know: names that agree. Nothing is built or started here."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edge.beat import VARIABLE
from edge.cli import main
from edge.engine.resolve import cache_folder, kernels_folder
from tests.conftest import ROOT
from tests.containers.images import COMPOSE, TOOLS, service_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCKER = ROOT / "docker"
FILES = ("compose.yaml", "compose.jetson.yaml", "compose.usb.yaml")
IMAGES = {path.name: path.read_text() for path in sorted(DOCKER.glob("*.Dockerfile"))}
SERVICES = ("cpu.Dockerfile", "jetson.Dockerfile")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins_of(name: str) -> dict[str, list[str]]:
    """Package -> digests, of a file of pins; a package of several versions has those of all."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=[a-z])", (DOCKER / name).read_text().replace("\\\n", " ")):
        pinned = re.match(r"([a-z0-9-]+)==([^\s;]+)", block)
        if pinned:
            found.setdefault(pinned[1], []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", block))
    return found


def asked(lines: list[str]) -> set[str]:
    names = {re.split(r"[\s<>=!~;\[(]", line, maxsplit=1)[0].lower().replace("_", "-") for line in lines}
    return {"opencv-python-headless" if name == "opencv-python" else name for name in names}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements.txt", PROJECT["dependencies"]),
        ("requirements-jetson.txt", [line for line in PROJECT["optional-dependencies"]["jetson"] if not line.startswith("tensorrt")]),
        ("requirements-demo.txt", PROJECT["optional-dependencies"]["demo"]),
        ("requirements-export.txt", PROJECT["optional-dependencies"]["export"]),
    ],
)
def test_all_that_the_project_asks_for_is_pinned_with_a_digest_and_no_address(name: str, wanted: list[str]):
    pins = pins_of(name)
    assert asked(wanted) <= set(pins)
    assert all(pins.values()), [package for package, digests in pins.items() if not digests]
    assert "opencv-python" not in pins  # never both of them, and no container has windows
    assert not re.search(r"://|--(extra-)?index-url|--find-links|@ ", (DOCKER / name).read_text())


def test_the_service_s_images_have_no_torch():
    for name in ("requirements.txt", "requirements-jetson.txt", "requirements-demo.txt", "requirements-build.txt"):
        assert not {"torch", "ultralytics", "torchvision"} & set(pins_of(name))
    assert "requirements-export" not in "".join(IMAGES[name] for name in SERVICES)


def test_what_is_installed_beside_other_pins_repeats_none_of_them():
    for name in ("requirements-jetson.txt", "requirements-demo.txt"):
        assert not set(pins_of("requirements.txt")) & set(pins_of(name))


def test_pycuda_is_pinned_to_the_version_that_the_script_compiles():
    script = (ROOT / "scripts" / "pycuda.sh").read_text()
    default = re.search(r"\$\{PYCUDA:-([\d.]+)\}", script)
    assert default
    assert f"\npycuda=={default[1]} " in (DOCKER / "requirements-jetson.txt").read_text()


@pytest.mark.parametrize("file", IMAGES)
def test_every_pip_install_checks_digests_or_takes_what_was_built_before(file: str):
    for run in re.findall(r"pip (?:--python \S+ )?(?:install|download)(?:[^&\n]|\\\n)*", IMAGES[file]):
        assert "--require-hashes" in run or "--no-index" in run, run


@pytest.mark.parametrize("file", IMAGES)
def test_what_an_image_copies_is_there_and_reaches_the_builder(file: str):
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [word for line in re.findall(r"^COPY (?!--from)(.+)$", IMAGES[file], re.MULTILINE) for word in line.split()[:-1]]
    assert copied
    for word in copied:
        assert (ROOT / word).exists(), word
        assert any(Path(word).match(pattern) or pattern.startswith(f"{word}/") for pattern in allowed), word


def test_nothing_but_what_is_named_reaches_a_builder():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert not [line for line in lines if line in ("!.git", "!deploy", "!tests", "!models")]


@pytest.mark.parametrize("file", SERVICES)
def test_a_service_s_image_ends_without_rights_and_asks_after_frames(file: str, monkeypatch: pytest.MonkeyPatch):
    last = IMAGES[file][IMAGES[file].index(" AS runtime" if file == "cpu.Dockerfile" else "FROM system AS service") :]
    users = re.findall(r"^USER (\S+)", last, re.MULTILINE)
    assert users[-1] == service_of("edge")["user"] == "10001:10001"
    asks = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", last, re.MULTILINE)
    assert asks
    assert json.loads(asks[1]) == service_of("edge")["healthcheck"]["test"][1:]
    environment = dict(re.findall(r"\b([A-Z_]+)=(\S+)", last[last.index("ENV ") :].split("WORKDIR")[0]))
    assert environment[VARIABLE].startswith("/tmp/")
    monkeypatch.setenv("EDGE_CACHE", environment["EDGE_CACHE"])
    mounted = {volume.split(":")[1] for volume in service_of("edge")["volumes"]}
    assert str(cache_folder()) in mounted
    assert str(kernels_folder()) not in mounted  # they come with the image, and a volume would hide them
    assert f"install -d -o edge -g edge /var/lib/edge /var/lib/edge/video {environment['EDGE_CACHE']}" in last


def test_the_jetson_s_image_keeps_the_kernels_where_the_service_looks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EDGE_CACHE", "/var/cache/edge/models")
    assert f"COPY --from=builder {kernels_folder()} {kernels_folder()}" in IMAGES["jetson.Dockerfile"]


def test_the_health_check_is_a_command(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([*service_of("edge")["healthcheck"]["test"][2:], "--help"])
    assert ended.value.code == 0
    assert "--end" in capsys.readouterr().out


# The compose files


@pytest.mark.parametrize("file", FILES)
def test_a_compose_file_is_one_by_the_specification_s_schema(file: str):
    from jsonschema import Draft7Validator

    schema = TOOLS / "node_modules" / "dclint" / "schemas" / "compose.schema.json"
    if not schema.is_file():
        pytest.skip("the schema of the compose specification is not here (scripts/container_tools_env.sh)")
    validator = Draft7Validator(json.loads(schema.read_text()))
    whole = yaml.safe_load((COMPOSE / file).read_text())
    assert [error.message for error in validator.iter_errors(whole)] == []
    whole["services"]["edge"]["read-only"] = True
    assert list(validator.iter_errors(whole))  # so that this can fail


@pytest.mark.parametrize("name", ["edge", "mosquitto"])
def test_each_container_is_confined_and_comes_back(name: str):
    service = service_of(name)
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert not service["user"].startswith("0")


@pytest.mark.parametrize("file", FILES[1:])
def test_what_a_machine_adds_loosens_nothing(file: str):
    added = yaml.safe_load((COMPOSE / file).read_text())["services"]["edge"]
    assert set(added) <= {"runtime", "group_add", "volumes", "device_cgroup_rules"}


def test_what_is_mounted_and_named_in_the_volumes_and_secrets_is_defined():
    whole = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    for service in whole["services"].values():
        named = {volume.split(":")[0] for volume in service["volumes"] if not volume.startswith((".", "/"))}
        assert named <= set(whole["volumes"])
        assert {secret if isinstance(secret, str) else secret["source"] for secret in service["secrets"]} <= set(whole["secrets"])


def test_a_device_has_longer_to_end_than_the_broker_may_take():
    from edge.app import RunOptions

    assert int(service_of("edge")["stop_grace_period"].rstrip("s")) > RunOptions().drain_s


# The scripts


@pytest.mark.parametrize("script", ["deploy/compose/setup.sh", "docker/build.sh", "scripts/container_tools_env.sh"])
def test_shellcheck_finds_nothing(script: str):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (make system-packages)")
    done = subprocess.run(["shellcheck", str(ROOT / script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_an_image_that_cannot_be_built_here_is_refused_with_the_reason():
    if Path("/etc/nv_tegra_release").exists():
        pytest.skip("this is a Jetson")
    for words, says in ((["jetson"], "no Jetson"), (["gpu"], "edge:cpu")):
        done = subprocess.run(
            [str(DOCKER / "build.sh"), *words], capture_output=True, text=True, check=False, env={**os.environ, "DOCKER": "false"}
        )
        assert done.returncode != 0
        assert says in done.stderr


def test_what_the_builder_is_told_is_what_the_images_know():
    for what in ("cpu", "demo", "export"):
        words = [str(DOCKER / "build.sh"), what]
        said = subprocess.run(words, capture_output=True, text=True, check=True, env={**os.environ, "DOCKER": "echo"}).stdout.split()
        file, target = said[said.index("-f") + 1], said[said.index("--target") + 1]
        assert f" AS {target}\n" in (ROOT / file).read_text()
        assert said[-1] == "."
