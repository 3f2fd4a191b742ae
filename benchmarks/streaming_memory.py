"""X-rays beyond memory: decoded into a cache on the disk, and read from it with steady memory.

Caches of growing size are written and then read for an epoch, in a process of its own each time.
What is reported is by how many MB the process grew beyond what TensorFlow and one small data set
had taken before. The other side holds the same pixels in memory, as smaller collections are.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import print_json, result

IMAGES = (4_000, 8_000, 16_000)  # 200, 401 and 803 MB of pixels
LIMIT = 150  # MB that a process may grow by while it writes and reads, whatever the cache's size
IMAGE_MB = 224 * 224 / 1e6
FILES = 32  # different ones; the table names them again and again


def once(images: int, on_disk: bool, folder: Path) -> dict[str, float]:
    """MB by which the resident memory grew while decoding, and at the most by the epoch's end."""
    import numpy as np
    import pandas as pd
    import psutil
    from PIL import Image

    from cxrlab.pipeline import dataset, decode

    rng = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(FILES)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (224, 224), np.uint8)).save(path, compress_level=1)
    number = np.arange(images)
    table = pd.DataFrame(
        {
            "image_id": number.astype(str),
            "patient_id": number.astype(str),
            "path": [str(paths[which % FILES]) for which in number],
            "label": number % 2,
        }
    )
    share = 0.0 if on_disk else 1.0
    for _ in dataset(decode(table.iloc[:256], memory_share=share), shuffle_seed=0):
        pass  # TensorFlow is loaded and has its pools
    process = psutil.Process()
    before = process.memory_info().rss
    xrays = decode(table, folder / "pixels.npy", memory_share=share)
    decoded = peak = process.memory_info().rss
    for _ in dataset(xrays, shuffle_seed=0):
        peak = max(peak, process.memory_info().rss)
    return {"decoding": (decoded - before) / 1e6, "epoch": (peak - before) / 1e6}


def grown(images: int, on_disk: bool) -> dict[str, float]:
    """The same in a fresh process, with its cache in a folder that vanishes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--once", str(images), str(int(on_disk)), folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Both sides in turn for every size."""
    measured: dict[str, list[float]] = {}
    table = []
    for images in IMAGES:
        row: dict[str, float] = {"pixels": round(images * IMAGE_MB)}
        for name, on_disk in (("on the disk", True), ("in memory", False)):
            growth = grown(images, on_disk)
            measured.setdefault(name, []).append(growth["epoch"])
            row |= {f"{name}, {when}": round(mb, 1) for when, mb in growth.items()}
        table.append(row)
    largest = IMAGES[-1] * IMAGE_MB
    print_json(
        result(
            "memory taken by decoding and reading X-rays from a cache on the disk",
            "MB beyond the libraries",
            measured,
            ratio=("in memory", "on the disk"),
            needed=f"at most {LIMIT} MB for every size, up to {largest / LIMIT:.0f} times as large",
            met=max(measured["on the disk"]) <= LIMIT,
            sizes=table,
        )
    )


if __name__ == "__main__":
    if "--once" in sys.argv:
        count, stored, where = sys.argv[2:]
        print(json.dumps(once(int(count), stored == "1", Path(where))))
    else:
        main()
