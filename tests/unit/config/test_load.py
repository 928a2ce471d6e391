"""Each mistake in a configuration is one sentence with its line, its key path and what would be right. The example is in `test_example`."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import load, parse
from edge.errors import ConfigError, UsageError

HEAD = "cameras:\n  door:\n    source: synthetic://plaza\n"  # three lines; what a test adds begins at line 4


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, "edge.yaml")
    assert caught.value.exit_code == 2
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 600
    return sentence


MISTAKES = [
    # of a key
    ("    colour: 1\n", 4, "cameras.door.colour", "there is no such key; here can stand anchor, band"),
    ("    linse: {}\n", 4, "cameras.door.linse", "did you mean lines?"),
    ("    heat:\n      cell: 8\n      colourmap: jet\n", 6, "cameras.door.heat.colourmap", "did you mean colormap?"),
    ("mqtt:\n  url: mqtt://h\n  usrname: me\n", 6, "mqtt.usrname", "did you mean username?"),
    ("record: {crff: 3}\n", 4, "record.crff", "did you mean crf?"),
    ("comit_s: 1\n", 4, "comit_s", "did you mean commit_s?"),
    ("state: a\nmodel: b\nstate: c\n", 6, "", "'state' stands twice"),
    ("    track: {1: 2}\n", 4, "cameras.door.track.1", "keys should be strings"),
    # of a value
    ("    band: 2\n", 4, "cameras.door.band", "less than 1, here it is 2"),
    ("    classes: person\n", 4, "cameras.door.classes", "a list is wanted, as in `classes: [person]`, not 'person'"),
    ("    reference: 1280x720\n", 4, "cameras.door.reference", "as in `reference: [1280, 720]`"),
    ("    ignore: [[1, 2], [30, 4], [5, 90]]\n", 4, "cameras.door.ignore.0.0", "as in `ignore: [[[0, 0], [200, 0], [200, 150]]]`, not 1"),
    ("    zones: {till: [900, 300, 1200, 300]}\n", 4, "cameras.door.zones.till.0", "as in `zones: {till: [[0, 0], [200, 0], [200, 150]]}`"),
    ("mqtt: {protocol: 5}\n", 4, "mqtt.protocol", "here it is the number 5: write it in quotes"),
    ("view: {port: 9464}\nmetrics: {}\n", 4, "view", "view and metrics are both at port 9464; give one of them another `port`"),
    ("view: true\n", 4, "view", "as in `view: {port: 8090}`, not True"),
    ("    record: maybe\n", 4, "cameras.door.record", "boolean"),
    ("    heat:\n      alpha: 0.5\n      colormap: infreno\n", 6, "cameras.door.heat.colormap", "did you mean inferno?"),
    ("    heat: {colormap: mud}\n", 4, "cameras.door.heat.colormap", "choose one of autumn, bone"),
    ("    heat: {cell: 1}\n", 4, "cameras.door.heat.cell", "it must be 2 to 128 px"),
    ("    heatmap: {span: week}\n", 4, "cameras.door.heatmap.span", "'hour', 'day' or 'all', here it is 'week'"),
    ("    heatmap: {max_bytes: 3}\n", 4, "cameras.door.heatmap.max_bytes", "4000"),
    ("commit_s: fast\n", 4, "commit_s", "valid number"),
    ("commit_s: -1\n", 4, "commit_s", "greater than 0, here it is -1"),
    ("timezone: Mars\n", 4, "timezone", "write one like Europe/Berlin or UTC"),
    ("backend: abacus\n", 4, "backend", "'auto', 'cpu' or 'cuda'"),
    ("model: 5\n", 4, "model", "valid string"),
    ("record: {preset: slow}\n", 4, "record.preset", "write one of ultrafast"),
    ("mqtt: {url: 'http://h'}\n", 4, "mqtt.url", "wanted mqtt://host or mqtt://host:port"),
    ("mqtt: mqtt://h\n", 4, "mqtt", "keys with their values are wanted, as in `mqtt: {url: mqtt://localhost}`, not 'mqtt://h'"),
    ("device: Shop 7\n", 4, "device", "use small letters, digits"),
    ("device: status\n", 4, "device", "a word that topics need themselves"),
    # of a place
    ("    lines:\n      Gate: {from: [1, 2], to: [3, 40]}\n", 5, "cameras.door.lines.Gate", "use small letters"),
    (
        "    lines:\n      gate: {form: [1, 2], to: [3, 40]}\n",
        5,
        "cameras.door.lines.gate",
        "a line has the keys from and to, here are form, to",
    ),
    ("    lines:\n      gate: {from: [1, 2], to: 5}\n", 5, "cameras.door.lines.gate.to", "a list is wanted"),
    ("    lines:\n      gate:\n        from: [1, 2]\n        to: [3, x]\n", 7, "cameras.door.lines.gate.to.1", "valid number"),
    ("    lines:\n      gate: {from: [1, 2], to: [1, 2]}\n", 5, "cameras.door.lines.gate", "at least 2 px apart"),
    ("    lines:\n      gate: {from: [.nan, 2], to: [1, 2]}\n", 5, "cameras.door.lines.gate", "(nan, 2)"),
    (
        "    lines:\n      gate: {from: [1, 2], to: [1, 200]}\n    reference: [100, 100]\n",
        2,
        "cameras.door",
        "(1, 200) outside the picture of 100x100",
    ),
    ("    zones:\n      till: 5\n", 5, "cameras.door.zones.till", "a zone is a list of its corners"),
    ("    zones:\n      till: [[0, 0], [9, 9]]\n", 5, "cameras.door.zones.till", "at least three different points"),
    ("    zones:\n      till: [[0, 0], [9, 9], [9, 0], [0, 9]]\n", 5, "cameras.door.zones.till", "must not cross or touch itself"),
    ("    ignore: [[[0, 0], [1, 1]]]\n", 4, "cameras.door.ignore.0", "at least three different points"),
    # of the file
    ("mqtt: [1\n", 5, "", "expected ',' or ']'"),
    ("\tmodel: x\n", 4, "", "cannot start any token"),
    ("model: !!python/object:x 1\n", 4, "", "could not determine a constructor"),
]


@pytest.mark.parametrize(("text", "line", "path", "right"), MISTAKES, ids=[mistake[3][:40] for mistake in MISTAKES])
def test_a_mistake_is_told_with_its_line_its_key_path_and_what_would_be_right(text: str, line: int, path: str, right: str) -> None:
    sentence = refusal(HEAD + text)
    assert sentence.startswith(f"edge.yaml, line {line}: {path}: " if path else f"edge.yaml, line {line}: "), sentence
    assert right in sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "edge.yaml is no mapping of keys to values; it needs at least `cameras:`"),
        ("- a\n", "edge.yaml is no mapping"),
        ("camera: {}\n", "edge.yaml, line 1: camera: there is no such key; did you mean cameras? (1 more"),
        (
            "cameras:\n  - source: x\n",
            "edge.yaml, line 1: cameras: here keys with their values are wanted, as in `cameras: {door: {source: ",
        ),
        ("a: b\n---\na: b\n", "edge.yaml, line 2: expected a single document in the stream, but found another document"),
        (
            "cameras: {door: {source: 'synthetic://plaza?secnds=3'}}\n",
            "edge.yaml, line 1: cameras.door.source: synthetic://plaza?secnds=3: the",
        ),
        ("cameras: {}\n", "edge.yaml, line 1: cameras: at least one is needed"),
        ("model: x\n", "edge.yaml: cameras: is missing"),
        ("cameras:\n  door: {}\n", "edge.yaml, line 2: cameras.door.source: is missing"),
        ("cameras:\n  door: synthetic://plaza\n", "edge.yaml, line 2: cameras.door: here keys with their values are wanted"),
        (
            "cameras:\n  door:\n    source: ftp://x\n",
            "edge.yaml, line 3: cameras.door.source: ftp://x starts with ftp://, which is no kind of source",
        ),
        ("cameras: {status: {source: x}}\n", "edge.yaml, line 1: cameras.status: the camera's name 'status' is a word"),
        ("a: &a [*a]\n", "edge.yaml cannot be read as YAML: "),
        ("device: 2026-13-45\n", "edge.yaml cannot be read as YAML: month must be in 1..12"),
        ("\0", "edge.yaml is not YAML: unacceptable character"),
    ],
)
def test_a_text_that_is_no_configuration_is_told_so(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


def test_how_many_more_mistakes_there_are_is_told() -> None:
    assert refusal(HEAD + "    band: 2\ncommit_s: -1\nmodle: x\n").endswith("(2 more after this one)")


@pytest.mark.parametrize(
    "text",
    [
        "mqtt: mqtt://me:s3cret@h\n",
        "mqtt: {url: 'mqtt://me:s3cret@h'}\n",
        "mqtt: {username: me, password: [s3cret]}\n",
        "mqtt: {username: me, password: {s3cret: 1}}\n",
        "mqtt: {password: s3cret}\n",
        "mqtt: {username: me, password: s3cret, in_flight: -1}\n",
        "cameras:\n  door:\n    source: rtps://me:s3cret@h/s\n",
        "cameras:\n  door:\n    source: rtsp://me:s3cret@h:port/s\n",
    ],
)
def test_a_secret_is_never_told(text: str) -> None:
    assert "s3cret" not in refusal(text if text.startswith("cameras") else HEAD + text)


def test_a_password_is_in_no_repr() -> None:
    config = parse(HEAD + "mqtt: {username: me, password: s3cret}\n")
    assert "s3cret" not in repr(config)


def test_a_line_may_be_written_in_two_ways() -> None:
    config = parse(HEAD + "    lines:\n      a: {from: [1, 2], to: [3, 40]}\n      b: [[1, 2], [3, 40]]\n")
    lines = config.cameras["door"].lines
    assert lines["a"] == lines["b"]
    assert (lines["a"].start, lines["a"].end) == ((1, 2), (3, 40))


def test_paths_start_from_the_files_folder(tmp_path: Path) -> None:
    path = tmp_path / "etc" / "edge.yaml"
    path.parent.mkdir()
    path.write_text(
        "model: m.onnx\nstate: data\nrecord: {folder: films}\ncameras:\n  a: {source: v/a.mp4}\n  b: {source: synthetic://plaza}\n  c: {source: /v/c.mp4}\n"
    )
    config = load(path)
    folder = path.parent
    assert (config.model, config.state) == (str(folder / "m.onnx"), folder / "data")
    assert [camera.source for camera in config.cameras.values()] == [str(folder / "v/a.mp4"), "synthetic://plaza", "/v/c.mp4"]
    assert config.record is not None
    assert config.record.folder == folder / "films"


def test_the_home_folder_and_the_scene_are_no_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    path = tmp_path / "edge.yaml"
    path.write_text("model: scene\nstate: ~/data\ncameras: {a: {source: ~/a.mp4}}\n")
    config = load(path)
    assert (config.model, str(config.state), config.cameras["a"].source) == ("scene", "/home/me/data", "/home/me/a.mp4")


def test_a_file_that_is_not_there_or_no_text_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no configuration file .*none\.yaml; `edge config example"):
        load(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00x")
    with pytest.raises(ConfigError, match="text file in UTF-8"):
        load(tmp_path / "bytes.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_an_error_of_a_configuration_is_a_usage_error() -> None:
    assert issubclass(ConfigError, UsageError)
