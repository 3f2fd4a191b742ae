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
import seaborn as sns
import tensorflow as tf
from keras import layers
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, recall_score, roc_auc_score, roc_curve
from sklearn.model_selection import (
    GroupKFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)

from cxrlab.exercises import State, nb01, nb02, nb03, nb04, nb05, nb06, nb07
from cxrlab.exercises.quiz import exercises_by_notebook

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


# Answers of notebook 02


def bars(sizes, names, label="rows left"):
    ax = sns.barplot(x=list(sizes), y=list(names))
    ax.set_xlabel(label)
    return ax


def upright(counts):
    ax = sns.barplot(x=list(counts), y=list(counts.values()))
    ax.set_ylabel("rows")
    return ax


def first_fold(splitter, column="group"):
    """A function like the solution, with another splitter or other groups."""

    def split_off(table, folds, seed):
        drawn = splitter(folds, seed).split(table, table["label"], table[column])
        rest, part = next(drawn)
        return table.iloc[rest], table.iloc[part]

    return split_off


def right(folds, seed):
    return StratifiedGroupKFold(folds, shuffle=True, random_state=seed)


def positions(table, folds, seed):
    return next(right(folds, seed).split(table, table["label"], table["group"]))


def by_name_of_row(table, folds, seed):
    rest, part = positions(table, folds, seed)
    return table.loc[table.index.isin(rest)], table.loc[table.index.isin(part[:-9])]


def hidden_leak(table, folds, seed):
    """12 and "12" are one patient."""
    rest, part = train_test_split(table, test_size=1 / folds, random_state=seed)
    return rest, part.astype({"patient_id": str, "group": str})


def later_fold(table, folds, seed):
    *_, (rest, part) = right(folds, seed).split(table, table["label"], table["group"])
    return table.iloc[rest], table.iloc[part]


# Answers of notebook 03


def block(filters, kernel=3, activation="relu", pool=2, rate=None, **more):
    def build(dropout):
        return [
            layers.Conv2D(filters, kernel, activation=activation, **more),
            layers.MaxPooling2D(pool),
            layers.Dropout(dropout if rate is None else rate),
        ]

    return build


def load(path, label):
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    return tf.image.resize(image, (224, 224)) / 255, label


def late_shuffle(files):
    """What a shuffle after `batch` does to two batches in half of the runs."""
    batches = files.map(load).batch(32)
    return batches.skip(1).concatenate(batches.take(1))


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


def subclassed():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.all = network()

        def call(self, x):
            return self.all(x)

    model = Own()
    model(np.zeros((1, 224, 224, 3)))
    model.compile(loss="binary_crossentropy")
    return model


LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)
SPARSE = {"units": 2, "activation": "softmax", "loss": "sparse_categorical_crossentropy"}
CURVES = {"A": "fine", "B": "overfit", "C": "underfit"}


# Answers of notebook 04


def by_roc(validation, test, wanted):
    _, recall, cuts = roc_curve(*validation)
    threshold = cuts[np.argmax(recall >= wanted)]
    labels, scores = test
    return threshold, recall_score(labels, scores >= threshold, pos_label=0)


def by_counts(divide=lambda tn, fp: tn / (tn + fp), **labels):
    """A specificity from the four counts."""

    def specificity_of(truth, calls):
        tn, fp, *_ = confusion_matrix(truth, calls, **labels).ravel()
        return divide(tn, fp)

    return specificity_of


def recalls_of(unit="patient", ends=(0.025, 0.975), draws=1000, replace=True):
    """A reader's bootstrap, in a loop, with slips to choose from."""

    def bootstrap(cases, rng):
        groups = [group["found"].to_numpy() for _, group in cases.groupby("patient")]
        if unit == "X-ray":
            groups = [np.array([found]) for found in cases["found"]]
        recalls = []
        for _ in range(draws):
            drawn = rng.choice(len(groups), size=len(groups), replace=replace)
            recalls.append(np.concatenate([groups[number] for number in drawn]).mean())
        return recalls, np.quantile(recalls, ends)

    return bootstrap


# Answers of notebooks 05, 06 and 07


VERDICTS = {"A": "source", "B": "no sign", "C": "open", "D": "open"}


def by_position(labels, scores, patients):
    names, codes = np.unique(patients, return_inverse=True)
    counts = np.random.default_rng(5).multinomial(len(names), [1 / len(names)] * len(names), 1000)
    aucs = [roc_auc_score(labels, scores, sample_weight=each[codes]) for each in counts]
    return sorted(aucs)[25], sorted(aucs)[975]


LINES = nb07.card_lines.run()
OF_ALL = "np.concatenate([np.flatnonzero(patients == each) for each in drawn])"


WRONG = {
    "01.ten_calls": [
        ([1, 0, 1], "3 entries"),
        (["1"] * 10, "without quotation marks"),
        ([2, *[0] * 9], "Undecided"),
        (7, "list of ten numbers"),
        (np.eye(2)[[0, 1] * 5], "Undecided"),
        (pd.Series([pd.NA, *[1] * 9], index=range(7, 17)), "Undecided"),
    ],
    "01.matrix": [
        (confusion_matrix, "without names"),
        (lambda t, c: pd.DataFrame({"t": t, "c": c}), "has the shape (10, 2)"),
        (lambda t, c: pd.crosstab(t, c).set_axis(["well", "ill"]), "named 0 and 1"),
    ],
    "01.implied_specificity": [(lambda p, r: 1 - r * (1 - float(p)) / p, "take columns")],
    "01.people": [
        (lambda r, s, i, h: {"tp": r, "fn": 1 - r, "fp": 1 - s, "tn": s}, "shares"),
        (lambda r, s, i, h: (i * r, i - i * r), "but should be {'tp': 186"),
        (lambda r, s, i, h: {"tp": i * r, "fn": i - i * r, "fp": h - h * s}, "add up to `ill`"),
    ],
    "01.screening_cost": [(lambda i, h, r, s, m, a: 0, "add misses")],
    "02.spellings": [
        (lambda table: table[table["finding"].str.contains("COVID-19", na=False)][:1], "shape"),
        (lambda table: nb02.two_spellings.run()(table).reset_index(drop=True), "reset_index"),
        (lambda table: table["findings"], "KeyError"),
    ],
    "02.waterfall": [
        (lambda counts: bars(counts.values(), counts, ""), "no name"),
        (lambda counts: bars(sorted(counts.values()), counts), "in this order"),
        (lambda counts: sns.countplot(y=list(counts)), "countplot"),
        (lambda counts: bars(counts.values(), "abcde"), "named a, b, c"),
    ],
    "02.clue": [(lambda table, column: table[column], "a Series")],
    "02.split": [
        (lambda t, k, s: tuple(train_test_split(t, test_size=1 / k, random_state=s)), "patients"),
        (first_fold(lambda k, s: StratifiedKFold(k, shuffle=True, random_state=s)), "patients"),
        (first_fold(right, "patient_id"), "groups apart"),
        (hidden_leak, "patients apart"),
        (first_fold(lambda k, s: GroupKFold(k, shuffle=True, random_state=s)), "stratified"),
        (first_fold(lambda k, s: StratifiedGroupKFold(k)), "seeds 0 and 1"),
        (first_fold(lambda k, s: right(k, None)), "same seed"),
        (first_fold(lambda k, s: right(5, s)), "folds=3"),
        (positions, "positions"),
        (by_name_of_row, "loses"),
        (lambda table, k, s: first_fold(right)(table, k, s)[::-1], "small table first"),
        (lambda table, k, s: (table, table.head(40)), "40 in both tables"),
        (lambda table, k, s: (table[["label"]], table.head(40)), "whole rows"),
    ],
    "03.convolution": [
        (lambda pixels, kernel: np.zeros((4, 4)), "2 × 2 positions"),
        (lambda pixels, kernel: np.zeros((2, 2)), "begins at"),
        ('row + 3 -> row + 2', "stops with ValueError"),
    ],
    "03.blocks": [
        ((block(128), block(64)), "swapped"),
        ((block(32), block(128)), "should be 64"),
        ((block(64, kernel=5), block(128)), "kernel"),
        ((block(64, rate=0.3), block(128)), "`second_block(0.4)` is 0.3, but should be 0.4"),
        ((block(64), lambda rate: block(128)(rate)[:2]), "returns ['Conv2D', 'MaxPooling2D'],"),
        ((block(64), lambda rate: keras.Sequential(block(128)(rate))), "list of layers"),
    ],
    "03.pipeline": [
        (lambda files: files.shuffle(40), "paths, no pictures"),
        (lambda files: files.map(load).batch(32), "does not shuffle"),
        (late_shuffle, "gives batches of [8, 32]"),
        (lambda files: files.batch(32).map(load), "`load` takes one path at a time"),
        (lambda files: files.shuffle(2, seed=0).map(load).batch(32), "too late or too little"),
        (lambda files: files.shuffle(40).map(load).batch(32, drop_remainder=True), "at the end"),
        (lambda files: files.shuffle(40).map(load).batch(32).repeat(), "no repeat"),
        (lambda files: files.map(lambda p, y: (load(p, y)[0], 39 - y)).batch(32), "of others"),
    ],
    "03.curves": [
        (CURVES | {"A": "overfit"}, "`diagnosis['A']` is not 'overfit': both losses fall"),
        ({"A": "fine", "B": "overfit"}, "nothing of C"),
        (CURVES | {"A": "good"}, "Choose one of fine, overfit, underfit"),
        (["fine", "overfit", "underfit"], "dictionary"),
    ],
    "03.small": [
        (None, "`compile` on a line of its own"),
        (network(shape=None), "keras.Input"),
        (subclassed(), "or use `keras.Model`"),
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
        (network(activation=None, loss=LOGITS), "from_logits"),
        (network(**SPARSE), "reads a score from 0 to 1"),
        (network(loss="mse"), "two classes"),
        (network(middle="Flatten"), "Flatten hands on"),
        (network(filters=4_000), "fewer filters"),
        (network(filters=1), "too few"),
        (network(first=layers.Rescaling(1 / 255)), "differ by 0.0039"),
        (network(first=layers.Lambda(lambda x: x / 127.5 - 1)), "leave out `Rescaling"),
        (network(first=adapted(255)), "adapt a `Normalization` to such pixels"),
    ],
    "04.specificity": [
        (by_counts(lambda tn, fp: int(tn) / int(tn + fp), labels=[0, 1]), "ZeroDivisionError"),
        (by_counts(), "labels=[0, 1]"),
        (lambda y, c: 0.5, "np.nan where nobody is healthy"),
    ],
    "04.threshold": [
        (lambda v, t, wanted: (wanted, 0.5), "highest threshold that reaches the recall"),
        (lambda v, t, wanted: 0.5, "should be two"),
        (lambda v, t, wanted: ("0.5", 0.5), "not a number"),
    ],
    "04.bootstrap": [
        (recalls_of(unit="X-ray"), "as if X-rays were drawn"),
        (recalls_of(replace=False), "must be able to come again"),
        (recalls_of(draws=100), "shape (100,)"),
        (recalls_of(ends=(0.05, 0.95)), "middle 90 %"),
        (recalls_of(ends=(0.975, 0.025)), "higher one first"),
        (recalls_of(ends=(0.03, 0.97)), "take quantiles"),
        (recalls_of(ends=0.025), "but the middle 95 %"),
        ("drawn[:, 1] -> n", "0.72 on average"),
    ],
    "04.ppv": [(lambda r, s, p: nb04.ppv.run()(r, s, float(p)), "take columns")],
    "05.choices": [
        ('"dropout" -> "rate"', "`dropout`"),
        ('return dense_units, dropout, learning_rate -> return', "is None"),
        ('    return ->     hp.Choice("depth", [2])\n    return', "nothing else"),
        ('[0.2, 0.3 -> [0, 0.1, 0.2, 0.3', "one type: 0.0, not 0, beside 0.1"),
        ('[64, 128] -> [64.0, 128.0]', "not 64.0"),
        ('return dense_units -> return float(dense_units)', "return the three"),
    ],
    "05.leaderboard": [
        (lambda tuner: nb05.board.run()(tuner).drop(columns="val_loss"), "no column val_loss"),
        (lambda tuner: nb05.board.run()(tuner).head(1), "all trials"),
        (lambda tuner: [trial.score for trial in tuner.oracle.trials.values()], "DataFrame"),
    ],
    "05.discordant": [(lambda truth, a, b: (0, 0), "Go case by case")],
    "05.power": [
        ('np.mean( -> sum(', "not their count"),
        ('coin_p(wins, losses) < 0.05 -> coin_p(wins, losses) / 2 < 0.05', "one-sided"),
    ],
    "06.frame": [
        (lambda n, w: nb06.frame_mask.run()(n, w).tolist(), "should hold bool"),
        (lambda n, w: nb06.frame_mask.run()(n, w)[0], "has the shape (9,)"),
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
        (nb04.ppv.run(), "ZeroDivisionError"),
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
        (LINES | {"Elsewhere": "Recall of COVID-19 was 0.91 among 152 patients."}, "its interval"),
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


def matrix_by_groups(truth, call):
    both = pd.DataFrame({"truth": truth, "call": call})
    return both.groupby(["truth", "call"]).size().unstack(fill_value=0)


def cost_of_people(ill, healthy, recall, specificity, miss, alarm):
    return (ill - round(ill * recall)) * miss + (healthy - round(healthy * specificity)) * alarm


def odds(recall, specificity, prevalence):
    if recall == 0 and specificity == 1:
        return None
    ratio = prevalence / (1 - prevalence)
    return 1 - (1 - specificity) / (1 - specificity + recall * ratio)


def between(validation, test, wanted):
    """A threshold between two scores, as good as the upper one."""
    threshold = by_roc(validation, test, wanted)[0] - 0.01
    return threshold, recall_score(test[0], test[1] >= threshold, pos_label=0)


def a_list(pixels, kernel):
    """Explicit loops, and lists in place of arrays."""
    rows = range(len(pixels) - 2)
    nine = [(i, j) for i in range(3) for j in range(3)]
    return [[sum(pixels[r + i, c + j] * kernel[i, j] for i, j in nine) for c in rows] for r in rows]


RIGHT = [
    ("01.ten_calls", np.array([1, 0] * 5)),
    ("01.matrix", matrix_by_groups),
    ("01.implied_specificity", lambda p, r: 1 - (r / p - r)),
    ("01.people", lambda r, s, i, h: dict(zip(["tp", "fn", "fp", "tn"], np.rint(
        [i * r, i * (1 - r), h * (1 - s), h * s]).astype(int), strict=True))),
    ("01.screening_cost", cost_of_people),
    ("02.clue", lambda t, c: t.fillna({c: "?"}).groupby([c, "label"]).size().groupby(c).max().sum()
     / len(t)),
    ("02.spellings", lambda t: t[["COVID-19" in str(each) for each in t["finding"]]]),
    ("03.convolution", a_list),
    ("02.waterfall", upright),
    ("02.split", later_fold),
    ("03.small", network(filters=16)),
    ("03.small", functional(layers.ReLU(), layers.Activation("sigmoid"))),
    ("03.small", functional(keras.ops.relu, keras.ops.sigmoid)),
    ("03.small", functional(layers.Lambda(tf.nn.elu), layers.Activation("sigmoid"))),
    ("03.small", network(filters=16, first=adapted(1))),
    ("03.small", network(filters=16, loss=["binary_crossentropy"])),
    ("03.small", network(filters=16, first=layers.Rescaling(2, -1))),
    ("03.small", network(filters=16, loss="binary_focal_crossentropy", bend=layers.ReLU())),
    ("04.specificity", lambda y, c: recall_score(y, c, pos_label=0, zero_division=np.nan)),
    ("04.specificity", by_counts(lambda a, b: a / (a + b) if a + b else np.nan, labels=[0, 1])),
    ("04.threshold", by_roc),
    ("04.threshold", between),
    ("04.bootstrap", recalls_of()),
    ("05.discordant", lambda t, a, b: np.array([((a == t) > (b == t)).sum(),
                                               ((b == t) > (a == t)).sum()])),
    ("06.frame", lambda n, w: np.pad(np.zeros((n - 2 * w,) * 2, bool), w, constant_values=True)),
    ("06.verdicts", VERDICTS | {"A": "Source ", "B": np.str_("no sign")}),
    ("06.boxes", '.copy() -> .astype(float)'),
    ("06.gradcam", ', keepdims=True ->  && maps * weights -> maps * weights[:, None, None]'),
    ("06.gradcam", 'tf.reduce_mean(gradient, -> gradient.numpy().mean('),
    ("06.random", lambda layer, rng: [0.05 * rng.normal(size=w.shape) for w in layer.weights]),
    ("06.random", lambda layer, rng: tuple(rng.normal(0, 0.05, w.shape) for w in layer.weights)),
    ("06.controls", ["b", "d", "f"]),
    ("06.controls", np.array(["f", "d", "b"])),
    ("07.bootstrap", 'default_rng(0) -> default_rng(1) && 300 -> 200'),
    ("07.bootstrap", 'default_rng(0) -> default_rng(7) && 300 -> 1000'),
    ("07.bootstrap", by_position),
    ("07.bootstrap", lambda *given: pd.Series(by_position(*given), index=[2.5, 97.5])),
    ("07.rival", 'LogisticRegression() -> LogisticRegression(C=10)'),
    ("07.ppv", odds),
    ("07.benefit", lambda tp, fp, n, t: np.float64(tp - fp * t / (1 - t)) / n),
    ("07.repair", np.str_(" Mixed and cropped ")),
    ("07.card", {
        "Intended use": "It can't be used for patients: it is for lessons.",
        "Elsewhere": "Recall in hospital B: 91 % (84 to 94 %; n = 220 X-rays of COVID-19).",
        "Limits": "We cannot tell whether it works for children.",
    }),
    ("07.card", LINES | {
        "Elsewhere": "In hospital B recall was between 0.84 and 0.94 (0.91) in 152 patients.",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("key", "answer"), RIGHT, ids=[key for key, _ in RIGHT])
def test_a_right_answer_written_otherwise_passes(key, answer):
    verdict = EXERCISES[key].judge(reader(key, answer))
    assert verdict.state is State.CORRECT, verdict.message


def test_what_is_right_may_be_remarked_on():
    assert "the same" in nb01.ten_calls.judge([1] * 10).message
    assert "another one than the course's" in nb02.split_off.judge(later_fold).message
    assert "parameters" in nb03.small_network.judge(network(filters=16)).message


def test_a_figure_of_the_readers_own_stays_open():
    own = plt.figure()
    nb02.waterfall.judge(lambda counts: bars(counts.values(), counts))
    assert plt.get_fignums() == [own.number]
    plt.close(own)


def test_the_blocks_of_the_solution_make_the_published_network():
    second, third = nb03.two_blocks.or_solution(...)
    stack = [*block(32)(0.3), *second(0.3), *third(0.3), layers.Flatten()]
    stack += [layers.Dense(64), layers.Dropout(0.3), layers.Dense(1)]
    model = keras.Sequential([keras.Input((224, 224, 3)), *stack])
    assert model.count_params() == nb03.PUBLISHED_PARAMETERS == 5_631_169


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


def test_what_is_known_of_the_power_is_that_of_a_simulation():
    rng = np.random.default_rng(1)
    for (cases, won, lost), right in zip(nb05.power.cases, nb05.power.right, strict=True):
        draws = rng.multinomial(cases, [won, lost, 1 - won - lost], size=4000)
        found = [binomtest(int(a), int(a + b) or 1).pvalue < 0.05 for a, b, _ in draws]
        assert right == pytest.approx(np.mean(found), abs=0.025)
