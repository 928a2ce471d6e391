"""What is said of a Jetson's software, power and clocks, from answers written after NVIDIA's documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.doctor import Needs
from edge.doctor.findings import Finding
from edge.doctor.jetson import jetpack, power
from edge.doctor.machine import Said
from tests.unit.doctor.recorded import laptop, orin_nano, thor


def one(findings: list[Finding], name: str) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def test_an_orin_nano_with_jetpack_6_2_is_told_by_its_name(tmp_path: Path) -> None:
    found = one(jetpack(orin_nano(tmp_path), Needs()), "JetPack")
    assert found.state == "right"
    assert found.says == "6.2 (L4T 36.4.3) on NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super"


def test_a_thor_with_jetpack_7_is_told_by_its_name(tmp_path: Path) -> None:
    found = one(jetpack(thor(tmp_path), Needs()), "JetPack")
    assert found == Finding("JetPack", "right", "7.0 (L4T 38.2.0) on NVIDIA Jetson AGX Thor Developer Kit")


def test_the_release_tells_jetpack_where_its_package_is_not_installed(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.commands["dpkg-query -W -f=${Version} nvidia-jetpack"] = Said("", "dpkg-query: no packages found matching nvidia-jetpack", 1)
    assert one(jetpack(machine, Needs()), "JetPack").says.startswith("6.2 (L4T 36.4.3)")


def test_an_upgrade_that_stopped_half_way_is_noted(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.commands["dpkg-query -W -f=${Version} nvidia-l4t-core"] = "36.4.4-20250616085344"
    found = one(jetpack(machine, Needs()), "JetPack")
    assert found.state == "note"
    assert "36.4.4" in found.says
    assert "dist-upgrade" in found.remedy


def test_jetpack_5_is_too_old_for_engines(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.lay("/etc/nv_tegra_release", "# R35 (release), REVISION: 6.0, GCID: 37391689, BOARD: generic, EABI: aarch64\n")
    found = one(jetpack(machine, Needs()), "JetPack")
    assert found.state == "note"
    assert "install JetPack 6.2 or newer" in found.remedy


def test_a_container_on_a_jetson_is_told_from_its_device_tree(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    (tmp_path / "etc" / "nv_tegra_release").unlink()
    found = one(jetpack(machine, Needs()), "JetPack")
    assert "--runtime nvidia" in found.remedy


def test_another_machine_is_no_jetson_and_has_no_power_mode(tmp_path: Path) -> None:
    assert "no Jetson" in one(jetpack(laptop(tmp_path), Needs()), "JetPack").says
    assert power(laptop(tmp_path), Needs()) == []


@pytest.mark.parametrize(("storage", "state"), [("nvme0n1", "right"), ("mmcblk0", "right"), ("mmcblk1", "note")])
def test_an_sd_card_is_noted_as_what_it_boots_from(tmp_path: Path, storage: str, state: str) -> None:
    machine = orin_nano(tmp_path)
    machine.lay("/etc/nv_boot_control.conf", f"TEGRA_BOOT_STORAGE {storage}\nTEGRA_CHIPID 0x23\nTNSPEC\n")
    found = one(jetpack(machine, Needs()), "boots from")
    assert (found.state, storage in found.says) == (state, True)


def test_a_slower_power_mode_is_noted_with_the_command_for_the_fastest(tmp_path: Path) -> None:
    found = one(power(orin_nano(tmp_path), Needs()), "power mode")
    assert found.state == "note"
    assert found.says == "15W (mode 0) of 15W, 25W, MAXN_SUPER, 7W: not the fastest"
    assert found.remedy.startswith("sudo nvpmodel -m 2")


def test_the_power_mode_is_read_from_its_file_where_the_command_fails(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.commands["nvpmodel -q"] = Said("", "NVPM ERROR: Error opening the device\n", 1)
    machine.lay("/var/lib/nvpmodel/status", "pmode:0002\n")
    found = one(power(machine, Needs()), "power mode")
    assert (found.state, found.says.startswith("MAXN_SUPER (mode 2)")) == ("right", True)


def test_a_power_mode_that_hangs_is_said_so(tmp_path: Path) -> None:
    machine = orin_nano(tmp_path)
    machine.commands["nvpmodel -q"] = Said(code=None, trouble="nvpmodel did not return within 10 s")
    found = one(power(machine, Needs()), "power mode")
    assert found.state == "note"
    assert "nvpmodel did not return within 10 s" in found.says


def test_clocks_are_read_without_root_and_told_when_they_are_held(tmp_path: Path) -> None:
    free = one(power(orin_nano(tmp_path / "orin"), Needs()), "clocks")
    assert free.says.startswith("GPU at 612 MHz of 306 to 1020, as the load asks")
    held = one(power(thor(tmp_path / "thor"), Needs()), "clocks")
    assert held.says == "GPU at 1575 MHz of 1575 to 1575: held at the top"
