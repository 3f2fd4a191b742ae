"""Wrong answers that readers hand in, each told in words of its own; right ones written otherwise.

Slips of functions that are compared on cases are tried one by one in test_exercises.py; here is
what a reader would write.
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
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)
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
NAMES = {"np": np, "pd": pd, "tf": tf, "roc_auc_score": roc_auc_score, "nb07": nb07}


def changed(exercise, *pairs, **names):
    """The exercise's solution with pieces of its code replaced: old, new, old, new."""
    code = exercise.answer
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in code, old
        code = code.replace(old, new)
    variables = {**NAMES, **names}
    exec(exercise.imports + code, variables)
    return variables[exercise.variable]


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
    if "frozen" in changed:
        model.layers[0].trainable = False
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


def choose(part=0, side=max, report=1, which="specificity"):
    """A reader's choice of a threshold, with slips to choose from."""

    def choose_and_report(validation, test, wanted):
        _, recall, cuts = precision_recall_curve(*(validation, test)[part])
        threshold = side(cuts[recall[:-1] >= wanted])
        labels, scores = (validation, test)[report]
        calls = scores >= threshold
        found = {
            "specificity": recall_score(labels, calls, pos_label=0),
            "alarmed": 1 - recall_score(labels, calls, pos_label=0),
            "recall": recall_score(labels, calls),
            "precision": precision_score(labels, calls),
            "accuracy": accuracy_score(labels, calls),
        }
        return threshold, found[which]

    return choose_and_report


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
        if unit == "mean":
            groups = [np.array([group.mean()]) for group in groups]
        recalls = []
        for _ in range(draws):
            size = len(groups) if unit != "few" else 5
            drawn = rng.choice(len(groups), size=size, replace=replace)
            recalls.append(np.concatenate([groups[number] for number in drawn]).mean())
        return recalls, np.quantile(recalls, ends)

    return bootstrap


def then(change):
    """The right bootstrap, with its two results changed."""
    return lambda cases, rng: change(*map(np.array, recalls_of()(cases, rng)))


def bell(width):
    return then(lambda r, _: (r, np.mean(r) + np.array([-width, width]) * np.std(r)))


# Answers of notebooks 05, 06 and 07


def of_choices(*pairs):
    return changed(nb05.choices, *pairs)


def of_boxes(*pairs):
    return changed(nb06.hidden_boxes, *pairs)


def of_maps(*pairs):
    return changed(nb06.grad_cam, *pairs)


def of_power(*pairs):
    coin = {"coin_p": lambda won, lost: binomtest(int(won), int(won + lost) or 1).pvalue}
    return changed(nb05.power, *pairs, **coin)


def of_weights(code):
    return eval(f"lambda layer, rng: {code}", NAMES)


VERDICTS = {"A": "source", "B": "no sign", "C": "open", "D": "open"}


def of_patients(*pairs):
    return changed(nb07.bootstrap, *pairs)


DRAWN = "rng.choice(names, names.size)"
OF_ALL = "np.concatenate([np.flatnonzero(patients == each) for each in drawn])"


def by_position(labels, scores, patients):
    names, codes = np.unique(patients, return_inverse=True)
    counts = np.random.default_rng(5).multinomial(len(names), [1 / len(names)] * len(names), 1000)
    aucs = [roc_auc_score(labels, scores, sample_weight=each[codes]) for each in counts]
    return sorted(aucs)[25], sorted(aucs)[975]


def of_rival(*pairs):
    return changed(nb07.rival, *pairs)


LINES = changed(nb07.card_lines)


WRONG = {
    "01.ten_calls": [
        ([1, 0, 1], "3 entries"),
        (["1"] * 10, "without quotation marks"),
        ([2, *[0] * 9], "Undecided"),
        ("1010101010", "Write a list"),
        (7, "list of ten numbers"),
        (np.eye(2)[[0, 1] * 5], "Undecided"),
        (pd.Series([pd.NA, *[1] * 9], index=range(7, 17)), "Undecided"),
    ],
    "01.matrix": [
        (confusion_matrix, "without names"),
        (lambda t, c: pd.DataFrame({"t": t, "c": c}), "has the shape (10, 2)"),
        (lambda t, c: pd.crosstab(t, c) + 1, "nothing from outside"),
        (lambda t, c: pd.crosstab(t, c).set_axis(["well", "ill"]), "named 0 and 1"),
        (lambda t, c: (t == c).sum(), "a table of counts"),
        (lambda t: pd.crosstab(t, t), "stops with TypeError"),
        (pd.DataFrame({"t": []}), "should be a function"),
    ],
    "01.implied_specificity": [
        (lambda p, r: 100 * (1 - r * (1 - p) / p), "a percentage"),
        (lambda p, r: 0.5, "Find fp"),
        (lambda p, r: 1 - r * (1 - float(p)) / p, "take columns"),
    ],
    "01.people": [
        (lambda r, s, i, h: {"tp": r, "fn": 1 - r, "fp": 1 - s, "tn": s}, "shares"),
        (lambda r, s, i, h: {"tp": 0, "fn": i, "fp": h * (1 - s), "tn": h * s}, "'tp': 0"),
        (lambda r, s, i, h: (i * r, i - i * r), "but should be {'tp': 186"),
        (lambda r, s, i, h: {"tp": i * r, "fn": i - i * r, "fp": h - h * s}, "add up to `ill`"),
    ],
    "01.screening_cost": [(lambda i, h, r, s, m, a: 0, "add misses")],
    "02.spellings": [
        (lambda table: table[table["finding"].str.contains("COVID-19", na=False)][:1], "shape"),
        (lambda table: changed(nb02.two_spellings)(table).reset_index(drop=True), "reset_index"),
        (lambda table: table["findings"], "KeyError"),
        ("COVID-19", "function"),
    ],
    "02.waterfall": [
        (lambda counts: None, "None"),
        (lambda counts: list(counts), "Axes"),
        (lambda counts: bars(counts.values(), counts, ""), "no name"),
        (lambda counts: bars(sorted(counts.values()), counts), "in this order"),
        (lambda counts: bars(list(counts.values())[1:], list(counts)[1:]), "[61.0, 50.0, 34.0, 3"),
        (lambda counts: sns.countplot(y=list(counts)), "countplot"),
        (lambda counts: bars(counts.values(), "abcde"), "named a, b, c"),
    ],
    "02.clue": [
        (lambda table, column: 0.75, "the function gets"),
        (lambda table, column: table[column], "a Series"),
        (lambda table, column: table["label"].mean(), "is 0.4375"),
    ],
    "02.split": [
        (lambda t, k, s: tuple(train_test_split(t, test_size=1 / k, random_state=s)), "patients"),
        (first_fold(lambda k, s: StratifiedKFold(k, shuffle=True, random_state=s)), "patients"),
        (first_fold(right, "patient_id"), "groups apart"),
        (first_fold(lambda k, s: GroupKFold(k, shuffle=True, random_state=s)), "stratified"),
        (first_fold(lambda k, s: StratifiedGroupKFold(k)), "seeds 0 and 1"),
        (first_fold(lambda k, s: right(k, None)), "same seed"),
        (first_fold(lambda k, s: right(5, s)), "folds=3"),
        (positions, "positions"),
        (by_name_of_row, "loses"),
        (lambda table, k, s: first_fold(right)(table, k, s)[::-1], "small table first"),
        (lambda table, k, s: table, "two"),
        (lambda table, k, s: (table, table.head(40)), "40 in both tables"),
        (lambda table, k, s: (table[["label"]], table.head(40)), "whole rows"),
    ],
    "03.convolution": [
        (lambda pixels, kernel: np.zeros((4, 4)), "2 × 2 positions"),
        (lambda pixels, kernel: np.zeros((2, 2)), "begins at"),
        (lambda pixels, kernel: 3.0, "a float"),
        (changed(nb03.convolve, "row + 3", "row + 2"), "stops with ValueError"),
    ],
    "03.blocks": [
        ((block(128), block(64)), "swapped"),
        ((block(32), block(128)), "should be 64"),
        ((block(64, kernel=5), block(128)), "kernel"),
        ((block(64, activation=None), block(128)), "activation"),
        ((block(64, pool=3), block(128)), "pool_size"),
        ((block(64, padding="same"), block(128)), "padding"),
        ((block(64, rate=0.3), block(128)), "`second_block(0.4)` is 0.3, but should be 0.4"),
        ((block(64), lambda rate: block(128)(rate)[:2]), "returns ['Conv2D', 'MaxPooling2D'],"),
        ((block(64), lambda rate: None), "is None"),
        ((block(64), lambda rate: keras.Sequential(block(128)(rate))), "list of layers"),
        ((block(64), block(128)(0.3)), "should be a function"),
        (block(64), "should be two"),
    ],
    "03.pipeline": [
        (lambda files: files.shuffle(40), "paths, no pictures"),
        (lambda files: files.shuffle(40).map(load), "`.batch(32)`"),
        (lambda files: files.map(load).batch(32), "does not shuffle"),
        (late_shuffle, "gives batches of [8, 32]"),
        (lambda files: files.batch(32).map(load), "`load` takes one path at a time"),
        (lambda files: files.shuffle(40).map(load).batch(16), "batches of [16, 16, 8]"),
        (lambda files: files.shuffle(2, seed=0).map(load).batch(32), "too late or too little"),
        (lambda files: files.shuffle(40).map(load).batch(32, drop_remainder=True), "at the end"),
        (lambda files: files.shuffle(40).map(load).batch(32).repeat(), "no repeat"),
        (
            lambda files: files.map(lambda p, y: (load(p, y)[0], 39 - y)).batch(32),
            "labels of others",
        ),
        (lambda files: list(files), "tf.data.Dataset"),
    ],
    "03.curves": [
        (CURVES | {"A": "overfit"}, "`diagnosis['A']` is not 'overfit': both losses fall"),
        (CURVES | {"C": "fine"}, "knows nothing"),
        ({"A": "fine", "B": "overfit"}, "nothing of C"),
        (CURVES | {"A": "good"}, "Choose one of fine, overfit, underfit"),
        (["fine", "overfit", "underfit"], "dictionary"),
    ],
    "03.small": [
        (None, "`compile` on a line of its own"),
        (layers.Dense(1), "a Dense"),
        (network(shape=None), "keras.Input"),
        (subclassed(), "or use `keras.Model`"),
        (with_age(), "2 inputs and 1 outputs"),
        (network(shape=(224, 224, 1)), "three channels"),
        (network(shape=(100, 100, 3)), "reads (100, 100, 3)"),
        (network(loss=None, compiled=True), "no loss yet"),
        (network(filters=0), "no Conv2D"),
        (network(middle=None), "GlobalAveragePooling2D"),
        (network(units=10), "ends in 10 units"),
        (network(bend=None), "before the last has an activation"),
        (network(bend=None, first=layers.Rescaling(2)), "before the last has an activation"),
        (network(loss=None), "no loss yet"),
        (network(activation=None), "below 0"),
        (network(activation="softmax"), "always 1"),
        (network(activation="relu"), "from 0 to 1"),
        (network(loss=LOGITS), "from_logits=True"),
        (network(activation=None, loss=LOGITS), "from_logits"),
        (network(**SPARSE), "reads a score from 0 to 1"),
        (network(loss="mse"), "two classes"),
        (network(frozen=True), "frozen"),
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
        (lambda y, c: 100 * recall_score(y, c, pos_label=0, zero_division=np.nan), "a percentage"),
        (lambda y, c: round(recall_score(y, c, pos_label=0, zero_division=np.nan), 2), "rounded"),
        (lambda y, c: None, "did you `return` it"),
        (lambda y, c: 0.5, "np.nan where nobody is healthy"),
        (lambda y: y, "TypeError"),
    ],
    "04.threshold": [
        (choose(part=1), "chosen on the test part"),
        (choose(side=min), "take the highest"),
        (lambda v, t, wanted: (wanted, 0.5), "highest threshold that reaches the recall"),
        (choose(report=0), "on validation"),
        (choose(which="recall"), "the recall on test"),
        (choose(which="alarmed"), "who were alarmed"),
        (choose(which="precision"), "precision on test"),
        (choose(which="accuracy"), "at this threshold"),
        (lambda v, t, wanted: 0.5, "should be two"),
        (lambda v, t: 0.5, "TypeError"),
    ],
    "04.bootstrap": [
        (recalls_of(unit="X-ray"), "as if X-rays were drawn"),
        (recalls_of(unit="mean"), "means over patients"),
        (recalls_of(unit="few"), "as many patients as there are"),
        (recalls_of(replace=False), "must be able to come again"),
        (recalls_of(draws=100), "shape (100,)"),
        (recalls_of(ends=(0.05, 0.95)), "middle 90 %"),
        (recalls_of(ends=(0.25, 0.75)), "middle half"),
        (recalls_of(ends=(0, 1)), "the extremes"),
        (recalls_of(ends=(0.975, 0.025)), "higher one first"),
        (bell(1.96), "take quantiles"),
        (recalls_of(ends=0.025), "but the middle 95 %"),
        (then(lambda r, e: (50 * r, 50 * e)), "0.72 on average"),
        (then(lambda r, e: (1 - r, 1 - e[::-1])), "with the same chance"),
        (then(lambda r, _: r), "should be two"),
    ],
    "04.ppv": [
        (lambda r, s, p: np.round(changed(nb04.ppv)(r, s, p), 2), "rounded"),
        (lambda r, s, p: 0.5, "of 10,000 people"),
        (lambda r, s, p: changed(nb04.ppv)(r, s, float(p)), "take columns"),
    ],
    "05.choices": [
        (of_choices('"dropout"', '"rate"'), "`dropout`"),
        (of_choices("0.4, 0.5", "0.4"), "values of the table"),
        (of_choices("return dense_units, dropout, learning_rate", "return"), "is None"),
        (of_choices("    return", '    hp.Choice("depth", [2])\n    return'), "nothing else"),
        (of_choices("[0.2, 0.3", "[0, 0.1, 0.2, 0.3"), "one type: 0.0, not 0, beside 0.1"),
        (of_choices("[64, 128]", "[64.0, 128.0]"), "not 64.0"),
        (of_choices("return dense_units", "return float(dense_units)"), "return the three"),
        ([64, 128], "should be a function"),
    ],
    "05.leaderboard": [
        (lambda tuner: changed(nb05.board)(tuner).drop(columns="val_loss"), "no column val_loss"),
        (lambda tuner: changed(nb05.board)(tuner).head(1), "all trials"),
        (lambda tuner: changed(nb05.board)(tuner) + 1, "the score of all trials"),
        (lambda tuner: [trial.score for trial in tuner.oracle.trials.values()], "DataFrame"),
        (lambda tuner: None, "is None"),
    ],
    "05.discordant": [
        (lambda truth, a, b: (0, 0), "Go case by case"),
        (lambda truth, a, b: 3, "two counts"),
    ],
    "05.power": [
        (of_power("np.mean(", "sum("), "not their count"),
        (of_power("coin_p(wins, losses) < 0.05", "coin_p(wins, losses) >= 0.05"), "could *not*"),
        (of_power("coin_p(wins, losses) < 0.05", "coin_p(wins, losses) / 2 < 0.05"), "one-sided"),
        (of_power("[won, lost, 1 - won", "[won, 0, 1 - won"), "lost cases are missing"),
    ],
    "06.frame": [
        (lambda n, w: changed(nb06.frame_mask)(n, w).tolist(), "should hold bool"),
        (lambda n, w: changed(nb06.frame_mask)(n, w)[0], "has the shape (9,)"),
        (lambda n, w: np.ones((n, n), bool), "nothing else"),
        (lambda n, w: None, "is None"),
    ],
    "06.verdicts": [
        (VERDICTS | {"A": "no sign"}, "What is left of the disease"),
        (VERDICTS | {"D": "no sign"}, "includes chance"),
        (VERDICTS | {"D": ["source"]}, "Choose one of"),
        ({"A": "source"}, "says nothing of B, C, D"),
    ],
    "06.boxes": [
        (of_boxes("    return", "        return"), "first box only"),
        (of_boxes("= grey", "= 128"), "everything else as it was"),
        (of_boxes("for top, bottom, left, right", "for top, bottom"), "stops with ValueError"),
        (of_boxes(".copy()", ".tolist()"), "stops with TypeError"),
    ],
    "06.gradcam": [
        (of_maps("tf.reduce_sum(maps * weights, -1)", "maps * weights"), "one value per place"),
        (of_maps("maps * weights", "maps"), "multiply it with `maps`"),
        (of_maps(", keepdims=True", ""), "stops with InvalidArgumentError"),
        (of_maps("tape.gradient(logit, maps)", "None"), "stops with ValueError"),
    ],
    "06.random": [
        (of_weights("rng.normal(0, 0.05, 15)"), "a list of arrays"),
        (of_weights("[w * 0 for w in layer.get_weights()]"), "drawn in their order"),
        (of_weights("None"), "did you `return` it"),
    ],
    "06.controls": [
        ({"a"}, "report 0.53"),
        ({"b", "c"}, "asks no question"),
        ({"b", "d"}, "untrained network"),
        ({"b", "f"}, "healthy strangers"),
        (set(), "3 more should be in it"),
        ("b, d, f", "Choose from"),
        ({1}, "names 1"),
        (3, "set of letters"),
    ],
    "07.bootstrap": [
        (of_patients(OF_ALL, "rng.integers(0, labels.size, labels.size)"), "draws X-rays"),
        (of_patients(OF_ALL, "np.isin(patients, drawn)"), "twice only once"),
        (of_patients(DRAWN, "rng.choice(names, names.size, replace=False)"), "with replacement"),
        (of_patients("[2.5, 97.5]", "[5, 95]"), "90 % interval"),
        (of_patients("[2.5, 97.5]", "[25, 75]"), "quartiles"),
        (of_patients("[2.5, 97.5]", "[0, 100]", "300", "200"), "neither at the extremes"),
        (of_patients("[2.5, 97.5]", "[97.5, 2.5]"), "upper end first"),
        (of_patients(DRAWN, "rng.choice(names, names.size // 2)"), "as many patients"),
        (of_patients("[2.5, 97.5]", "2.5"), "two numbers"),
        (lambda labels, scores, patients: (np.nan, np.nan), "nan to nan"),
        (of_patients(OF_ALL, "drawn"), "stops with"),
    ],
    "07.rival": [
        (of_rival(".fit(training[[column]], training[\"label\"])", ""), "not fitted yet"),
        (of_rival('handle_unknown="ignore"', ""), "At a new value"),
        (of_rival("training[[column]]", "training"), "two brackets"),
        (of_rival("training[[column]]", "training[column]"), "stops with ValueError"),
        (of_rival("return model", "model"), "NoneType"),
    ],
    "07.ppv": [
        (changed(nb04.ppv), "ZeroDivisionError"),
        (lambda r, s, p: "0.5", "a str"),
        (lambda r, s, p: 0.3, "10,000 people"),
    ],
    "07.benefit": [
        (lambda tp, fp, n, t: fp / n, "is 0.2, but should be 0.05778"),
        (lambda tp, fp, n, t: True, "a bool"),
    ],
    "07.repair": [
        ("none", "adults it alarms 0.95"),
        ("Mixed", "0.16"),
        ("robust", "Choose one of adults only, call"),
        (4, "an int (4)"),
        (nb07.repairs_tried(), "is a DataFrame"),
    ],
    "07.card": [
        ("For lessons.", "a dictionary"),
        ({"Intended use": LINES["Intended use"]}, 'Under "Elsewhere" `lines` has None'),
        (LINES | {"Limits": "None known."}, "a whole sentence"),
        (LINES | {"Limits": ["Never", "tested"]}, "has a list"),
        (LINES | {"Intended use": "For lessons about networks and chest X-rays."}, "*not* for"),
        (LINES | {"Elsewhere": "The recall of COVID-19 was 0.91 among 152 patients there."},
         "a number with its interval"),
        (LINES | {"Elsewhere": "The recall for COVID-19 was 0.91 (0.85 to 0.95) in B."},
         "of how many patients"),
        (LINES | {"Limits": "It has been tested on simulated X-rays of adults."}, "no limit"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "answer", "words"),
    [(key, answer, words) for key, rows in WRONG.items() for answer, words in rows],
    ids=[f"{key}-{words}" for key, rows in WRONG.items() for _, words in rows],
)
def test_a_wrong_answer_is_told_what_it_is(key, answer, words):
    verdict = EXERCISES[key].judge(answer)
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
    threshold = choose()(validation, test, wanted)[0] - 0.01
    return threshold, recall_score(test[0], test[1] >= threshold, pos_label=0)


def a_list(pixels, kernel):
    """Explicit loops, and lists in place of arrays."""
    rows = range(len(pixels) - 2)
    nine = [(i, j) for i in range(3) for j in range(3)]
    return [[sum(pixels[r + i, c + j] * kernel[i, j] for i, j in nine) for c in rows] for r in rows]


RIGHT = [
    ("01.ten_calls", [1] * 10),
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
    ("03.small", network(filters=16, first=layers.Rescaling(2, -1))),
    ("03.small", network(filters=16, loss="binary_focal_crossentropy", bend=layers.ReLU())),
    ("04.specificity", lambda y, c: recall_score(y, c, pos_label=0, zero_division=np.nan)),
    ("04.specificity", by_counts(lambda a, b: a / (a + b) if a + b else np.nan, labels=[0, 1])),
    ("04.threshold", choose()),
    ("04.threshold", by_roc),
    ("04.threshold", between),
    ("04.bootstrap", recalls_of()),
    ("05.discordant", lambda t, a, b: np.array([((a == t) > (b == t)).sum(),
                                               ((b == t) > (a == t)).sum()])),
    ("06.frame", lambda n, w: np.pad(np.zeros((n - 2 * w,) * 2, bool), w, constant_values=True)),
    ("06.verdicts", VERDICTS | {"A": "Source ", "B": np.str_("no sign")}),
    ("06.boxes", of_boxes("[top:bottom, left:right]", "[slice(top, bottom), slice(left, right)]")),
    ("06.boxes", of_boxes(".copy()", ".astype(float)")),
    ("06.gradcam", of_maps(", keepdims=True", "", "maps * weights",
                           "maps * weights[:, None, None]")),
    ("06.gradcam", of_maps("tf.reduce_mean(gradient, (1, 2), keepdims=True)",
                           "gradient.numpy().mean((1, 2), keepdims=True)")),
    ("06.random", of_weights("[0.05 * rng.normal(size=w.shape) for w in layer.weights]")),
    ("06.random", of_weights("tuple(rng.normal(0, 0.05, w.shape) for w in layer.weights)")),
    ("06.controls", ["b", "d", "f"]),
    ("06.controls", np.array(["f", "d", "b"])),
    ("07.bootstrap", of_patients("default_rng(0)", "default_rng(1)", "300", "200")),
    ("07.bootstrap", of_patients("default_rng(0)", "default_rng(7)", "300", "1000")),
    ("07.bootstrap", by_position),
    ("07.rival", of_rival("LogisticRegression()", "LogisticRegression(C=10)")),
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
    verdict = EXERCISES[key].judge(answer)
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
