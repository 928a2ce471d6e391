"""deploy/install.sh in a fresh system with a real systemd: shown, done, done again, upgraded, refused, taken back, taken away."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.system_root import CHECKOUT, ENVIRONMENTS, ROOT, System, mounts, system_root, wait

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # a root is made first, where none is kept

FIRST, SECOND = ENVIRONMENTS
INSTALL = f"{CHECKOUT}/deploy/install.sh"
NEW = "/srv/checkout"
LISTING = "find / -xdev -path /proc -prune -o -path /run -prune -o -path /tmp -prune -o -path /var/log -prune -o -path '*/edge.db*' -prune -o -printf '%p %m %u %T@ %l\\n' | sort"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The tests of this module are one story, in order."""
    with System(system_root(), tmp_path_factory.mktemp("system")) as system:
        system.run(f"mkdir -p {NEW} && cp -r {CHECKOUT}/deploy {CHECKOUT}/edge {CHECKOUT}/pyproject.toml {NEW}")
        yield system


def stream(system: System) -> str:
    """The name that the store was born with."""
    system.at("/srv/stream.py").write_text(
        "import sqlite3\nprint(*sqlite3.connect('/var/lib/edge/edge.db').execute(\"SELECT value FROM meta WHERE key = 'stream'\").fetchone())\n"
    )
    return system.run("python3 /srv/stream.py").strip()


def test_a_dry_run_shows_all_and_changes_nothing(system: System) -> None:
    before = system.run(LISTING)
    said = system.run(f"{INSTALL} native --environment {FIRST} --dry-run")
    assert "systemctl restart edge.service" in said
    assert said.rstrip().endswith("nothing was changed: this was a dry run")
    assert system.run(LISTING) == before


def test_a_first_installation_counts_and_is_enabled(system: System) -> None:
    system.run(f"{INSTALL} native --environment {FIRST}")
    assert system.property("ActiveState") == "active"
    assert system.run("systemctl is-enabled edge").strip() == "enabled"
    assert system.run("readlink /opt/edge/current").strip() == FIRST
    assert system.run("stat -c '%U:%G %a' /etc/edge/edge.yaml /var/lib/edge").split("\n")[:2] == ["root:edge 640", "edge:edge 750"]
    assert "video" in system.run("id -Gn edge")
    assert "/etc/edge/edge.yaml is right" in system.run("edge config check /etc/edge/edge.yaml")
    assert wait(lambda: "1 of 1 cameras live" in system.property("StatusText"), 20)


def test_run_again_it_changes_nothing_and_disturbs_nobody(system: System) -> None:
    before, pid = system.run(LISTING), system.property("MainPID")
    said = system.run(f"{INSTALL} native --environment {FIRST}")
    assert "it goes on undisturbed" in said
    assert system.property("MainPID") == pid
    assert [line for line in system.run(LISTING).splitlines() if "/var/lib/edge" not in line] == [
        line for line in before.splitlines() if "/var/lib/edge" not in line
    ]


def test_an_upgrade_keeps_what_was_configured_and_counted(system: System) -> None:
    born, pid = stream(system), system.property("MainPID")
    system.run("sed -i 's/every_s: 30/every_s: 20/' /etc/edge/edge.yaml; echo '# mine' >>/etc/udev/rules.d/70-edge-cameras.rules")
    system.run(f"sed -i 's/WatchdogSec=40/WatchdogSec=50/' {NEW}/deploy/systemd/edge.service")
    system.run(f"{NEW}/deploy/install.sh native --environment {SECOND}")
    assert system.run("readlink /opt/edge/current").strip() == SECOND
    assert system.property("WatchdogUSec") == "50s"
    assert system.property("MainPID") != pid
    assert system.property("ActiveState") == "active"
    assert "every_s: 20" in system.at("/etc/edge/edge.yaml").read_text()
    assert "# mine" in system.at("/etc/udev/rules.d/70-edge-cameras.rules").read_text()
    assert stream(system) == born


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("[ $1 != config ] || { echo 'cameras.door.colour is unknown' >&2; exit 2; }", "what ran before still runs"),
        ("[ $1 = config ] || { echo 'it is broken' >&2; exit 1; }", "back to the version before"),
    ],
)
def test_a_version_that_does_not_run_here_leaves_the_one_before(system: System, program: str, says: str) -> None:
    system.run("mkdir -p /srv/bad/bin")
    system.at("/srv/bad/bin/edge").write_text(f"#!/bin/sh\n{program}\n")
    system.run("chmod 755 /srv/bad/bin/edge")
    said = system.run(f"{NEW}/deploy/install.sh native --environment /srv/bad; echo ended with $?", check=False)
    assert says in said
    assert "ended with 1" in said
    assert system.run("readlink /opt/edge/current").strip() == SECOND
    assert wait(lambda: system.property("ActiveState") == "active", 20)


def test_a_configuration_that_cannot_be_meant_is_not_taken(system: System) -> None:
    before = system.at("/etc/edge/edge.yaml").read_text()
    system.at("/srv/wrong.yaml").write_text("cameras: {}\n")
    said = system.run(f"{NEW}/deploy/install.sh native --environment {SECOND} --config /srv/wrong.yaml; echo ended with $?", check=False)
    assert "what ran before still runs" in said
    assert "ended with 1" in said
    assert system.at("/etc/edge/edge.yaml").read_text() == before
    system.at("/srv/right.yaml").write_text(before.replace("fps=10", "fps=11"))
    system.run(f"{NEW}/deploy/install.sh native --environment {SECOND} --config /srv/right.yaml")
    assert "fps=11" in system.at("/etc/edge/edge.yaml").read_text()
    assert system.at("/etc/edge/edge.yaml.old").read_text() == before
    assert system.property("ActiveState") == "active"


def test_containers_beside_the_service_are_refused(system: System) -> None:
    said = system.run(f"{NEW}/deploy/install.sh compose; echo ended with $?", check=False)
    assert "two would fight for the cameras" in said
    assert "ended with 2" in said


def test_uninstalled_it_leaves_what_was_configured_and_counted(system: System) -> None:
    born = stream(system)
    said = system.run(f"{NEW}/deploy/install.sh uninstall")
    for path in ("/etc/edge", "/var/lib/edge"):
        assert f"    {path}\n" in said
    assert not system.at("/etc/systemd/system/edge.service").exists()
    assert not system.at("/etc/systemd/system/multi-user.target.wants/edge.service").is_symlink()
    assert not system.at("/opt/edge/current").is_symlink()
    assert system.property("LoadState") == "not-found"
    assert stream(system) == born
    system.run(f"{NEW}/deploy/install.sh uninstall")  # again: nothing to do is no failure


def test_installed_once_more_it_goes_on_with_the_same_totals_and_purged_it_is_gone(system: System) -> None:
    born = stream(system)
    system.run(f"{INSTALL} native --environment {FIRST}")
    assert stream(system) == born
    assert "every_s: 20" in system.at("/etc/edge/edge.yaml").read_text()
    system.run(f"{INSTALL} uninstall --purge")
    for path in (
        "/opt/edge",
        "/etc/edge",
        "/var/lib/edge",
        "/var/cache/edge",
        "/etc/systemd/system/edge.service",
        "/usr/lib/sysusers.d/edge.conf",
        "/usr/local/bin/edge",
    ):
        assert not system.at(path).exists(), path
    assert "no such user" in system.run("id edge", check=False)


def test_containers_are_brought_up_at_boot_and_stopped(system: System) -> None:
    """Docker is a stand-in that writes down what it is asked; what it does with it is another test's."""
    system.at("/usr/bin/docker").write_text('#!/bin/sh\necho "$PWD: $*" >>/run/asked\n')
    system.at("/etc/systemd/system/docker.service").write_text("[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n")
    system.run("chmod 755 /usr/bin/docker; systemctl daemon-reload")
    system.run("mkdir -p /opt/edge/compose")
    for mine in (".env", "edge.yaml"):  # else setup.sh makes them
        system.at(f"/opt/edge/compose/{mine}").write_text("EDGE_IMAGE=edge:mine\n")
    system.run(f"{NEW}/deploy/install.sh compose")
    assert system.property("ActiveState", "edge-compose") == "active"
    assert system.run("systemd-analyze verify /etc/systemd/system/edge-compose.service").strip() == ""
    assert system.at("/opt/edge/compose/setup.sh").stat().st_mode & 0o100
    for mine in (".env", "edge.yaml"):
        assert system.at(f"/opt/edge/compose/{mine}").read_text() == "EDGE_IMAGE=edge:mine\n"
    assert "it goes on undisturbed" in system.run(f"{NEW}/deploy/install.sh compose")
    system.run(f"{NEW}/deploy/install.sh uninstall")
    assert system.at("/opt/edge/compose/edge.yaml").exists()
    system.run(f"{NEW}/deploy/install.sh uninstall --purge")
    assert not system.at("/opt/edge").exists()
    asked = [line for line in system.at("/run/asked").read_text().splitlines() if not line.endswith(("version", "image inspect edge:mine"))]
    assert [line.split(": ")[1] for line in asked] == [
        "compose up --detach --remove-orphans",
        "compose stop",
        "compose --project-directory /opt/edge/compose down --volumes",
    ]


def test_the_rules_for_cameras_are_read_by_udev_without_a_complaint(system: System) -> None:
    system.run(f"install -D -m 644 {CHECKOUT}/deploy/udev/70-edge-cameras.rules /etc/udev/rules.d/70-edge-cameras.rules")
    said = [line for line in system.run("udevadm test /sys/class/net/lo", check=False).splitlines() if "70-edge-cameras" in line]
    assert said == ["Reading rules file: /etc/udev/rules.d/70-edge-cameras.rules"]


def test_a_tree_is_filled_for_an_image_and_nothing_is_started(tmp_path: Path) -> None:
    """The tree lies over the kept root, in memory and in a name space of its own: nothing of it outlives the test."""
    tree = tmp_path / "memory" / "tree"
    install = ["bash", str(ROOT / "deploy" / "install.sh"), "native", "--root", str(tree), "--environment", FIRST]
    script = f"""
        set -e
        mkdir {tree.parent} && mount -t tmpfs tmpfs {tree.parent} && mkdir {tree} {tree.parent}/up {tree.parent}/work
        mount -t overlay overlay -o lowerdir={system_root()},upperdir={tree.parent}/up,workdir={tree.parent}/work {tree}
        {" && ".join(f"mkdir -p {tree}{there} && mount --bind {here} {tree}{there}" for here, there in mounts(tmp_path).items())}
        {shlex.join(install)}
        echo "again:"
        {shlex.join(install)}
        stat -c '%n %U:%G %a' {tree}/etc/edge/edge.yaml
        readlink {tree}/opt/edge/current {tree}/etc/systemd/system/multi-user.target.wants/edge.service
    """
    done = subprocess.run(["unshare", "--mount", "bash", "-c", script], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    first, again = done.stdout.split("again:")
    assert "systemctl restart" not in first
    assert "not started" in first
    assert "    $ install" not in again
    assert f"{FIRST}\n/etc/systemd/system/edge.service\n" in again
    assert "640" in again
