"""What a control group leaves, and the batch that fits."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from cxrlab import memory
from cxrlab.errors import CXRLabError
from cxrlab.memory import batch_size_that_fits, memory_here, room_for_batches, training_need

GB = 10**9
V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """16 GB, 10 of them free, and no control groups yet."""
    free = SimpleNamespace(available=10 * GB, total=16 * GB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "OWN_CGROUP", tmp_path / "own")
    return tmp_path


def group(folder, names, limit, used, cached=0):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 17\n{names[2]} {cached}\n")


def test_without_control_groups_the_machine_counts(machine):
    assert memory_here() == (10 * GB, 16 * GB)


def test_version_2_seen_from_within_a_container(machine):
    (machine / "own").write_text("0::/\n")
    group(machine / "cgroup", V2, 2 * GB, 1 * GB, cached=GB // 4)
    assert memory_here() == (GB + GB // 4, 2 * GB)


def test_the_tightest_group_above_counts(machine):
    (machine / "own").write_text("0::/slurm/job/step\n")
    group(machine / "cgroup/slurm/job/step", V2, "max", GB)
    group(machine / "cgroup/slurm/job", V2, 4 * GB, 3 * GB)
    group(machine / "cgroup/slurm", V2, 12 * GB, 3 * GB)
    assert memory_here() == (GB, 4 * GB)


@pytest.mark.parametrize("name", ["/", "/docker/0123", "/jobs/7"])
def test_version_1_under_its_own_or_an_unseen_name(machine, name):
    (machine / "own").write_text(f"9:cpu,cpuacct:/other\n4:memory:{name}\n")
    group(machine / "cgroup/memory", V1, 3 * GB, 2 * GB, cached=GB)
    group(machine / "cgroup/memory/jobs/7", V1, 9_223_372_036_854_771_712, 0)
    assert memory_here() == (2 * GB, 3 * GB)


def test_a_limit_by_hand_counts_what_this_process_holds(machine, monkeypatch):
    rss = SimpleNamespace(rss=GB // 2)
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: rss))
    monkeypatch.setenv("CXRLAB_MEMORY", "1.9")
    assert memory_here() == (1.4 * GB, 1.9 * GB)
    monkeypatch.setenv("CXRLAB_MEMORY", "two")
    with pytest.raises(CXRLabError, match="'two', but has to be a number of GB"):
        memory_here()


AFTER_TRAINING = """
import os
import numpy as np, pandas as pd, psutil
from cxrlab.budgets import get_budget
from cxrlab.pipeline import Xrays
from cxrlab.training import Settings, train
pixels = np.zeros((32, 224, 224, 1), np.uint8)
xrays = Xrays(pixels, np.arange(32) % 2, pd.DataFrame(index=range(32)))
settings = Settings(batch_size=16)
train(xrays, xrays, get_budget("smoke"), settings=settings, precision="float32", quiet=True)
print(os.environ.get("TF_ONEDNN_USE_SYSTEM_ALLOCATOR"), psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux")
def test_where_memory_is_short_a_training_gives_back_what_it_took():
    pytest.importorskip("tensorflow")
    left = {}
    for limit in ("1.9", "16"):
        done = subprocess.run(
            [sys.executable, "-c", AFTER_TRAINING],
            env={**os.environ, "CXRLAB_MEMORY": limit},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        asked, left[limit] = done.stdout.split()
        assert (asked == "1") == (limit == "1.9")
    assert int(left["1.9"]) < int(left["16"]) - GB // 8


def test_a_group_over_its_limit_leaves_nothing_and_not_less(machine):
    (machine / "own").write_text("0::/\n")
    group(machine / "cgroup", V2, 2 * GB, 3 * GB)
    assert memory_here().available == 0


def test_the_doctor_counts_what_the_container_may_take(machine):
    from cxrlab.doctor import memory_finding

    (machine / "own").write_text("0::/\n")
    group(machine / "cgroup", V2, 2 * GB, 1 * GB)
    assert "1.0 GB free of 2.0 GB" in memory_finding().seen


def test_the_estimate_counts_what_the_layers_of_the_network_hold():
    pytest.importorskip("tensorflow")
    from cxrlab.model import published_network

    network = published_network()
    kept = 224 * 224 * 3
    for layer in network.layers:
        values = 1
        for side in layer.output.shape[1:]:
            values *= side
        if len(layer.output.shape) == 4 and "input" not in layer.name:
            kept += values
    assert kept == memory.VALUES_KEPT
    assert network.count_params() == memory.WEIGHTS


def test_the_wanted_batch_stays_where_it_fits(capsys):
    assert batch_size_that_fits(32, room=training_need(32)) == 32
    assert capsys.readouterr().err == ""


def test_a_batch_is_halved_until_it_fits_and_that_is_said_once(capsys):
    assert batch_size_that_fits(32, room=training_need(8)) == 8
    said = capsys.readouterr().err.strip()
    assert said.startswith("Batches of 8 X-rays instead of 32: there are 0.3 GB")
    assert len(said.splitlines()) == 1


def test_never_less_than_one_image(capsys):
    assert batch_size_that_fits(32, room=-GB) == 1
    assert "there are 0.0 GB" in capsys.readouterr().err


def test_shorter_numbers_and_asking_alone_take_less(capsys):
    room = training_need(32, "bfloat16")
    assert batch_size_that_fits(32, "bfloat16", room=room) == 32
    assert batch_size_that_fits(32, "float32", room=room) == 16
    assert batch_size_that_fits(32, training=False, room=room) == 32


def test_what_the_process_holds_already_counts_as_room(machine, monkeypatch):
    (machine / "own").write_text("0::/\n")
    rooms = []
    for held in (GB // 5, 3 * GB // 2):  # before and after a training; the rest stays the same
        rss = SimpleNamespace(rss=held)
        monkeypatch.setattr(
            psutil, "Process", lambda rss=rss: SimpleNamespace(memory_info=lambda: rss)
        )
        group(machine / "cgroup", V2, 2 * GB, held)
        rooms.append(room_for_batches())
    assert rooms[0] == rooms[1] == int(0.85 * 2 * GB) - memory.LIBRARIES


def some_xrays(count):
    import numpy as np
    import pandas as pd

    from cxrlab.pipeline import Xrays

    pixels = np.random.default_rng(0).integers(0, 256, (count, 224, 224, 1), np.uint8)
    return Xrays(pixels, np.arange(count) % 2, pd.DataFrame(index=range(count)))


def test_training_and_asking_take_the_batch_that_fits(monkeypatch, capsys):
    pytest.importorskip("tensorflow")
    import numpy as np

    from cxrlab.budgets import get_budget
    from cxrlab.training import Settings, predict, train

    xrays = some_xrays(4)
    monkeypatch.setattr(memory, "room_for_batches", lambda: training_need(2))
    settings = Settings(batch_size=4)
    trained = train(xrays, xrays, get_budget("smoke"), settings=settings, precision="float32")
    assert "Batches of 2 X-rays instead of 4" in capsys.readouterr().err
    assert settings.batch_size == 4  # what was asked for stays as it is

    monkeypatch.setattr(memory, "room_for_batches", lambda: memory.predicting_need(1))
    few = predict(trained.model, xrays)
    assert "Batches of 1 X-rays instead of 8" in capsys.readouterr().err
    monkeypatch.undo()
    assert np.allclose(few, predict(trained.model, xrays), atol=1e-6)


@pytest.mark.parametrize(("precision", "fits"), [("float32", 16), ("bfloat16", 32)])
def test_what_a_container_of_2_gib_trains_in(machine, monkeypatch, precision, fits):
    (machine / "own").write_text("0::/\n")
    server, held = GB // 10, GB // 2
    group(machine / "cgroup", V2, 2**31, server + held)
    rss = SimpleNamespace(rss=held)
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(memory_info=lambda: rss))
    assert batch_size_that_fits(32, precision) == fits
    assert server + memory.LIBRARIES + training_need(fits, precision) < 1.8 * GB
