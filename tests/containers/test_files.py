"""What images and compose files say, against what the code and the scripts know: names that agree. Nothing is built or started here."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.app import heartbeat
from edge.cli import main
from edge.config import load
from edge.engine.resolve import cache_folder, kernels_folder
from tests.conftest import ROOT
from tests.containers.deployment import again, everything, set_up
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
    assert environment[heartbeat.VARIABLE].startswith("/tmp/")
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


# What setup.sh makes


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this folder's tree in which setup.sh ran once."""
    return set_up(tmp_path_factory.mktemp("deploy"), "shop-7", "broker.lan")


def substituted(value: Any, environment: dict[str, str]) -> Any:
    """A compose value with ``${NAME}``, ``${NAME:-else}`` and ``${NAME:?why}`` filled in."""
    return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: environment.get(found[1], found[2] or ""), value)


def test_every_file_that_the_compose_file_mounts_was_made_for_whom_it_is_mounted(made: Path):
    whole = yaml.safe_load((made / "compose.yaml").read_text())
    environment = dict(line.split("=", 1) for line in (made / ".env").read_text().splitlines())
    for service in whole["services"].values():
        user = int(service["user"].partition(":")[0])
        for secret in service["secrets"]:
            source = secret if isinstance(secret, str) else secret["source"]
            about = (made / substituted(whole["secrets"][source]["file"], environment)).stat()
            mode = stat.S_IMODE(about.st_mode)
            assert mode == 0o644 if source.endswith(".crt") else (mode, about.st_uid) == (0o600, user), source
        for volume in service["volumes"]:
            if volume.startswith("./"):
                assert (made / volume.split(":")[0]).exists(), volume


def test_no_secret_can_be_read_by_others(made: Path):
    open_to_others = {name for name, (_, mode, _, _) in everything(made).items() if mode & 0o007}
    secret = {name for name in open_to_others if name.endswith((".key", ".password")) or name in ("broker/passwords", "broker/users.acl")}
    assert not secret
    assert stat.S_IMODE((made / "edge.yaml").stat().st_mode) == 0o640  # cameras' passwords may stand in it


def test_the_first_configuration_is_one_and_names_what_is_mounted(made: Path):
    config = load(made / "edge.yaml")
    assert config.device == "shop-7"
    assert config.mqtt is not None
    assert (config.mqtt.url, config.mqtt.username) == ("mqtts://mosquitto:8883", "shop-7")
    whole = yaml.safe_load((made / "edge.yaml").read_text())
    secrets = {f"/run/secrets/{name}" for name in service_of("edge")["secrets"]}
    assert {whole["mqtt"]["password_file"], whole["mqtt"]["tls"]["ca"]} == secrets
    mounted = {volume.split(":")[1] for volume in service_of("edge")["volumes"]}
    assert {whole["state"], whole["record"]["folder"]} <= mounted


def test_a_second_run_changes_nothing(made: Path):
    before = everything(made)
    again(made, "shop-7")
    again(made, "shop-7", "broker.lan")
    assert everything(made) == before


def test_another_host_makes_another_certificate_and_nothing_else(tmp_path: Path, made: Path):
    copy = tmp_path / "deploy" / "compose"
    shutil.copytree(made.parent / "mqtt", tmp_path / "deploy" / "mqtt")
    shutil.copytree(made, copy)
    before = everything(copy)
    again(copy, "shop-7", "10.0.0.7")
    after = everything(copy)
    assert {name for name in after if after[name][0] != before[name][0]} <= {
        f"broker/{name}" for name in ("broker.crt", "broker.key", "names", "ca.srl")
    }
    assert (
        "IP Address:10.0.0.7"
        in subprocess.run(
            ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(copy / "broker" / "broker.crt")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


def test_a_device_is_not_renamed_by_mistake(made: Path):
    before = everything(made)
    done = subprocess.run([str(made / "setup.sh"), "shop-8"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "shop-7" in done.stderr
    assert everything(made) == before


def test_what_is_made_is_kept_out_of_the_repository(made: Path):
    listed = subprocess.run(["git", "ls-files", "deploy/compose"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    ours = {Path(name).relative_to("deploy/compose") for name in listed}
    ignored = (COMPOSE / ".gitignore").read_text().split()
    for name in everything(made):
        assert Path(name) in ours or any(f"/{name}".startswith(pattern.rstrip("/")) for pattern in ignored), name
