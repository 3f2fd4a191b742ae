"""Wrong answers that readers hand in, each told in words of its own; right ones written otherwise.

The declared slips of functions are tried in test_exercises.py.
"""

from __future__ import annotations

import keras
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers

from cxrlab.exercises import nb01, nb02, nb03, nb06, nb07
from cxrlab.exercises.engine import State
from cxrlab.exercises.quiz import exercises_by_notebook
from cxrlab.model import published_network

mpl.use("Agg")
EXERCISES = {e.key: e for exercises in exercises_by_notebook().values() for e in exercises}


def reader(key, answer):
    """The answer; of a text ``old -> new && old -> new`` what the solution becomes with that."""
    if not isinstance(answer, str) or " -> " not in answer:
        return answer
    code = EXERCISES[key].answer
    for change in answer.split(" && "):
        old, new = change.split(" -> ")
        assert old in code, old
        code = code.replace(old, new)
    return EXERCISES[key].run(code)


def network(**changed):
    """A small network, with one thing different."""
    of = {"units": 1, "activation": "sigmoid", "loss": "binary_crossentropy", "filters": 8}
    of |= {"shape": (224, 224, 3), "middle": "GlobalAveragePooling2D", "bend": "relu", **changed}
    stack = [] if of["shape"] is None else [keras.Input(of["shape"])]
    stack += [of["first"]] if "first" in of else []
    if of["filters"]:
        stack.append(layers.Conv2D(of["filters"], 3, activation=of["bend"]))
    if of["middle"]:
        stack.append(getattr(layers, of["middle"])())
    model = keras.Sequential([*stack, layers.Dense(of["units"], activation=of["activation"])])
    if of["loss"] or "compiled" in changed:
        model.compile(optimizer="adam", loss=of["loss"])
    return model


def adapted(highest):
    """A Normalization adapted to pixels from 0 to ``highest``."""
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(0).uniform(0, highest, (4, 8, 8, 3)))
    return layer


def functional(bend, end):
    inputs = keras.Input((224, 224, 3))
    x = layers.GlobalAveragePooling2D()(bend(layers.Conv2D(16, 3)(inputs)))
    model = keras.Model(inputs, end(layers.Dense(1)(x)))
    model.compile(loss=keras.losses.BinaryCrossentropy())
    return model


def with_age():
    image, age = keras.Input((224, 224, 3)), keras.Input((1,))
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="relu")(image))
    score = layers.Dense(1, activation="sigmoid")(layers.Concatenate()([seen, age]))
    model = keras.Model([image, age], score)
    model.compile(loss="binary_crossentropy")
    return model


LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)
SPARSE = {"units": 2, "activation": "softmax", "loss": "sparse_categorical_crossentropy"}
CURVES, VERDICTS, LINES = nb03.diagnose.run(), nb06.what_it_reads.run(), nb07.card_lines.run()
LATER_FOLD = "rest, part = next(pairs) -> *_, (rest, part) = pairs"
ROWS = "return table.iloc[rest], table.iloc[part]"
AS_TEXT = f"{ROWS} -> {ROWS}.astype(str)"  # 12 and "12" are one patient
ALL_OF_IT = "return files.shuffle(len(files), seed=0).map(load).batch(32)"
SPECIFICITY = "recall_score(labels, calls, pos_label=0, zero_division=np.nan)"
OF_COUNTS = "(lambda tn, fp, *_: tn / (tn + fp))(*confusion_matrix(labels, calls{}).ravel())"
OF_ALL = "np.concatenate([np.flatnonzero(patients == each) for each in drawn])"


WRONG = {
    "01.ten_calls": [
        ([1, 0, 1], "3 entries"),
        (["1"] * 10, "without quotation marks"),
        ("0110", "such as `[0, 1, 1"),
        (pd.Series([pd.NA, *[1] * 9], index=range(7, 17)), "Undecided"),
    ],
    "01.matrix": [
        (lambda t, c: pd.DataFrame({"t": t, "c": c}), "has the shape (10, 2)"),
        (lambda t, c: pd.crosstab(t, c).set_axis(["well", "ill"]), "named 0 and 1"),
    ],
    "01.implied_specificity": [(lambda p, r: 1 - r * (1 - float(p)) / p, "take columns")],
    "01.people": [
        (lambda r, s, i, h: (i * r, i - i * r), "but should be {'tp': 186"),
        (lambda r, s, i, h: {"tp": i * r, "fn": i - i * r, "fp": h - h * s}, "add up to `ill`"),
    ],
    "01.screening_cost": [(lambda i, h, r, s, m, a: 0, "add misses")],
    "02.spellings": [
        ('na=False)] -> na=False)][:1]', "shape"),
        ('na=False)] -> na=False)].reset_index(drop=True)', "reset_index"),
        ('return table[table["finding"] -> return table[table["findings"]', "KeyError"),
    ],
    "02.waterfall": [
        ('"rows left" -> ""', "no name"),
        ('x=list(counts.values()) -> x=sorted(counts.values())', "in this order"),
        ('barplot(x=list(counts.values()), -> countplot(', "countplot"),
        ('y=list(counts) -> y=list("abcde")', "named a, b, c"),
        ('return ax -> return None', "the Axes that"),
    ],
    "02.clue": [(lambda table, column: table[column], "a Series")],
    "02.split": [
        ('StratifiedGroupKFold -> StratifiedKFold', "patients apart"),
        ('groups=table["group"] -> groups=table["patient_id"]', "share a duplicate"),
        (f'StratifiedGroupKFold -> StratifiedKFold && {AS_TEXT}', "patients apart"),
        ('StratifiedGroupKFold -> GroupKFold', "stratified"),
        (', shuffle=True, random_state=seed -> ', "seeds 0 and 1"),
        ('=seed -> =None', "same seed"),
        ('KFold(folds -> KFold(5', "folds=3"),
        (f'{ROWS} -> return rest, part', "positions"),
        (f'{ROWS} -> {ROWS}[:-9]', "loses 9"),
        (f'{ROWS} -> return table.iloc[part], table.iloc[rest]', "small table first"),
        (f'{ROWS} -> return table, table.head(40)', "40 in both tables"),
        (f'{ROWS} -> return table[["label"]], table.head(40)', "whole rows"),
    ],
    "03.convolution": [
        (lambda pixels, kernel: np.zeros((4, 4)), "2 × 2 positions"),
        (lambda pixels, kernel: np.zeros((2, 2)), "begins at"),
        ('row + 3 -> row + 2', "stops with ValueError"),
    ],
    "03.blocks": [
        ('(64, -> (128,', "swapped"),
        ('(64, -> (32,', "should be 64"),
        ('(64, 3 -> (64, 5', "kernel"),
        ('(dropout), -> (0.3),', "`second_block(0.4)` is 0.3, but should be 0.4"),
        ('layers.Dropout(dropout), -> ', "returns ['Conv2D', 'MaxPooling2D'],"),
        ((lambda rate: keras.Sequential(), lambda rate: []), "list of layers"),
    ],
    "03.pipeline": [
        ('.map(load).batch(32) -> ', "paths, no pictures"),
        ('.shuffle(len(files), seed=0) -> ', "does not shuffle"),
        (f'{ALL_OF_IT} -> b = files.map(load).batch(32); return b.skip(1).concatenate(b.take(1))',
        "gives batches of [8, 32]"),
        ('.map(load).batch(32) -> .batch(32).map(load)', "`load` takes one path at a time"),
        ('len(files) -> 2', "too late or too little"),
        ('.batch(32) -> .batch(32, drop_remainder=True)', "at the end"),
        ('.batch(32) -> .batch(32).repeat()', "no repeat"),
        ('map(load) -> map(lambda path, y: (load(path, y)[0], 39 - y))', "of others"),
    ],
    "03.curves": [
        (CURVES | {"A": "overfit"}, "`diagnosis['A']` is not 'overfit': both losses fall"),
        ({"A": "fine", "B": "overfit"}, "nothing of C"),
        (CURVES | {"A": "good"}, "Choose one of fine, overfit, underfit"),
        (["fine", "overfit", "underfit"], "dictionary"),
    ],
    "03.small": [
        (None, "`compile` on a line of its own"),
        (network(shape=None), "or use `keras.Model`"),
        (with_age(), "2 inputs and 1 outputs"),
        (network(shape=(224, 224, 1)), "three channels"),
        (network(loss=None, compiled=True), "no loss yet"),
        (network(filters=0), "no Conv2D"),
        (network(middle=None), "GlobalAveragePooling2D"),
        (network(bend=None, first=layers.Rescaling(2)), "before the last has an activation"),
        (network(activation=None), "below 0"),
        (functional(layers.ReLU(), layers.Lambda(tf.sigmoid)), "in 1 units with lambda"),
        (network(activation="softmax"), "always 1"),
        (network(loss=LOGITS), "from_logits=True"),
        (network(**SPARSE), "reads a score from 0 to 1"),
        (network(loss="mse"), "two classes"),
        (network(middle="Flatten"), "Flatten hands on"),
        (network(filters=1), "too few"),
        (network(first=layers.Rescaling(1 / 255)), "white hardly differs from black"),
        (network(first=adapted(255)), "adapt a `Normalization` to such pixels"),
    ],
    "04.specificity": [
        (f"{SPECIFICITY} -> {OF_COUNTS.format('')}", "labels=[0, 1]"),
        (lambda y, c: 0.5, "np.nan where nobody is healthy"),
    ],
    "04.threshold": [
        (lambda v, t, wanted: (wanted, 0.5), "highest threshold that reaches the recall"),
        (lambda v, t, wanted: 0.5, "should be two"),
        (lambda v, t, wanted: ("0.5", 0.5), "not a number"),
    ],
    "04.bootstrap": [
        ('rng.integers(n, size=(1000, n)) -> [[*range(n)]] * 1000', "come again"),
        ('1000, n -> 100, n', "shape (100,)"),
        ('[0.025, 0.975] -> [0.05, 0.95]', "middle 90 %"),
        ('[0.025, 0.975] -> [0.975, 0.025]', "higher one first"),
        ('[0.025, 0.975] -> [0.25, 0.75]', "middle half"),
        ('[0.025, 0.975] -> [0, 1]', "extremes"),
        ('[0.025, 0.975] -> [0.03, 0.97]', "take quantiles"),
        ('[0.025, 0.975] -> 0.025', "but the middle 95 %"),
        ("drawn[:, 1] -> n", "0.72 on average"),
    ],
    "04.ppv": [
        ("/ (true -> / float(true", "take columns"),
    ],
    "05.choices": [
        ('"dropout" -> "rate"', "`dropout`"),
        ('return dense_units, dropout, learning_rate -> return', "is None"),
        ('    return ->     hp.Choice("depth", [2])\n    return', "nothing else"),
        ('[0.2, 0.3 -> [0, 0.1, 0.2, 0.3', "one type: 0.0, not 0, beside 0.1"),
        ('return dense_units -> return float(dense_units)', "return the three"),
    ],
    "05.leaderboard": [
        ('ignore_index=True) -> ignore_index=True).drop(columns="val_loss")', "no column val_loss"),
        ('ignore_index=True) -> ignore_index=True).head(1)', "all trials"),
        ("return pd -> return rows or pd", "a DataFrame: return the table"),
    ],
    "05.discordant": [(lambda truth, a, b: (0, 0), "Go case by case")],
    "05.power": [
        ('np.mean( -> sum(', "not their count"),
    ],
    "06.frame": [
        ("return mask -> return mask.tolist()", "should hold bool"),
        ("return mask -> return mask[0]", "has the shape (9,)"),
    ],
    "06.verdicts": [
        (VERDICTS | {"A": "no sign"}, "What is left of the disease"),
        (VERDICTS | {"D": ["source"]}, "Choose one of"),
        ({"A": "source"}, "says nothing of B, C, D"),
    ],
    "06.boxes": [
        ('    return ->         return', "first box only"),
        ('= grey -> = 128', "everything else as it was"),
    ],
    "06.gradcam": [
        ('tf.reduce_sum(maps * weights, -1) -> maps * weights', "one value per place"),
        (', keepdims=True -> ', "stops with InvalidArgumentError"),
    ],
    "06.random": [
        (lambda layer, rng: [w * 0 for w in layer.get_weights()], "drawn in their order"),
        (lambda layer, rng: None, "did you `return` it"),
    ],
    "06.controls": [
        ({"a"}, "report 0.53"),
        ({"b", "f"}, "healthy strangers"),
        (set(), "3 more should be in it"),
        ("b, d, f", "Choose from"),
        ({1}, "names 1"),
        (3, "set of letters"),
    ],
    "07.bootstrap": [
        (f"{OF_ALL} -> rng.integers(0, labels.size, labels.size)", "draws X-rays"),
        (f"{OF_ALL} -> np.isin(patients, drawn)", "twice only once"),
        ('names.size) -> names.size, replace=False)', "with replacement"),
        ('[2.5, 97.5] -> [5, 95]', "90 % interval"),
        ('[2.5, 97.5] -> [25, 75]', "quartiles"),
        ('[2.5, 97.5] -> [0, 100] && 300 -> 200', "at the extremes"),
        ('[2.5, 97.5] -> [97.5, 2.5]', "upper end first"),
        (lambda labels, scores, patients: (np.nan, np.nan), "nan to nan"),
        (f"{OF_ALL} -> drawn", "stops with"),
    ],
    "07.rival": [
        ('model.fit -> model or model.fit', "not fitted yet"),
        ('handle_unknown="ignore" -> ', "At a new value"),
        ('training[[column]] -> training', "two brackets"),
    ],
    "07.ppv": [
        ("if true + false else None -> ", "ZeroDivisionError"),
        (lambda r, s, p: 0.3, "10,000 people"),
    ],
    "07.benefit": [(lambda tp, fp, n, t: fp / n, "is 0.2, but should be 0.05778")],
    "07.repair": [
        ("none", "adults it alarms 0.95"),
        ("Mixed", "0.16"),
        (4, "an int (4)"),
    ],
    "07.card": [
        ({"Intended use": LINES["Intended use"]}, 'Under "Elsewhere" `lines` has None'),
        (LINES | {"Limits": "None known."}, "a whole sentence"),
        (LINES | {"Intended use": "For lessons about networks and chest X-rays."}, "*not* for"),
        (LINES | {"Elsewhere": "Recall there was 0.91, from 0.85 to 0.95."}, "of how many"),
        (LINES | {"Limits": "It has been tested on simulated X-rays of adults."}, "no limit"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "answer", "words"),
    [(key, answer, words) for key, rows in WRONG.items() for answer, words in rows],
    ids=[f"{key}-{words}" for key, rows in WRONG.items() for _, words in rows],
)
def test_a_wrong_answer_is_told_what_it_is(key, answer, words):
    verdict = EXERCISES[key].judge(reader(key, answer))
    assert verdict.state is State.WRONG, verdict.message
    assert words in verdict.message, verdict.message
    assert "cannot be checked" not in verdict.message
    assert plt.get_fignums() == []


def test_every_exercise_is_tried_here():
    assert list(WRONG) == [key for key in EXERCISES if ".quiz" not in key]


RIGHT = [
    ("01.ten_calls", np.array([1, 0] * 5)),
    ("01.matrix", "pd.crosstab(truth, call) -> pd.DataFrame({'t': truth, 'c': call}).groupby("
     "['t', 'c']).size().unstack(fill_value=0)"),
    ("01.implied_specificity", lambda p, r: 1 - (r / p - r)),
    ("01.people", lambda r, s, i, h: dict(zip(["tp", "fn", "fp", "tn"], np.rint(
        [i * r, i * (1 - r), h * (1 - s), h * s]), strict=True))),
    ("01.screening_cost", "ill * (1 - recall) -> ill - round(ill * recall)"),
    ("02.clue", lambda t, c: t.fillna({c: "?"}).groupby([c, "label"]).size().groupby(c).max().sum()
     / len(t)),
    ("02.spellings", lambda t: t[["COVID-19" in str(each) for each in t["finding"]]]),
    ("03.convolution", "return outputs -> return outputs.tolist()"),
    ("02.waterfall", "x=list(counts.values()), y=list(counts) -> y=list(counts.values()), "
     "x=list(counts) && set_xlabel -> set_ylabel"),
    ("02.split", LATER_FOLD),
    ("03.small", functional(keras.ops.relu, keras.ops.sigmoid)),
    ("03.small", functional(layers.Lambda(tf.nn.elu), layers.Activation("sigmoid"))),
    ("03.small", network(filters=16, first=adapted(1))),
    ("03.small", network(filters=16, loss=["binary_crossentropy"])),
    ("03.small", network(filters=16, loss="binary_focal_crossentropy", bend=layers.ReLU())),
    ("04.specificity", f"{SPECIFICITY} -> {OF_COUNTS.format(', labels=[0, 1]')}"),
    ("04.threshold", "return threshold, -> return threshold - 0.01,"),
    ("04.bootstrap", "rng.integers(n, size=(1000, n)) -> [rng.choice(n, n) for _ in range(1000)]"),
    ("05.discordant", lambda t, a, b: np.array([((a == t) > (b == t)).sum(),
                                               ((b == t) > (a == t)).sum()])),
    ("05.power", "default_rng(0) -> default_rng(1)"),
    ("06.frame", lambda n, w: np.pad(np.zeros((n - 2 * w,) * 2, bool), w, constant_values=True)),
    ("06.verdicts", VERDICTS | {"A": "Source ", "B": np.str_("no sign")}),
    ("06.boxes", ".copy() -> .astype(float)"),
    ("06.gradcam", ", keepdims=True ->  && maps * weights -> maps * weights[:, None, None]"),
    ("06.gradcam", "tf.reduce_mean(gradient, -> gradient.numpy().mean("),
    ("06.random", lambda layer, rng: tuple(0.05 * rng.normal(size=w.shape) for w in layer.weights)),
    ("06.controls", np.array(["f", "d", "b"])),
    ("07.bootstrap", "default_rng(0) -> default_rng(1) && 300 -> 200"),
    ("07.rival", "LogisticRegression() -> LogisticRegression(C=10)"),
    ("07.benefit", lambda tp, fp, n, t: np.float64(tp - fp * t / (1 - t)) / n),
    ("07.repair", np.str_(" Mixed and cropped ")),
    ("07.card", {
        "Intended use": "It can't be used for patients: it is for lessons.",
        "Elsewhere": "Recall in hospital B: 91 % (84 to 94 %; n = 220 X-rays of COVID-19).",
        "Limits": "We cannot tell whether it works for children.",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("key", "answer"), RIGHT, ids=[key for key, _ in RIGHT])
def test_a_right_answer_written_otherwise_passes(key, answer):
    verdict = EXERCISES[key].judge(reader(key, answer))
    assert verdict.state is State.CORRECT, verdict.message


def test_what_is_right_may_be_remarked_on():
    assert "the same" in nb01.ten_calls.judge([1] * 10).message
    later_fold = reader("02.split", LATER_FOLD)
    assert "another one than the course's" in nb02.split_off.judge(later_fold).message
    assert "parameters" in nb03.small_network.judge(network(filters=16)).message


def test_a_figure_of_the_readers_own_stays_open():
    own = plt.figure()
    nb02.waterfall.judge(nb02.waterfall.run())
    assert plt.get_fignums() == [own.number]
    plt.close(own)


def test_the_blocks_of_the_solution_are_those_of_the_published_network():
    published = published_network()
    assert published.count_params() == nb03.PUBLISHED_PARAMETERS
    for block, first in zip(nb03.two_blocks.run(), (3, 6), strict=True):
        ours = [layer.get_config() for layer in block(0.3)]
        for has, layer in zip(ours, published.layers[first:], strict=False):
            same = ("filters", "kernel_size", "pool_size", "activation", "rate")
            assert all(has.get(each) == layer.get_config().get(each) for each in same)


def test_the_made_up_tables_hold_what_their_exercise_is_about(capsys):
    table = nb02.made_up_cases()
    assert table["image_id"].is_unique and not table.index.is_monotonic_increasing
    assert table["group"].nunique() < table["patient_id"].nunique() < len(table)
    assert (table.groupby("group")["label"].nunique() == 1).all()
    curves = {name: curve.iloc[-1] for name, curve in nb03.three_trainings().items()}
    assert curves["A"].val_loss < 0.3 and abs(curves["A"].loss - curves["A"].val_loss) < 0.1
    assert curves["B"].loss < 0.1 and curves["B"].val_loss > 0.6
    assert curves["C"].loss > 0.6 and curves["C"].val_loss > 0.6
    assert nb06.four_networks().shape == (4, 5)
    nb06.claim()
    printed = capsys.readouterr().out
    assert all(f"\n{letter}: " in printed for letter in "abcdefg")


def test_one_repair_meets_all_demands_and_a_reply_names_what_the_others_miss():
    for _, row in nb07.repairs_tried().iterrows():
        least = nb07.DEMANDS["recall"]
        missed = [row["recall"]] if row["recall"] < least else []
        missed += [row[each] for each in [*nb07.DEMANDS][1:] if row[each] > nb07.DEMANDS[each]]
        verdict = nb07.repair_choice.judge(row["repair"])
        assert (verdict.state is State.CORRECT) == (not missed)
        assert all(f"{value:.2f} (at" in verdict.message for value in missed)
