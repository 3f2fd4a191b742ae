"""``cxrlab data fetch`` against a made upstream: what it takes, says and refuses."""

from __future__ import annotations

import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner
from upstream import MENDELEY, NIH, NLM, Upstream, images_in, offer

from cxrlab import sources
from cxrlab.case_files import read_cases
from cxrlab.cli import app
from cxrlab.errors import CXRLabError
from cxrlab.files import workspace_root
from cxrlab.filters import prepare
from cxrlab.sources import (
    ALL_SOURCES,
    EXTERNAL,
    covid,
    download,
    external,
    fetch,
    fetching,
    kermany,
    nih,
)
from cxrlab.sources.tables import is_covid19

runner = CliRunner()


def cxrlab(*words) -> tuple[int, str]:
    """The exit code of ``cxrlab data WORDS``, and what it says."""
    done = runner.invoke(app, ["data", *map(str, words)])
    return done.exit_code, done.output


# --- the whole way ---------------------------------------------------------------------------


def test_fetch_all_brings_a_folder_that_the_course_works_through(upstream, phantom_data):
    code, said = cxrlab("fetch")
    assert code == 0, said
    folder = workspace_root() / "xrays"
    assert "cxrlab data use" in said
    ours, theirs = prepare(folder), prepare(phantom_data)
    assert ours.cases["label"].value_counts().to_dict() == (
        theirs.cases["label"].value_counts().to_dict()
    )
    # Nothing that the filters reject has travelled, nor any pneumonia.
    catalog = covid.load(folder / covid.NAME)
    there = catalog["path"].map(lambda path: isinstance(path, str) and Path(path).is_file())
    assert there[covid.used(catalog)].any() and not there[~covid.used(catalog)].any()
    assert not [path for path in images_in(folder) if path.parent.name == "PNEUMONIA"]


def test_a_second_fetch_asks_for_nothing(upstream, tmp_path):
    fetch("all", tmp_path, limit=8)
    before = {path: path.stat().st_mtime_ns for path in images_in(tmp_path)}
    upstream.behave()
    code, said = cxrlab("fetch", "all", "--data", tmp_path, "--limit", 8)
    assert code == 0
    assert said.count(": 0 images to come") == len(ALL_SOURCES)
    # A table may list more than its repository has: then its list is looked at once more.
    lists = fetching.REPOSITORIES
    assert set(upstream.asked) <= {upstream.listing(name) for name in lists}
    assert before == {path: path.stat().st_mtime_ns for path in images_in(tmp_path)}


def test_licences_and_sizes_are_said_before_an_image_is_asked_for(upstream, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(
        "builtins.print", lambda text: said.append((str(text), upstream.images_asked()))
    )
    fetch("all", tmp_path)
    text = "\n".join(sentence for sentence, asked in said if not asked)
    for name in ALL_SOURCES:
        assert ALL_SOURCES[name].allows in text and ALL_SOURCES[name].citation in text
    assert f"{covid.NAME}: 34 images to come, 2." in text
    said.clear()
    fetch("covid", tmp_path)  # a source that was fetched before is not explained again
    assert not any(ALL_SOURCES[covid.NAME].allows in sentence for sentence, _ in said)


# --- external sets, and whom they stand in for -----------------------------------------------


def with_adults(upstream: Upstream, data: Path) -> Path:
    """The folder that is fetched where Actualmed has the adults of ``data``, without NIH's own."""
    children = sorted((data / kermany.NAME).rglob("NORMAL/*.*"))[:5]
    adults = sorted((data / nih.NAME).iterdir())
    upstream.add_external(*([path.read_bytes() for path in some] for some in (children, adults)))
    return [fetch(what) for what in ("covid", "kermany", "external")][0]


def test_a_fetched_folder_has_healthy_adults_from_the_external_sets(upstream, phantom_data):
    folder = with_adults(upstream, phantom_data)
    cases = prepare(folder, "mixed", balanced=False).cases
    assert set(cases["source"]) == {covid.NAME, kermany.NAME, covid.ACTUALMED}
    assert set(cases.loc[cases["source"] != covid.NAME, "label"]) == {0}
    assert set(read_cases(folder)["image_id"]) == set(cases["image_id"])
    (folder / nih.NAME).mkdir()
    shutil.copy(next((phantom_data / nih.NAME).iterdir()), folder / nih.NAME)
    cases = prepare(folder, "mixed", balanced=False).cases
    assert set(cases["source"]) == {covid.NAME, kermany.NAME, nih.NAME}


@pytest.mark.slow
def test_the_notebooks_work_through_a_fetched_folder(upstream, course_phantoms, monkeypatch):
    offer(upstream, course_phantoms, monkeypatch)
    folder = with_adults(upstream, course_phantoms)
    out = workspace_root() / "out"
    words = ["run", "--data", str(folder), "--budget", "smoke", "--notebooks", "02,06,07"]
    done = runner.invoke(app, [*words, "--out", str(out)])
    assert done.exit_code == 0, done.output


def test_external_sets_are_catalogs(upstream, tmp_path):
    fetch("external", tmp_path)
    figure = covid.load(tmp_path / covid.FIGURE1, covid.FIGURE1).set_index("image_id")
    names = [f"{covid.FIGURE1}/COVID-0000{one}" for one in ("3a.jpg", "3b.png")]
    pair = figure.loc[names]
    assert set(pair["patient_id"]) == {f"{covid.FIGURE1}/COVID-00003"}
    assert pair["path"].map(lambda path: Path(path).is_file()).all()
    assert "–" in pair["notes"].iloc[1]  # the table is not UTF-8
    assert pd.isna(figure["age"].iloc[2])  # 50+
    ours = covid.load(tmp_path / covid.ACTUALMED, covid.ACTUALMED)
    assert ours["finding"].fillna("").tolist() == ["COVID-19", "", "No finding"]
    assert ours["license"].notna().all()
    # The inconclusive one, and pneumonia, have not travelled.
    assert not Path(ours["path"].iloc[1]).is_file()
    assert len(images_in(tmp_path / covid.FIGURE1)) == 3


# --- adults of NIH, and sources for tests --------------------------------------------------------


def test_nihs_healthy_adults_come_out_of_its_archives_with_what_is_known_of_them(
    upstream, phantom_data, tmp_path
):
    adults = sorted((phantom_data / nih.NAME).iterdir())
    fetch("nih", tmp_path, limit=2)
    assert f"{NIH}/images/images_002.zip" not in upstream.asked  # no more than it takes
    few = images_in(tmp_path)
    fetch("nih", tmp_path)
    table = nih.load(tmp_path / nih.NAME)
    assert len(few) == 2 and set(few) < {Path(path) for path in table["path"]}
    assert len(table) == table["patient_id"].nunique() == len(adults)
    known = table[["finding", "age", "sex", "view"]].drop_duplicates().values.tolist()
    assert known == [["No Finding", 45, "F", "PA"]]
    assert Path(table["path"][0]).read_bytes() == adults[0].read_bytes()


def test_as_many_adults_come_as_there_are_positives(upstream, phantom_data, tmp_path, monkeypatch):
    folder = fetch("covid", tmp_path, limit=3)
    rows = (folder / covid.NAME / "metadata.csv").read_text().splitlines()
    catalog = covid.load(folder / covid.NAME)
    ill = is_covid19(catalog["finding"])
    there = [isinstance(path, str) and Path(path).is_file() for path in catalog["path"]]
    assert sum(there) == 3 and ill[there].all()  # a limit is for positives
    used = catalog.index[covid.used(catalog) & ill]
    keep = [rows[0], *(rows[line + 1] for line in used[:2])]
    (folder / covid.NAME / "metadata.csv").write_text("\n".join(keep))
    fetch("nih", tmp_path)
    assert len(images_in(folder / nih.NAME)) == 2


def test_a_table_of_nih_that_is_none_stays_away(upstream, tmp_path):
    upstream.misbehave(f"{NIH}/{fetching.NIH_TABLE}", "another", data=b"all,wrong\n1,2\n")
    with pytest.raises(CXRLabError, match=r"no column 'Image Index'"):
        fetch("nih", tmp_path)
    assert not list((tmp_path / nih.NAME).rglob("*.*"))


def test_repositories_without_a_table_bring_adults_masks_and_nothing_else(upstream, tmp_path):
    for what in ("openist", "cxnet"):
        fetch(what, tmp_path)
    drawn = EXTERNAL["openist"].load(tmp_path / "openist")
    assert len(drawn) == 2
    assert all(external.mask_path(path).is_file() for path in drawn["path"])
    assert len(EXTERNAL["covid-cxnet"].load(tmp_path / "covid-cxnet")) == 3
    assert len(images_in(tmp_path)) == 2 + 2 + 3  # no child, no other folder, nothing outside
    fetch("openist", tmp_path / "few", limit=1)
    assert len(images_in(tmp_path / "few")) == 2  # one X-ray with its mask


def test_without_githubs_list_such_a_repository_cannot_be_fetched(upstream, tmp_path):
    upstream.misbehave(upstream.listing("covid-cxnet"), "forbidden")
    with pytest.raises(CXRLabError, match=r"GitHub lists no X-rays in .*CXNet.* 60 lists"):
        fetch("cxnet", tmp_path)


def test_tuberculosis_brings_adults_of_both_hospitals(upstream, tmp_path):
    fetch("tuberculosis", tmp_path, limit=6)
    for name in fetching.HOSPITALS:
        table = EXTERNAL[name].load(tmp_path / name)
        assert len(table) <= len(images_in(tmp_path / name)) == 6
        assert (table["age"] >= 18).all() and set(table["view"]) == {"PA"}
        assert set(table["finding"]) <= {"No Finding", "Tuberculosis"}
    upstream.behave()
    fetch("shenzhen", tmp_path, limit=8)
    images = upstream.images_asked()
    assert len(images) == 2 and all(path.startswith(NLM["shenzhen"]) for path in images)


def test_a_disk_without_room_is_said_before(upstream, tmp_path, monkeypatch):
    left = shutil.disk_usage(tmp_path)._replace(free=30_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: left)
    with pytest.raises(CXRLabError, match=r"openist: only 30.0 kB are free. Take fewer"):
        fetch("openist", tmp_path)
    assert not images_in(tmp_path)


# --- which images, and over which way --------------------------------------------------------


def test_a_limit_takes_that_many_per_source_and_a_larger_one_keeps_them(upstream, tmp_path):
    fetch("all", tmp_path, limit=3)
    few = images_in(tmp_path)
    assert len(images_in(tmp_path / covid.NAME)) == len(images_in(tmp_path / kermany.NAME)) == 3
    (images_in(tmp_path / kermany.NAME)[0].parent / ".half.jpeg").write_bytes(b"left by a kill")
    upstream.behave()
    fetch("all", tmp_path, limit=5)
    assert len(images_in(tmp_path / covid.NAME)) == len(kermany.load(tmp_path / kermany.NAME)) == 5
    assert set(few) <= set(images_in(tmp_path))
    assert sum(upstream.raw(covid.NAME) in path for path in upstream.images_asked()) == 2


def test_a_copy_what_kaggle_attached_and_mendeley_give_the_same_xrays(
    upstream, phantom_data, tmp_path, monkeypatch
):
    zipped = tmp_path / "ChestXRay2017.zip"
    zipped.write_bytes(upstream.files[MENDELEY])
    found = []
    for archive in (None, zipped, phantom_data / "chest_xray"):
        found.append(images_in(fetch("kermany", tmp_path / str(len(found)), 12, archive)))
    upstream.behave()
    monkeypatch.setattr(fetching, "ATTACHED", tmp_path / "input")
    attached = tmp_path / "input" / "chest-xray-pneumonia" / "chest_xray"
    shutil.copytree(phantom_data / "chest_xray", attached)
    found.append(images_in(fetch("kermany", tmp_path / "3", 12)))
    assert not upstream.asked
    names = [[path.name for path in paths] for paths in found]
    assert names[0] == names[1] == names[2] == names[3]
    assert len(set(names[0])) == 12
    assert not any(path.is_symlink() for path in found[3])  # what Kaggle attaches does not stay


# --- what fails ------------------------------------------------------------------------------


def test_what_fails_is_listed_the_rest_kept_and_a_rerun_completes(upstream, tmp_path):
    name = images_in(fetch("covid", tmp_path / "first"))[0].name
    image = f"{upstream.raw(covid.NAME)}images/{name}"
    upstream.misbehave(image, "missing")
    folder = tmp_path / "x"
    code, said = cxrlab("fetch", "--data", folder)
    assert code == 1
    assert "1 failure" in said and name in said and "Run the same once more" in said
    assert (
        f"{covid.NAME}: 3 of 36 images" in cxrlab("status", "--data", folder)[1]
    )  # two are nowhere
    assert len(images_in(folder / kermany.NAME)) > 10
    upstream.behave()
    assert cxrlab("fetch", "--data", folder)[0] == 0
    assert upstream.images_asked() == [image]


def test_another_file_under_the_name_of_an_image_is_refused(upstream, tmp_path):
    one, other = images_in(fetch("covid", tmp_path / "first"))[:2]
    image = f"{upstream.raw(covid.NAME)}images/{one.name}"
    upstream.misbehave(image, "another", data=other.read_bytes())
    with pytest.raises(CXRLabError, match=f"{one.name} is not the file that the repository lists"):
        fetch("covid", tmp_path / "second")
    assert one.name not in [path.name for path in images_in(tmp_path / "second")]


def test_without_githubs_list_content_is_checked_by_decoding(upstream, tmp_path):
    upstream.misbehave(upstream.listing(covid.NAME), "forbidden")
    # One phantom is cut short, and without a hash nobody can say that the source has it so.
    with pytest.raises(CXRLabError, match="truncated"):
        fetch("covid", tmp_path)
    assert "truncated" not in cxrlab("status", "--data", tmp_path)[1]
    assert len(images_in(tmp_path)) > 10


def test_without_a_connection_every_source_says_so(upstream, tmp_path, monkeypatch):
    monkeypatch.setenv("CXRLAB_MIRROR", "http://127.0.0.1:9")  # nobody listens there
    code, said = cxrlab("fetch", "--data", tmp_path)
    assert code == 1
    assert "cannot be reached" in said and "Traceback" not in said
    assert not images_in(tmp_path)


def test_two_fetches_at_once_bring_everything_once(upstream, tmp_path):
    meet = threading.Barrier(2)

    def one(_):
        meet.wait()
        return fetch("covid", tmp_path)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(one, range(2))) == [tmp_path, tmp_path]
    images = upstream.images_asked()
    assert len(images) == len(set(images)) == len(images_in(tmp_path))


def test_a_fetch_that_was_stopped_goes_on(upstream, tmp_path, monkeypatch):
    def stop_after_five(path, data):
        write(path, data)
        if len(images_in(tmp_path)) >= 5:
            raise KeyboardInterrupt

    write = download.write_atomically
    monkeypatch.setattr(download, "write_atomically", stop_after_five)
    with pytest.raises(KeyboardInterrupt):
        fetch("covid", tmp_path)
    monkeypatch.setattr(download, "write_atomically", write)
    there = {path.name for path in images_in(tmp_path)}
    upstream.behave()
    fetch("covid", tmp_path)
    assert 5 <= len(there) < len(images_in(tmp_path))
    assert not there & {Path(path).name for path in upstream.images_asked()}


# --- strangers and wrong choices -------------------------------------------------------------


def test_a_table_can_name_no_path_and_no_address(upstream, tmp_path):
    picture = upstream.files[upstream.raw(covid.FIGURE1) + "images/COVID-00003a.jpg"]
    odd = "a b?x=1#y%2e é.png" if sys.platform != "win32" else "a b#y%2e é.png"
    names = [odd, "../../evil.png", "http://127.0.0.1/evil.png", "images/../../evil.png"]
    rows = [f"9,COVID-19,PA,X-ray,images,{name}" for name in names]
    rows = ["patientid,finding,view,modality,folder,filename", *rows]
    rows += ["9,COVID-19,PA,X-ray,../..,evil.png", "9,COVID-19,PA,X-ray,annotations,evil.png"]
    upstream.add_repository(covid.NAME, "\n".join(rows).encode(), {odd: picture})
    upstream.misbehave(upstream.listing(covid.NAME), "forbidden")
    folder = fetch("covid", tmp_path / "deep" / "x")
    assert images_in(tmp_path) == [folder / covid.NAME / "images" / odd]
    assert upstream.images_asked() == [f"{upstream.raw(covid.NAME)}images/{odd}"]


def test_which_members_of_an_archive_are_normal_xrays():
    normal = {"chest_xray/train/NORMAL/IM-1.jpeg": "train/NORMAL/IM-1.jpeg"}
    normal |= {"a/b/TEST/normal/IM-1.PNG": "test/NORMAL/IM-1.PNG"}
    normal |= {"../../train/NORMAL/IM-1.jpeg": "train/NORMAL/IM-1.jpeg"}  # under a harmless name
    others = ["train/PNEUMONIA/IM-1.jpeg", "train/NORMAL/..\\IM-1.jpeg", "train/NORMAL/"]
    others += ["__MACOSX/train/NORMAL/._IM-1.jpeg", "train/NORMAL/../IM-1.jpeg"]
    for inside, name in {**normal, **dict.fromkeys(others)}.items():
        assert fetching.normal_name(inside) == name


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"what": "mimic"}, "cannot be fetched"),
        ({"limit": 0}, "at least 1"),
        ({"archive": "nowhere.zip"}, "neither a file nor a folder"),
        ({"data": "phantoms"}, "holds phantoms"),
        ({"data": "file"}, "Choose another folder"),
        ({"what": "kermany", "archive": "file"}, "is damaged, or did not come whole"),
        ({"what": "kermany", "archive": "empty"}, "holds no normal X-rays"),
    ],
)
def test_a_wrong_choice_is_a_sentence(phantom_data, tmp_path, monkeypatch, choices, message):
    monkeypatch.chdir(tmp_path)
    Path("phantoms").symlink_to(phantom_data)
    Path("file").write_text("a file")
    Path("empty").mkdir()
    with pytest.raises(CXRLabError, match=message):
        fetch(**{"data": tmp_path / "x", **choices})


# --- what is known afterwards ----------------------------------------------------------------


def test_cite_prints_what_the_folder_asks_for(tmp_path, phantom_data):
    _, every = cxrlab("cite")
    assert all(source.citation in every for source in ALL_SOURCES.values())
    (tmp_path / kermany.NAME).mkdir()
    _, one = cxrlab("cite", "--data", tmp_path)
    assert "10.17632/rscbjbr9sj.2" in one
    assert "arxiv" not in one.lower()
    assert "nothing to cite" in cxrlab("cite", "--data", phantom_data)[1]


def test_use_is_remembered_and_phantom_goes_back(tmp_path):
    assert cxrlab("use", tmp_path)[0] == 0
    assert sources.data_folder() == tmp_path.resolve()
    assert "phantoms" in cxrlab("use", "phantom")[1]
    assert cxrlab("use", tmp_path / "none")[0] == 1
