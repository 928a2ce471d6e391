"""What is said: names, times, merged counts, and that every payload is what its JSON Schema documents. Delivery is not tested here."""

from __future__ import annotations

import importlib.util
import json
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.count.tally import DWELL_BINS_S, Key, Tally
from edge.data import Event
from edge.messages import (
    PAYLOADS,
    RESERVED,
    CountsPayload,
    DroppedPayload,
    HeatmapPayload,
    StatePayload,
    StatusPayload,
    check_name,
    event_message,
    iso,
    line_payload,
    merge_counts,
    zone_payload,
)

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "deploy" / "mqtt" / "schemas"
HEAD: dict[str, Any] = {"device": "shop", "stream": "s", "seq": 7, "boot_id": "b", "camera": "door"}


@cache
def schema_of(kind: str) -> jsonschema.protocols.Validator:
    schema = json.loads((SCHEMAS / f"{kind}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["door", "a", "shop-7", "0", "a" * 64, "north_gate"])
def test_a_slug_is_a_good_name(name: str) -> None:
    assert check_name(name, "the camera's name") == name


@pytest.mark.parametrize("name", ["", "Door", "a/b", "a b", "-a", "a-", "_", "a" * 65, "tür", "+", "#", "a\n", *RESERVED])
def test_any_other_name_is_refused_with_what_would_be_right(name: str) -> None:
    with pytest.raises(ValueError, match=r"^the camera's name .*(use small letters|choose another name)"):
        check_name(name, "the camera's name")


@pytest.mark.parametrize(
    ("utc_ns", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_512_600_125_999_999, "2026-11-24T09:30:00.125Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-1_000_000, "1969-12-31T23:59:59.999Z"),
        (-86_400_000_000_000 * 365 * 60, "1910-01-16T00:00:00.000Z"),
    ],
)
def test_times_are_utc_with_whole_milliseconds(utc_ns: int | None, text: str | None) -> None:
    assert iso(utc_ns) == text


@given(st.integers(-(2**62), 2**62))
def test_a_time_reads_back_to_its_millisecond(utc_ns: int) -> None:
    text = iso(utc_ns)
    assert text is not None
    back = datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    assert back // timedelta(milliseconds=1) == utc_ns // 1_000_000


def event(kind: str, verb: str, dwell_ns: int | None = None) -> Event:
    return Event(kind, "entrance", verb, 3, 1, 100, 200, (10.04, 20.06), dwell_ns)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "one",
    [
        *(event("line", verb) for verb in ("in", "out")),
        *(event("zone", verb, 2_500_400_000) for verb in ("exited", "vanished")),
        event("zone", "appeared"),
    ],
)
def test_every_event_is_what_its_schema_says(one: Event) -> None:
    message = event_message(one, ("dog", "person"), t=iso(100), t_counted=None, **HEAD)
    said = json.loads(message.payload)
    schema_of("events").validate(said)
    assert (message.topic, message.qos, message.retain) == ("door/events", 1, False)
    assert (said["class"], said["event"], said["place"]) == ("person", one.verb, [10.0, 20.1])
    assert said["dwell_s"] == (None if one.dwell_ns is None else 2.5)


def test_every_other_payload_is_what_its_schema_says() -> None:
    payloads: list[tuple[str, Any]] = [
        ("events", DroppedPayload(**HEAD, events=3, from_seq=1, to_seq=7)),
        ("status", StatusPayload(device="shop", state="online", version="1", stream="s", boot_id="b", cameras=["door"], since=iso(1))),
        ("state", StatePayload(device="shop", camera="door", state="live", since=None, gap_s=1.5)),
        (
            "heatmap-meta",
            HeatmapPayload(
                device="shop", camera="door", from_=None, to=iso(1), presence_s=1.0, top=2.0, colormap="jet", blur_px=16.0, cell=8,
                reference=(64, 48), width=64, height=48, content_type="image/jpeg", bytes=10, sha256="0",
            ),
        ),
        ("counts", counts_of(Tally(), Tally())),
    ]  # fmt: skip
    for kind, payload in payloads:
        assert isinstance(payload, PAYLOADS[kind])
        schema_of(kind).validate(json.loads(payload.to_bytes()))
    assert {kind for kind, _ in payloads} == set(PAYLOADS)


def test_a_schema_refuses_what_is_not_its_payload() -> None:
    good = json.loads(StatePayload(device="shop", camera="door", state="live", since=None).to_bytes())
    for bad in ({**good, "state": "fine"}, {**good, "more": 1}, {k: v for k, v in good.items() if k != "since"}, {**good, "camera": 5}):
        with pytest.raises(jsonschema.ValidationError):
            schema_of("state").validate(bad)


def test_the_schemas_that_ship_are_those_of_the_payloads() -> None:
    spec = importlib.util.spec_from_file_location("make_schemas", ROOT / "scripts" / "make_schemas.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.schemas()
    assert {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")} == {n: json.loads(t) for n, t in made.items()}, (
        "run scripts/make_schemas.py"
    )


def counts_of(delta: Tally, total: Tally, *, epoch: int = 1, seq: int = 1, quality: float = 1.0, from_: str | None = None) -> CountsPayload:
    return CountsPayload(
        **{**HEAD, "seq": seq}, from_=from_, to=None, t_ns=seq, interval_s=2.0, quality=quality,
        lines={"entrance": line_payload("entrance", epoch, delta, total)}, zones={"till": zone_payload("till", epoch, delta, total)},
    )  # fmt: skip


keys = st.sampled_from(
    [Key("line", "entrance", c, verb) for c in ("person", "dog") for verb in ("in", "out")]
    + [Key("zone", "till", c, verb) for c in ("person", "dog") for verb in ("entered", "exited", "appeared", "vanished")]
    + [Key("zone", "till", "", verb) for verb in ("presence_us", "occupied_us")]
)
tallies = st.dictionaries(keys, st.integers(0, 1000)).map(Tally)


@given(st.lists(tallies, min_size=2, max_size=6), st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_merged_counts_keep_every_sum_and_the_newest_totals(parts: list[Tally], qualities: list[float]) -> None:
    total, said = Tally(), []
    for seq, delta in enumerate(parts, 1):
        total = total + delta
        said.append(counts_of(delta, total, seq=seq, quality=qualities[seq - 1], from_=iso(seq)))
    merged = said[0].to_bytes()
    for newer in said[1:]:
        merged = merge_counts(merged, newer.to_bytes())
    whole = sum(parts, Tally())
    now = CountsPayload.model_validate_json(merged)
    schema_of("counts").validate(json.loads(merged))
    expected = counts_of(whole, total, seq=len(parts))
    assert now.lines == expected.lines
    assert now.zones["till"].model_copy(update={"presence_s": 0, "occupied_s": 0}) == expected.zones["till"].model_copy(
        update={"presence_s": 0, "occupied_s": 0}
    )
    assert now.zones["till"].presence_s == pytest.approx(expected.zones["till"].presence_s)
    assert (now.seq, now.t_ns, now.from_, now.interval_s) == (len(parts), len(parts), iso(1), 2.0 * len(parts))
    assert now.quality == pytest.approx(sum(qualities[: len(parts)]) / len(parts), abs=1e-4)


def test_merging_over_an_epoch_keeps_the_newer_ones_numbers_alone() -> None:
    key = Key("line", "entrance", "person", "in")
    older, newer = counts_of(Tally({key: 5}), Tally({key: 9})), counts_of(Tally({key: 2}), Tally({key: 2}), epoch=2, seq=2)
    merged = CountsPayload.model_validate_json(merge_counts(older.to_bytes(), newer.to_bytes()))
    assert (merged.lines["entrance"].in_, merged.lines["entrance"].total_in, merged.lines["entrance"].epoch) == (2, 2, 2)


def test_occupancy_is_what_the_totals_say() -> None:
    total = Tally({Key("zone", "till", "person", verb): n for verb, n in (("entered", 5), ("appeared", 2), ("exited", 3), ("vanished", 1))})
    payload = zone_payload("till", 1, Tally(), total)
    assert (payload.occupancy, payload.classes["person"].occupancy, payload.entered, payload.total_entered) == (3, 3, 0, 5)


def test_the_dwell_histogram_has_every_bin_and_one_for_longer() -> None:
    total = Tally(
        {
            Key("zone", "till", "person", "dwell_longer"): 2,
            Key("zone", "till", "dog", "dwell_le_1"): 1,
            Key("zone", "till", "dog", "dwell_us"): 9,
        }
    )
    dwell = zone_payload("till", 1, Tally(), total).dwell
    assert list(dwell.histogram) == [*(str(end) for end in DWELL_BINS_S), "longer"]
    assert (dwell.count, dwell.histogram["longer"], dwell.histogram["1"]) == (3, 2, 1)
    assert zone_payload("till", 1, Tally(), Tally()).dwell.mean_s is None


def test_a_payload_cannot_be_made_wrong() -> None:
    with pytest.raises(ValidationError):
        StatePayload(device="shop", camera="door", state="fine", since=None)  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        counts_of(Tally(), Tally(), quality=1.1)
