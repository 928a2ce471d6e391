"""The page for Prometheus: its text, by the format's own rules, and who may read it."""

from __future__ import annotations

import re
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.health import BrokerHealth, CameraHealth, HealthPayload, Spread
from edge.sinks.metrics import CONTENT_TYPE, MetricsPage, exposition
from edge.sinks.options_metrics import MetricsOptions

README = Path(__file__).parents[3] / "deploy" / "mqtt" / "README.md"
SPREAD = Spread(p50_ms=10, p95_ms=20, p99_ms=30)
HEALTH = HealthPayload(
    device="shop-7",
    stream="6f1c",
    boot_id="b",
    version="1.2",
    t=None,
    interval_s=10,
    up_s=60.5,
    memory_bytes=1_000,
    threads=17,
    handles=40,
    temperature_c=None,
    power_mode="MAXN_SUPER",
    slowed_by=["gpu-throttle-alert"],
    over_currents=3,
    gpu_load=0.437,
    broker=BrokerHealth(connected=True, connects=2, outbox=7),
    cameras={
        "door": CameraHealth(
            state="live",
            frames_in=900,
            recording="full",
            share=0.25,
            frame_age=SPREAD,
            published_age=SPREAD,
            stages={"detect": SPREAD},
            drops={"late": 3},
        ),
        "hall": CameraHealth(state="reconnecting"),
    },
)
LINE = re.compile(r'([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? (\S+)')


def samples(page: str) -> dict[str, float]:
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in page.splitlines() if not line.startswith("#")}


def test_numbers_stand_under_their_names_in_seconds_and_bytes() -> None:
    found = samples(exposition(HEALTH))
    assert found["edge_up_seconds"] == 60.5
    assert found["edge_outbox_messages"] == 7
    assert found["edge_broker_connected"] == 1
    assert found['edge_camera_frames_in_total{camera="door"}'] == 900
    assert found['edge_camera_frame_age_seconds{camera="door",quantile="0.95"}'] == 0.02
    assert found['edge_camera_published_age_seconds{camera="door",quantile="0.99"}'] == 0.03
    assert found['edge_camera_accelerator_share_ratio{camera="door"}'] == 0.25
    assert (found["edge_threads"], found["edge_handles"], found["edge_over_currents_total"]) == (17, 40, 3)
    assert (found["edge_slowed_by_heat"], found["edge_gpu_load_ratio"], found['edge_power_mode{mode="MAXN_SUPER"}']) == (1, 0.437, 1)
    assert found['edge_camera_stage_seconds{camera="door",stage="detect",quantile="0.99"}'] == 0.03
    assert found['edge_camera_pictures_dropped_total{camera="door",cause="late"}'] == 3
    assert found['edge_camera_state{camera="hall",state="reconnecting"}'] == 1
    assert found['edge_camera_state{camera="hall",state="live"}'] == 0


def test_every_metric_is_explained_in_the_readme_and_no_other() -> None:
    everything = HEALTH.model_copy(update={"temperature_c": 51.9, "power_w": 7.3, "disk_free_bytes": 1, "disk_total_bytes": 2})
    page = set(re.findall(r"# TYPE (\S+)", exposition(everything)))
    assert set(re.findall(r"`(edge_\w+)`", README.read_text())) == page


def test_what_is_not_known_is_not_said() -> None:
    page = exposition(HEALTH)
    assert "edge_temperature_celsius" not in page
    assert 'share_ratio{camera="hall"' not in page
    assert "edge_slowed" not in exposition(HEALTH.model_copy(update={"slowed_by": None}))
    assert samples(exposition(HEALTH.model_copy(update={"slowed_by": []})))["edge_slowed_by_heat"] == 0
    assert 'frame_age_seconds{camera="hall"' not in page
    assert "edge_broker" not in exposition(HEALTH.model_copy(update={"broker": None}))


@given(st.text())
def test_every_line_is_of_the_format_whatever_a_name_holds(name: str) -> None:
    page = exposition(HEALTH.model_copy(update={"device": name, "cameras": {name: HEALTH.cameras["door"]}}))
    announced: set[str] = set()
    for line in page.removesuffix("\n").split("\n"):
        if line.startswith("# TYPE "):
            announced.add(line.split(" ")[2])
        elif not line.startswith("# HELP "):
            match = LINE.fullmatch(line)
            assert match, line
            assert match[1] in announced
            float(match[3])


def test_the_page_is_served_and_is_unavailable_before_anything_was_measured() -> None:
    latest: list[HealthPayload | None] = [None]
    with MetricsPage(MetricsOptions(port=0), lambda: latest[0]) as page:
        url = f"http://127.0.0.1:{page.port}"
        with pytest.raises(urllib.error.HTTPError, match="503") as early:
            urllib.request.urlopen(f"{url}/metrics", timeout=5)
        early.value.close()
        latest[0] = HEALTH
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
            assert answer.headers["Content-Type"] == CONTENT_TYPE
            assert answer.read().decode() == exposition(HEALTH)
        with pytest.raises(urllib.error.HTTPError, match="404") as other:
            urllib.request.urlopen(f"{url}/", timeout=5)
        other.value.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", page.port), 1)


def test_it_is_for_this_machine_only_unless_told_otherwise() -> None:
    assert MetricsOptions().host == "127.0.0.1"


def test_a_reader_that_hangs_up_or_talks_nonsense_stops_nobody() -> None:
    with MetricsPage(MetricsOptions(port=0), lambda: HEALTH) as page:
        for said in (b"", b"\x16\x03\x01", b"POST /metrics HTTP/1.1\r\n\r\n", b"GET " + b"a" * 70_000):
            with socket.create_connection(("127.0.0.1", page.port), 5) as reader:
                reader.sendall(said)
        with urllib.request.urlopen(f"http://127.0.0.1:{page.port}/metrics", timeout=10) as answer:
            assert answer.status == 200


def test_a_port_that_is_taken_is_said_before_anything_runs() -> None:
    with MetricsPage(MetricsOptions(port=0), lambda: None) as page, pytest.raises(UsageError, match="choose another"):
        MetricsPage(MetricsOptions(port=page.port), lambda: None).__enter__()


@pytest.mark.parametrize(("wrong", "says"), [({"port": 70000}, "port is 70000"), ({"host": ""}, "host is empty")])
def test_options_that_cannot_be_meant_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        MetricsOptions(**wrong)  # type: ignore[arg-type]
