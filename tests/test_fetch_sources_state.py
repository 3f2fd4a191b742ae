"""What is known of a fetched folder: its state, its manifest, its terms, and which is in use."""

from __future__ import annotations

from typer.testing import CliRunner
from upstream import quiet

from cxrlab import sources
from cxrlab.cli import app
from cxrlab.data_status import fetched_state
from cxrlab.sources import covid, kermany, manifest
from cxrlab.sources.fetch_all import fetch
from cxrlab.sources.licences import TERMS

runner = CliRunner()


def test_status_tells_complete_short_and_stale(upstream, tmp_path, monkeypatch):
    fetch("covid", tmp_path, say=quiet)
    assert "complete as fetched" in fetched_state(tmp_path)[0]
    image = next((tmp_path / covid.NAME / "images").iterdir())
    data = image.read_bytes()
    image.write_bytes(data[:-1])
    assert "1 of" in fetched_state(tmp_path)[0]
    image.write_bytes(data)
    other = upstream.raw(covid.NAME, "older") + "metadata.csv"
    table = upstream.files[upstream.raw(covid.NAME) + "metadata.csv"]
    upstream.add_repository(covid.NAME, table.replace(b"\n", b"\r\n"), {image.name: data}, "older")
    assert other in upstream.files
    report = fetch("covid", tmp_path, commit="older", say=quiet)
    assert report.complete, report
    assert b"\r\n" in (tmp_path / covid.NAME / "metadata.csv").read_bytes()
    assert "another state" in fetched_state(tmp_path)[0]
    shown = runner.invoke(app, ["data", "status", "--data", str(tmp_path)])
    assert "another state" in " ".join(shown.output.split())


def test_a_manifest_that_is_damaged_or_made_up_does_no_harm(tmp_path):
    for text in ("", "[]", '{"sources": 3}', '{"sources": {"x": {"images": 1}}}', "\x00"):
        (tmp_path / manifest.NAME).write_text(text)
        assert manifest.read(tmp_path) == {}
        assert fetched_state(tmp_path) == []


def test_cite_prints_what_the_folder_asks_for(tmp_path):
    every = runner.invoke(app, ["data", "cite"])
    assert all(terms.address in every.output for terms in TERMS.values())
    (tmp_path / kermany.NAME).mkdir()
    one = runner.invoke(app, ["data", "cite", "--data", str(tmp_path)])
    assert "10.17632/rscbjbr9sj.2" in one.output
    assert "arxiv" not in one.output.lower()


def test_use_is_remembered_and_phantom_goes_back(tmp_path, monkeypatch):
    monkeypatch.delenv("CXRLAB_DATA", raising=False)
    assert runner.invoke(app, ["data", "use", str(tmp_path)]).exit_code == 0
    assert sources.data_folder() == tmp_path.resolve()
    assert runner.invoke(app, ["data", "use", "phantom"]).exit_code == 0
    assert "phantoms" in runner.invoke(app, ["data", "use", "phantom"]).output
    missing = runner.invoke(app, ["data", "use", str(tmp_path / "none")])
    assert missing.exit_code == 1
