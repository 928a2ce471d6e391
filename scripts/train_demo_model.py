"""Trains the model in the box on the synthetic plazas and exports it: pictures, training, ONNX, digest. Measuring it is `make truth`'s.

    bash scripts/ultralytics_env.sh
    .venv-ultralytics/bin/python scripts/train_demo_model.py

It runs in an environment of its own, as it needs Ultralytics (AGPL-3.0), which also puts the model under that licence. Nothing but the scene
code of this repository is looked at: no photograph, no weights of others. About two hours on two CPU cores;
on a GPU `--device 0 --minutes 0` and more epochs. The model in the box is the outcome of several calls, each going on from the one before by `--from`:
its card lists them.
"""

from __future__ import annotations

import argparse
import csv
import os
import runpy
import sys
import time
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model_card import describe  # noqa: E402
from weights_of_onnx import going_on  # noqa: E402

from edge.data import Size  # noqa: E402
from edge.detect.letterbox import Letterbox  # noqa: E402
from edge.engine.calibration import letterboxed  # noqa: E402
from edge.sources.synthetic.album import CHECKING, CROWD, LEAST_SEEN, NAMES, TRAINING, Labelled, album  # noqa: E402

NETWORK = Size(640, 384)  # of a picture 16:9 with a little grey; who is far away has some 30 px there
DEPTH, WIDTH = 0.5, 0.15625  # of yolo11.yaml: as deep as YOLO11n, and five eighths of its width
RATE = 0.002  # of learning
PHASES = ("begin", "hold", "fall")
FROZEN = 4  # layers of the backbone that are held in the end
A_PART = 1000
A_FEW = 4  # people at most in a nearly empty plaza: lamps and trees must be seen to be none
LEAST_PX = (3, 8)  # narrower or lower things are too small to be learnt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, default=Path("/tmp/edge-plaza"), help="where pictures and training runs go; kept between calls"
    )
    parser.add_argument("--pictures", type=int, default=6_000, help="to train on (6000)")
    parser.add_argument("--quiet", type=int, default=1000, help="further pictures, of nearly empty plazas (1000)")
    parser.add_argument("--begin", type=int, default=1, help="epochs in which all layers are trained (1)")
    parser.add_argument("--hold", type=int, default=0, help="epochs after that in which the first layers are held (none)")
    parser.add_argument("--fall", type=int, default=3, help="epochs in the end in which the rate falls to nothing (3)")
    parser.add_argument(
        "--minutes", type=float, default=70, help="how long these may take, however many epochs that is (70; 0 for no limit)"
    )
    parser.add_argument(
        "--from", dest="begun", type=Path, metavar="ONNX", help="go on from what this script exported before (from random weights)"
    )
    parser.add_argument("--batch", type=int, default=8, help="pictures a step (8: a short training needs many steps)")
    parser.add_argument("--device", default="cpu", help="cpu, or the number of a GPU (cpu)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes that render (one a core)")
    parser.add_argument(
        "--threads", type=int, default=1, help="threads of a training on a CPU: more than there are idle cores slow it down (1)"
    )
    parser.add_argument("--only", choices=("render", "train", "export"), help="one step")
    parser.add_argument("--out", type=Path, default=ROOT / "models" / "plaza.onnx")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(given.threads))
    if given.only in (None, "render"):
        render(given.work, "train", TRAINING, given.pictures, seed=1, jobs=given.jobs)
        render(given.work, "train", TRAINING, given.quiet, seed=3, jobs=given.jobs, most_people=A_FEW)
        render(given.work, "val", CHECKING, 300, seed=2, jobs=given.jobs)
    if given.only in (None, "train"):
        train(given)
    if given.only in (None, "export"):
        export(given.work, given.out)


def render(work: Path, name: str, layouts: range, pictures: int, *, seed: int, jobs: int, most_people: int = CROWD) -> None:
    """Render what is not there yet, in parts, each a process's work."""
    parts = [
        (work, name, layouts, min(A_PART, pictures - first), seed * 10_000 + first // A_PART, most_people)
        for first in range(0, pictures, A_PART)
    ]
    begun_s = time.monotonic()
    with get_context("spawn").Pool(jobs) as pool:
        for done, _ in enumerate(pool.imap_unordered(_part, parts), 1):
            print(f"{name}: {min(done * A_PART, pictures)} of {pictures} pictures, {time.monotonic() - begun_s:.0f} s", flush=True)


def _part(work: tuple[Path, str, range, int, int, int]) -> None:
    import cv2

    cv2.setNumThreads(1)
    folder, name, layouts, count, seed, most_people = work
    mark = folder / name / f"{seed}-{count}.done"
    if mark.exists():
        return
    images, labels = (folder / name / kind for kind in ("images", "labels"))
    for there in (images, labels):
        there.mkdir(parents=True, exist_ok=True)
    for k, one in enumerate(album(layouts, count, seed=seed, most_people=most_people)):
        cv2.imwrite(str(images / f"{seed}-{k:05}.jpg"), letterboxed(one.picture, NETWORK), [cv2.IMWRITE_JPEG_QUALITY, 96])
        (labels / f"{seed}-{k:05}.txt").write_text(_label(one))
    mark.touch()


def _letterbox(one: Labelled) -> Letterbox:
    return Letterbox.fit(Size(one.picture.shape[1], one.picture.shape[0]), NETWORK)


def _label(one: Labelled) -> str:
    """Rows of class, centre and size, in parts of the picture: of what can be seen well enough."""
    box = _letterbox(one)
    scale = box.inner.width / one.picture.shape[1]
    rows = []
    for (x1, y1, x2, y2), class_id, seen in zip((one.xyxy * scale).tolist(), one.class_id.tolist(), one.seen.tolist(), strict=True):
        if seen >= LEAST_SEEN and x2 - x1 >= LEAST_PX[0] and y2 - y1 >= LEAST_PX[1]:
            centre = (x1 + x2) / 2 + box.left, (y1 + y2) / 2 + box.top
            place = (centre[0] / NETWORK.width, centre[1] / NETWORK.height, (x2 - x1) / NETWORK.width, (y2 - y1) / NETWORK.height)
            rows.append(f"{class_id} " + " ".join(f"{value:.6f}" for value in place))
    return "\n".join(rows) + "\n"


def train(given: argparse.Namespace) -> None:
    """Train from random weights or an exported model's, all of them first, then all but the first layers', in the end in ever smaller steps; goes on after what was done.

    The first layers work on large pictures, so that most of a step's time is theirs, and they are good early.
    """
    _compatible()
    import torch
    import ultralytics
    import yaml
    from ultralytics.nn.tasks import DetectionModel

    if given.device == "cpu":
        _suit_a_cpu(DetectionModel, torch)
    work = given.work.resolve()
    described = yaml.safe_load((Path(ultralytics.__file__).parent / "cfg/models/11/yolo11.yaml").read_text())
    described |= {"nc": len(NAMES), "scales": {"p": [DEPTH, WIDTH, 1024]}, "scale": "p"}
    (work / "yolo11p.yaml").write_text(yaml.safe_dump(described))
    data = {"path": str(work), "train": "train/images", "val": "val/images", "names": dict(enumerate(NAMES))}
    (work / "plaza.yaml").write_text(yaml.safe_dump(data))
    begun = work / "yolo11p.yaml"
    if given.begun:
        network = going_on(given.begun, described, sorted((work / "train" / "images").glob("*.jpg")))
        begun = work / "begun.pt"
        torch.save({"model": network, "train_args": {}}, begun)
    hours = given.minutes / 60 if given.minutes else None
    weights = _phase(given, "begin", begun, epochs=given.begin, warmup_epochs=0.2)
    weights = _phase(given, "hold", weights, epochs=given.hold, freeze=FROZEN, warmup_epochs=0.05)
    _phase(given, "fall", weights, epochs=given.fall, time=hours, warmup_epochs=0.05)


def _phase(given: argparse.Namespace, name: str, weights: Path, *, epochs: int, **more: Any) -> Path:
    """The weights after so many epochs more."""
    import torch
    from ultralytics import YOLO

    def share_the_cores(trainer: Any) -> None:  # Ultralytics would load pictures between the steps, and take all cores but one
        trainer.args.workers = 1 if given.device == "cpu" else 8
        torch.set_num_threads(given.threads)

    steps = count()

    def fall(trainer: Any) -> None:  # step by step, as the epochs of a short training are few
        steps_in_all = trainer.epochs * len(trainer.train_loader)
        spent = (time.time() - trainer.train_time_start) / 3600
        done = spent / trainer.args.time if trainer.args.time else next(steps) / steps_in_all
        for group in trainer.optimizer.param_groups:
            group["lr"] = RATE / 2 * max(1 - done, 0.01)

    run = given.work.resolve() / "runs" / name
    if not epochs:
        return weights
    if (run / "done").exists():
        return run / "weights" / "last.pt"
    network = YOLO(weights)
    network.add_callback("on_pretrain_routine_start", share_the_cores)
    if name == PHASES[-1]:
        network.add_callback("on_train_batch_start", fall)
    network.train(
        data=str(given.work.resolve() / "plaza.yaml"), project=str(run.parent), name=name, epochs=epochs, exist_ok=True, pretrained=weights.suffix == ".pt",
        imgsz=NETWORK.width, rect=True, batch=given.batch, device=given.device, seed=0, deterministic=True, amp=given.device != "cpu",
        optimizer="AdamW", lr0=RATE, lrf=1.0, val=False, warmup_bias_lr=0.0, weight_decay=0.0005, nbs=given.batch, patience=0, plots=False,
        mosaic=0.0, close_mosaic=0, scale=0.4, translate=0.1, hsv_s=0.5, hsv_v=0.3, **more,
    )  # fmt: skip
    (run / "done").touch()
    return run / "weights" / "last.pt"


def _suit_a_cpu(model: Any, torch: Any) -> None:
    """Let forward and backward passes of `model`'s class run with channels last, and in bfloat16 where the CPU has it; the loss stays float32.

    Each saves about a third of the time. A CPU that must imitate bfloat16 takes thirty times as long.

    The class itself is changed, not a subclass made: checkpoints name their class, and must open without this script.
    """
    plain, has = model.predict, torch.ops.mkldnn._is_mkldnn_bf16_supported()

    def wide(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.float() if value.is_floating_point() else value
        if isinstance(value, dict):
            return {key: wide(one) for key, one in value.items()}
        return type(value)(map(wide, value)) if isinstance(value, (list, tuple)) else value

    def predict(self: Any, x: Any, *args: Any, **more: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training and has):
            found = plain(self, x.to(memory_format=torch.channels_last) if self.training else x, *args, **more)
        return wide(found) if self.training else found

    model.predict = predict


def export(work: Path, out: Path) -> None:
    """The best weights as an ONNX file for pictures of NETWORK's size, one a run; its card and its digest beside it."""
    _compatible()
    import ultralytics
    from ultralytics import YOLO

    runs = [run for run in (work / "runs" / name for name in PHASES) if (run / "done").exists()]
    made = Path(
        YOLO(runs[-1] / "weights" / "last.pt").export(
            format="onnx", imgsz=[NETWORK.height, NETWORK.width], opset=17, simplify=True, dynamic=False, device="cpu"
        )
    )
    out.write_bytes(made.read_bytes())
    trained = [list(csv.DictReader((run / "results.csv").open())) for run in runs]
    describe(
        out,
        {
            "width": NETWORK.width,
            "height": NETWORK.height,
            "rows": 4 + len(NAMES),
            "depth": DEPTH,
            "width_multiple": WIDTH,
            "pictures": len(list((work / "train" / "images").glob("*.jpg"))),
            "epochs": sum(map(len, trained)),
            "minutes": sum(float(rows[-1]["time"]) for rows in trained) / 60,
            "device": "a CPU" if _trained_on(runs[-1]) == "cpu" else "a GPU",
            "ultralytics": ultralytics.__version__,
        },
    )
    print(f"{out}: {out.stat().st_size} bytes; now `make truth` measures it")


def _trained_on(run: Path) -> str:
    import yaml

    return str(yaml.safe_load((run / "args.yaml").read_text())["device"])


def _compatible() -> None:
    """Run the file that EDGE_TV_COMPAT names, for an environment in which Ultralytics does not load without it; others need none."""
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    if file := os.environ.get("EDGE_TV_COMPAT"):
        runpy.run_path(file)


if __name__ == "__main__":
    main()
