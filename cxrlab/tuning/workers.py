"""One search, many processes: Keras Tuner's own chief and workers.

The chief holds the oracle and hands out trials over gRPC; workers train them and write the
records of :mod:`cxrlab.tuning.record` into the one folder that all share. A worker that dies
costs its running trial: the chief gives it to another. What goes wrong inside a training reaches
the chief as a file in that folder, because Keras Tuner's protocol has no place for it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_json
from cxrlab.tuning.local import LocalWorkers
from cxrlab.tuning.record import whole_files

if TYPE_CHECKING:
    import grpc
    import keras_tuner

#: Nobody outside this machine can reach it: the protocol has neither encryption nor a password.
LOOPBACK = "127.0.0.1"

BEAT_SECONDS = 5.0  # a worker at work says so this often
LOST_AFTER_SECONDS = 60.0  # silent for so long, a worker counts as dead
MISSED_BEATS = 6  # in a row, after which a worker takes the chief for dead
PATIENCE_SECONDS = 300  # how long a worker waits for a chief, which may start after it
GOODBYE_SECONDS = 15.0  # for workers to hear that the search is over
SHARED_FOLDER_SECONDS = 90.0  # network file systems show a new file late


@dataclass(frozen=True)
class Host:
    """Where a chief listens, and the workers that it starts itself.

    ``command(address, worker)`` gives the command line of a worker; without ``workers`` they are
    started by hand or by a scheduler.
    """

    address: str = f"{LOOPBACK}:0"  # port 0: a free one
    workers: int = 0
    command: Callable[[str, str], list[str]] | None = None


def parse_address(text: str) -> tuple[str, int]:
    """``HOST:PORT``, ``:PORT`` or ``PORT`` as host and port; without a host it is the loopback.

    Raises :class:`CXRLabError` where the port is no number within 0...65535.
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise CXRLabError(f"{text!r} is no address. Write HOST:PORT, for example {LOOPBACK}:8600.")
    return host or LOOPBACK, int(port)


def lead(
    oracle: keras_tuner.Oracle,
    host: Host,
    folder: Path,
    look: Callable[[], None],
    key_of: Callable[[keras_tuner.engine.trial.Trial], str],
) -> None:
    """Be the chief until all trials are done; ``look`` is called several times a second.

    ``key_of`` says under which key a trial is recorded (:func:`cxrlab.tuning.record.trial_key`).

    Raises :class:`CXRLabError` when the port is taken, and with the first error of a worker.
    """
    for old in _notes(folder):
        old.unlink(missing_ok=True)
    server, address = _serve(oracle, host.address)
    local = LocalWorkers(host.workers, host.command, address, folder / "workers")
    if not host.workers:
        print(f"Waiting for workers on {address}.", file=sys.stderr, flush=True)
    try:
        local.start()
        while not oracle.finished():
            time.sleep(0.2)
            look()
            _raise_error_of_a_worker(folder)
            for worker in local.replace_dead(len(oracle.end_order)):
                oracle.give_up(worker)
            for worker, seen in list(oracle.seen.items()):
                if time.monotonic() - seen > LOST_AFTER_SECONDS:
                    oracle.give_up(worker)
        _until(lambda: not oracle.seen and not local.running(), GOODBYE_SECONDS)
    finally:
        local.stop()
        server.stop(GOODBYE_SECONDS).wait()  # answers that are on their way still arrive
    _await_records({key_of(oracle.trials[ended]) for ended in oracle.end_order}, folder)
    look()


def quiet_grpc() -> None:
    """Before gRPC is first imported: it says nothing, we say ourselves what went wrong."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def wait_for_chief(folder: Path, address: str) -> None:
    """Wait until the chief has said in ``folder`` what is searched: workers may start first.

    Raises :class:`CXRLabError` where that takes more than some minutes.
    """
    if not _until((folder / "search.json").exists, PATIENCE_SECONDS):
        raise CXRLabError(
            f"No chief has begun a search in {folder}. Start one with the same --out: "
            f"cxrlab tune --chief {address}."
        )


def work(
    address: str,
    worker: str,
    folder: Path,
    run: Callable[[dict[str, Any], int], float],
    make_tuner: Callable[[Callable[[dict[str, Any], int], float]], keras_tuner.Tuner],
) -> None:
    """Be a worker until the chief has no more trials.

    Raises :class:`CXRLabError` where no chief answers, and with a trial's own error, of which
    the chief is told as well.
    """
    host, port = parse_address(address)
    os.environ.update(
        KERASTUNER_TUNER_ID=worker, KERASTUNER_ORACLE_IP=host, KERASTUNER_ORACLE_PORT=str(port)
    )
    # gRPC reads this one in small letters only. A proxy for the web leads to no chief.
    os.environ["no_grpc_proxy"] = host  # noqa: SIM112
    import grpc
    from keras_tuner import errors
    from keras_tuner.src.distribute import oracle_client

    oracle_client.TIMEOUT = PATIENCE_SECONDS

    def alive(values: dict[str, Any], epochs: int) -> float:
        with _Heart(tuner.oracle, worker):
            return run(values, epochs)

    tuner = make_tuner(alive)
    try:
        tuner.search()
    except grpc.RpcError as error:
        raise CXRLabError(
            f"The chief at {address} does not answer ({error.code().name}). Is it running, and "
            "did it end in peace? Finished trials are kept: start both again."
        ) from error
    except errors.FatalError as error:
        write_json(folder / "workers" / f"{worker}.json", {"worker": worker, "error": str(error)})
        raise CXRLabError(f"A trial failed: {error}") from error


class _Heart:
    """While a trial runs, asks the chief for it again and again: a dead worker does not ask.

    To a worker that has a trial Keras Tuner's chief answers with that trial, so that its own
    protocol serves as heartbeat. Another answer, or none, means that the chief we knew is gone.
    """

    def __init__(self, client: Any, worker: str) -> None:
        self._client, self._worker = client, worker
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        import grpc
        from keras_tuner.src import protos

        request = protos.get_service().CreateTrialRequest(tuner_id=self._worker)
        mine, missed = None, 0
        while missed < MISSED_BEATS:
            try:
                trial = self._client.stub.CreateTrial(request, timeout=BEAT_SECONDS).trial
                mine, missed = mine or trial.hyperparameters, 0
                if trial.hyperparameters != mine:
                    break
            except grpc.RpcError:
                missed += 1
            if self._over.wait(BEAT_SECONDS):
                return
        print("The chief is gone: this worker stops.", file=sys.stderr, flush=True)
        os._exit(1)  # nobody waits for what the main thread is training


def _serve(oracle: keras_tuner.Oracle, address: str) -> tuple[grpc.Server, str]:
    """Keras Tuner's service on this address; also says on which it is (port 0 becomes one)."""
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from keras_tuner.src import protos
    from keras_tuner.src.distribute.oracle_chief import OracleServicer

    host, port = parse_address(address)
    # One thread, as in Keras Tuner: its lock is not made for more. No two chiefs on one port.
    server = grpc.server(ThreadPoolExecutor(1), options=(("grpc.so_reuseport", 0),))
    protos.get_service_grpc().add_OracleServicer_to_server(OracleServicer(oracle), server)
    try:
        port = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError:
        port = 0
    if not port:
        raise CXRLabError(
            f"Nobody can listen on {address}: the port is taken, or the host is not this machine. "
            "Choose another one (--chief HOST:PORT)."
        )
    server.start()
    return server, f"{host}:{port}"


def _notes(folder: Path) -> list[Path]:
    return whole_files(folder / "workers")


def _raise_error_of_a_worker(folder: Path) -> None:
    for note in _notes(folder):
        said = read_json(note)
        raise CXRLabError(
            f"A trial failed in worker {said['worker']}: {said['error']} Finished trials are "
            "kept; when the reason is mended, the same command goes on."
        )


def _await_records(keys: set[str], folder: Path) -> None:
    """See that every trial that a worker has reported is in our record."""

    def missing() -> set[str]:
        return keys - {path.stem for path in whole_files(folder / "trials")}

    if not _until(lambda: not missing(), SHARED_FOLDER_SECONDS):
        raise CXRLabError(
            f"{len(missing())} trials were reported by workers, but are not in {folder}. Do all "
            "of them see the same folder? Start the chief and the workers with one --out."
        )


def _until(true: Callable[[], bool], seconds: float) -> bool:
    """Wait for it, but no longer than this; whether it came true."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
