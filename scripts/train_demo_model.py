"""Trains the model in the box on the synthetic plazas and exports it: pictures, training, ONNX, digest. Measuring it is `make truth`'s.

    bash scripts/ultralytics_env.sh
    .venv-ultralytics/bin/python scripts/train_demo_model.py

It runs in an environment of its own, as it needs Ultralytics (AGPL-3.0), which also puts the model under that licence. Nothing but the scene
code of this repository is looked at: no photograph, no weights of others. About two hours on two CPU cores, minutes with --device 0 on a GPU.
"""

from __future__ import annotations

import argparse
import csv
import os
import runpy
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from model_card import describe  # noqa: E402

from edge.data import Size  # noqa: E402
from edge.detect.letterbox import GREY, Letterbox  # noqa: E402
from edge.sources.synthetic.album import CHECKING, LEAST_SEEN, NAMES, TRAINING, Labelled, album  # noqa: E402

NETWORK = Size(384, 224)
DEPTH, WIDTH = 0.5, 0.15625  # of yolo11.yaml: as deep as YOLO11n, and five eighths of its width
A_PART = 1000
LEAST_PX = (3, 8)  # narrower or lower things are too small to be learnt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, default=Path("/tmp/edge-plaza"), help="where pictures and training runs go; kept between calls"
    )
    parser.add_argument("--pictures", type=int, default=12_000, help="to train on (12000)")
    parser.add_argument("--epochs", type=int, default=10, help="how often each is shown (10)")
    parser.add_argument("--minutes", type=float, help="train that long instead, however many epochs that is")
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
        render(given.work, "val", CHECKING, 600, seed=2, jobs=given.jobs)
    if given.only in (None, "train"):
        train(given)
    if given.only in (None, "export"):
        export(given.work, given.out)


def render(work: Path, name: str, layouts: range, pictures: int, *, seed: int, jobs: int) -> None:
    """Render what is not there yet, in parts, each a process's work."""
    parts = [(work, name, layouts, min(A_PART, pictures - first), seed * 10_000 + first // A_PART) for first in range(0, pictures, A_PART)]
    begun_s = time.monotonic()
    with get_context("spawn").Pool(jobs) as pool:
        for done, _ in enumerate(pool.imap_unordered(_part, parts), 1):
            print(f"{name}: {min(done * A_PART, pictures)} of {pictures} pictures, {time.monotonic() - begun_s:.0f} s", flush=True)


def _part(work: tuple[Path, str, range, int, int]) -> None:
    import cv2

    cv2.setNumThreads(1)
    folder, name, layouts, count, seed = work
    mark = folder / name / f"{seed}-{count}.done"
    if mark.exists():
        return
    images, labels = (folder / name / kind for kind in ("images", "labels"))
    for there in (images, labels):
        there.mkdir(parents=True, exist_ok=True)
    for k, one in enumerate(album(layouts, count, seed=seed)):
        cv2.imwrite(str(images / f"{seed}-{k:05}.jpg"), _fitted(one), [cv2.IMWRITE_JPEG_QUALITY, 96])
        (labels / f"{seed}-{k:05}.txt").write_text(_label(one))
    mark.touch()


def _fitted(one: Labelled) -> Any:
    """The picture as the product's CPU detector will show it to the network."""
    import cv2
    import numpy as np

    box = _letterbox(one)
    canvas = np.full((NETWORK.height, NETWORK.width, 3), GREY, np.uint8)
    inner = cv2.resize(one.picture, box.inner, interpolation=cv2.INTER_LINEAR)
    canvas[box.top : box.top + box.inner.height, box.left : box.left + box.inner.width] = inner
    return canvas


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
    """Train from random weights; goes on where a run in the same place was broken off."""
    _compatible()
    import torch
    import ultralytics
    import yaml
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel

    torch.set_num_threads(given.threads)
    if given.device == "cpu":
        _in_bfloat16(DetectionModel, torch)
    work = given.work.resolve()
    described = yaml.safe_load((Path(ultralytics.__file__).parent / "cfg/models/11/yolo11.yaml").read_text())
    described |= {"nc": len(NAMES), "scales": {"p": [DEPTH, WIDTH, 1024]}, "scale": "p"}
    (work / "yolo11p.yaml").write_text(yaml.safe_dump(described))
    (work / "plaza.yaml").write_text(
        yaml.safe_dump({"path": str(work), "train": "train/images", "val": "val/images", "names": dict(enumerate(NAMES))})
    )
    last = work / "runs" / "plaza" / "weights" / "last.pt"
    network = YOLO(last if last.exists() else work / "yolo11p.yaml")

    def share_the_cores(trainer: Any) -> None:  # Ultralytics would load pictures between the steps, and take all cores but one
        trainer.args.workers = 1 if given.device == "cpu" else 8
        torch.set_num_threads(given.threads)

    network.add_callback("on_pretrain_routine_start", share_the_cores)
    if last.exists():
        network.train(resume=True)
        return
    network.train(
        data=str(work / "plaza.yaml"), project=str(work / "runs"), name="plaza", exist_ok=True, pretrained=False,
        imgsz=NETWORK.width, rect=True, batch=given.batch, epochs=given.epochs, time=given.minutes and given.minutes / 60,
        device=given.device, seed=0, deterministic=True, amp=given.device != "cpu",
        optimizer="AdamW", lr0=0.002, lrf=0.01, cos_lr=True, warmup_epochs=0.2, weight_decay=0.0005, nbs=given.batch,
        mosaic=0.0, close_mosaic=0, scale=0.4, translate=0.1, hsv_s=0.5, hsv_v=0.3, plots=False, patience=0,
    )  # fmt: skip


def _in_bfloat16(model: Any, torch: Any) -> None:
    """Let a CPU's forward and backward passes of `model`'s class run in bfloat16, where they take two thirds of the time; the loss stays float32.

    The class itself is changed, not a subclass made: checkpoints name their class, and must open without this script.
    """
    plain = model.predict

    def wide(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.float() if value.is_floating_point() else value
        if isinstance(value, dict):
            return {key: wide(one) for key, one in value.items()}
        return type(value)(map(wide, value)) if isinstance(value, (list, tuple)) else value

    def predict(self: Any, *args: Any, **more: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            found = plain(self, *args, **more)
        return wide(found) if self.training else found

    model.predict = predict


def export(work: Path, out: Path) -> None:
    """The best weights as an ONNX file for pictures of NETWORK's size, one a run; its card and its digest beside it."""
    _compatible()
    import ultralytics
    from ultralytics import YOLO

    run = work / "runs" / "plaza"
    made = Path(
        YOLO(run / "weights" / "best.pt").export(
            format="onnx", imgsz=[NETWORK.height, NETWORK.width], opset=17, simplify=True, dynamic=False, device="cpu"
        )
    )
    out.write_bytes(made.read_bytes())
    trained = list(csv.DictReader((run / "results.csv").open()))
    describe(
        out,
        {
            "width": NETWORK.width,
            "height": NETWORK.height,
            "rows": 4 + len(NAMES),
            "depth": DEPTH,
            "width_multiple": WIDTH,
            "pictures": len(list((work / "train" / "images").glob("*.jpg"))),
            "epochs": len(trained),
            "minutes": float(trained[-1]["time"]) / 60,
            "device": "a CPU" if _trained_on(run) == "cpu" else "a GPU",
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
