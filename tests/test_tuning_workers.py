"""A search of several processes: the same trials, whoever dies, and errors that can be read."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from test_tuning import BUDGET, made_up_trial, run_search

from cxrlab import tuning
from cxrlab.errors import CXRLabError
from cxrlab.tuned_runs import tune_run, tune_worker
from cxrlab.tuning import workers
from cxrlab.tuning.oracles import make_oracle, to_train
from cxrlab.tuning.record import trial_key
from cxrlab.tuning.trials import TrialRunner
from cxrlab.tuning.workers import Host, parse_address

# The processes of these tests load TensorFlow, but most of their trials are made up.
WORKER = """
import os, sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_tuning import BUDGET, made_up_trial, some_xrays
from cxrlab import tuning
from cxrlab.tuning.trials import TrialRunner

folder, address, worker = {folder!r}, sys.argv[1], sys.argv[2]
marker = Path({folder!r}).parent / "hangs"
count = 0

def run(self, values, epochs):
    global count
    count += 1
    time.sleep(0.2)
    {misdeed}
    return made_up_trial(self.folder, values, epochs)

if {made_up}:
    TrialRunner.run = run
tuning.work_for(address, worker, some_xrays(), some_xrays(), BUDGET, folder, **{choices!r})
"""
HANGS_ONCE = (
    "if worker == 'tuner0' and count == 2 and not marker.exists():\n"
    "        marker.write_text(str(os.getpid())); time.sleep(600)"
)


def host(folder: Path, workers: int = 2, misdeed: str = "pass", made_up=True, **choices) -> Host:
    tests = str(Path(__file__).parent)
    code = WORKER.format(
        tests=tests, folder=str(folder), misdeed=misdeed, made_up=made_up, choices=choices
    )
    return Host(
        workers=workers,
        command=lambda address, worker: [sys.executable, "-c", code, address, worker],
    )


def kill_whoever_hangs(marker: Path) -> threading.Thread:
    """Send SIGKILL to the worker that has written its process into ``marker``."""

    def wait_and_kill():
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if marker.exists() and marker.read_text():
                os.kill(int(marker.read_text()), signal.SIGKILL)
                return
            time.sleep(0.1)

    killer = threading.Thread(target=wait_and_kill, daemon=True)
    killer.start()
    return killer


def same_trials(one: pd.DataFrame, other: pd.DataFrame) -> None:
    by = list(tuning.SPACES["per-layer"])
    keep = [*by, "val_loss", "recall_at_specificity", "epochs"]
    one, other = (board.sort_values(by, ignore_index=True)[keep] for board in (one, other))
    pd.testing.assert_frame_equal(one, other, rtol=1e-3)


def oracle_of(kind: str, scratch: Path, trials: int = 4, space: str = "shared", **choices):
    return make_oracle(
        kind, tuning.SPACES[space], "val_loss", trials, BUDGET, 0, scratch, **choices
    )


def end(oracle, trial) -> None:
    oracle.update_trial(trial.trial_id, {"val_loss": 1.0})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("tuner", tuning.ORDER_FREE)
def test_a_worker_killed_half_way_costs_nothing_but_time(tmp_path, monkeypatch, tuner):
    monkeypatch.setattr(TrialRunner, "run", lambda self, *trial: made_up_trial(self.folder, *trial))
    alone = run_search(tmp_path / "alone", trials=6, tuner=tuner).leaderboard
    folder, boards = tmp_path / "many", []
    killer = kill_whoever_hangs(tmp_path / "hangs")
    workers = host(folder, misdeed=HANGS_ONCE, tuner=tuner)
    found = run_search(folder, trials=6, tuner=tuner, host=workers, on_trial=boards.append)
    killer.join(1)
    assert (tmp_path / "hangs").exists() and not killer.is_alive()
    same_trials(found.leaderboard, alone)
    assert len(boards[-1]) == 6


@pytest.mark.slow
def test_workers_that_really_train_find_what_one_process_finds(tmp_path):
    alone = run_search(tmp_path / "alone", trials=3)
    found = run_search(tmp_path / "many", trials=3, host=host(tmp_path / "many", made_up=False))
    same_trials(found.leaderboard, alone.leaderboard)


@pytest.mark.slow
def test_an_error_in_a_worker_reaches_the_reader(tmp_path):
    misdeed = "raise MemoryError('no room for 5,631,169 parameters')"
    with pytest.raises(CXRLabError, match=r"tuner\d: no room for 5,631,169 parameters") as seen:
        run_search(tmp_path / "search", host=host(tmp_path / "search", misdeed=misdeed))
    assert "grpc" not in str(seen.value).lower()


def search_with(folder: Path, code: str) -> None:
    """A search whose two workers run this code."""
    run_search(folder, host=Host(workers=2, command=lambda *_: [sys.executable, "-c", code]))


def test_a_worker_that_cannot_start_says_why(tmp_path):
    with pytest.raises(CXRLabError, match="ended with an error: The data are gone"):
        search_with(tmp_path, "import sys; sys.exit('The data are gone.')")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_workers_that_are_killed_again_and_again_end_the_search(tmp_path):
    with pytest.raises(CXRLabError, match="killed 4 times .* SIGKILL.*memory"):
        search_with(tmp_path, "import os; os.kill(os.getpid(), 9)")


def test_nobody_outside_this_machine_can_reach_a_chief_unless_told_so(tmp_path):
    addresses = []

    def command(address: str, worker: str) -> list[str]:
        addresses.append(address)
        return [sys.executable, "-c", "import sys; sys.exit('enough')"]

    with pytest.raises(CXRLabError, match="enough"):
        run_search(tmp_path, host=Host(workers=1, command=command))
    name, port = addresses[0].split(":")
    assert name == "127.0.0.1"
    assert int(port) > 0
    assert parse_address("8600") == parse_address(":8600") == ("127.0.0.1", 8600)
    assert parse_address("0.0.0.0:8600") == ("0.0.0.0", 8600)


def test_a_search_has_workers_here_or_elsewhere(tmp_path):
    with pytest.raises(CXRLabError, match="Give one of the two"):
        tune_run(tmp_path, tmp_path, BUDGET, workers=2, chief="8600")


@pytest.mark.parametrize("text", ["", "host", "host:", "host:http", "host:65536", "host:-1"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(CXRLabError, match="no address. Write HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "-", ".hidden"])
def test_a_worker_has_the_name_of_a_file(tmp_path, name):
    with pytest.raises(CXRLabError, match="no name for a worker"):
        tune_worker(tmp_path / "run", tmp_path, BUDGET, "127.0.0.1:1", name)
    assert not list(tmp_path.iterdir())


def test_a_taken_port_is_refused(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CXRLabError, match="the port is taken"):
            run_search(tmp_path, host=Host(address))


def test_the_trial_of_a_dead_worker_goes_to_the_next_that_asks(tmp_path):
    oracle = oracle_of("random", tmp_path, trials=2)
    lost, other = oracle.create_trial("a"), oracle.create_trial("b")
    assert oracle.create_trial("a").trial_id == lost.trial_id  # asked again: the heartbeat
    end(oracle, other)
    assert oracle.create_trial("b").status == "IDLE"  # nothing new, but "a" may die
    assert oracle.give_up("a") == lost.trial_id
    taken = oracle.create_trial("b")
    assert taken.hyperparameters.values == lost.hyperparameters.values
    assert not oracle.finished()
    end(oracle, taken)
    end(oracle, lost)  # "a" was only slow
    assert oracle.create_trial("b").status == "STOPPED"
    assert oracle.finished()
    assert sorted(oracle.end_order) == ["0", "1"]


def test_a_grid_is_handed_out_to_many_at_once(tmp_path):
    oracle = oracle_of("grid", tmp_path, trials=5)
    given = [oracle.create_trial(f"tuner{number}") for number in range(5)]
    assert [trial.status for trial in given] == ["RUNNING"] * 5
    assert len({tuple(trial.hyperparameters.values.values()) for trial in given}) == 5


def test_an_exhausted_space_is_exhausted_for_all(tmp_path):
    oracle = oracle_of("random", tmp_path, trials=24)
    while (trial := oracle.create_trial("a")).status == "RUNNING":
        end(oracle, trial)
    assert {oracle.create_trial(f"b{number}").status for number in range(30)} == {"STOPPED"}


@pytest.mark.parametrize("kind", tuning.TUNERS)
def test_after_the_deadline_no_trial_begins_but_one_ends(tmp_path, kind):
    oracle = oracle_of(kind, tmp_path, deadline=time.monotonic())
    first = oracle.create_trial("a")
    assert first.status == "RUNNING"
    assert oracle.create_trial("b").status == "IDLE"
    end(oracle, first)
    assert oracle.create_trial("a").status == "STOPPED"
    assert oracle.finished()


def test_a_trial_keeps_its_key_on_the_way_to_a_worker(tmp_path):
    space = tuning.SPACES["per-layer"]
    trial = oracle_of("random", tmp_path, space="per-layer").create_trial("a")
    arrived = type(trial).from_proto(trial.to_proto())
    key = trial_key(*to_train(arrived, space, BUDGET))
    assert key == trial_key(trial.hyperparameters.values, BUDGET.trial_epochs)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """An oracle behind a chief's port, a client for the worker "a", and heartbeats in haste."""
    from keras_tuner.src.distribute.oracle_client import OracleClient

    monkeypatch.setattr(workers, "BEAT_SECONDS", 0.05)
    oracle = oracle_of("grid", tmp_path)
    server, address = workers._serve(oracle, "127.0.0.1:0")
    name, port = parse_address(address)
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", name)
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(port))
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "a")
    monkeypatch.setenv("no_grpc_proxy", name)
    yield oracle, OracleClient(oracle)
    server.stop(None)


def wait_for(true) -> bool:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def test_a_worker_at_work_is_heard_of_and_gets_no_other_trial(served):
    oracle, client = served
    client.create_trial("a")
    first = oracle.seen["a"]
    with workers._Heart(client, "a"):
        assert wait_for(lambda: oracle.seen["a"] > first)
    assert len(oracle.trials) == 1


def test_a_worker_leaves_a_chief_that_has_forgotten_its_trial(served, monkeypatch):
    oracle, client = served
    codes = []
    monkeypatch.setattr(workers.os, "_exit", codes.append)
    client.create_trial("a")
    with workers._Heart(client, "a"):
        first = oracle.seen["a"]
        assert wait_for(lambda: oracle.seen["a"] > first)
        oracle.give_up("a")
        oracle._retry_queue.clear()  # as a chief that was started anew
        assert wait_for(lambda: codes == [1])
