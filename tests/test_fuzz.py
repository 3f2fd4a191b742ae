"""What reads strangers' bytes, on damaged and hostile files; `make test-fuzz` tries far more."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from fuzzing import hostile
from fuzzing.fuzz import run
from fuzzing.guard import Guard
from fuzzing.readers import READERS, outcome_of
from fuzzing.samples import Sample, all_samples, recording
from hypothesis import given, settings

EXAMPLES = int(os.environ.get("CXRLAB_FUZZ_EXAMPLES", "40"))
many = settings(max_examples=EXAMPLES, deadline=None)


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard()


def tried(reader: str, data: bytes, guard: Guard) -> str:
    """What became of ``data``, with nothing written outside the case's own folder."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "inside" / "case"
        folder.mkdir(parents=True)
        guard.arm(folder)
        try:
            outcome = outcome_of(Sample(reader, "hostile", data), data, folder)
        finally:
            breaches = guard.disarm()
    assert not breaches
    return outcome


def test_every_sample_is_read_before_it_is_damaged(phantom_data, guard):
    outcomes = {}
    for sample in all_samples(phantom_data, originals=4):
        outcomes.setdefault(sample.reader, set()).add(tried(sample.reader, sample.data, guard))
    assert outcomes.pop("image") == {"read", "animated"}
    assert outcomes and all(outcome == {"read"} for outcome in outcomes.values())


@pytest.mark.skipif(os.name != "posix", reason="time and memory are limited as POSIX does it")
def test_three_hundred_mutations(phantom_data, tmp_path, monkeypatch):
    """In a process of its own, so that a crash or a hang is a failure and not the end."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    found = run(300, 1, phantom_data, list(READERS), kept=tmp_path)
    assert found["mutations"] == 300
    assert found["faults"] == []
    assert set(found["by_reader"]) == set(READERS)


@many
@given(hostile.tables("metadata"))
def test_hostile_metadata(guard, data):
    tried("metadata", data, guard)


@many
@given(hostile.tables("cases"))
def test_hostile_case_files(guard, data):
    tried("cases", data, guard)


@many
@given(hostile.tables("manifest"))
def test_hostile_manifests(guard, data):
    tried("manifest", data, guard)


@many
@given(hostile.archives())
def test_hostile_archives(guard, data):
    tried("archive", data, guard)


@many
@given(hostile.recordings(recording()))
def test_hostile_recordings(guard, data):
    tried("recording", data, guard)
