"""The quiz that closes a notebook, and how far a reader has come over all of them.

Each question is an exercise whose answer is a letter. Its texts stand in ``texts/NN.json``, under
``quiz``: a ``key``, the ``question``, the letter that is ``right``, and ``options``, each a
``text`` and the ``reply`` to a reader who chooses it.
"""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import pandas as pd
from IPython.display import display

from cxrlab.exercises import engine
from cxrlab.exercises.engine import Exercise, described
from cxrlab.exercises.judge import wrong_if

NOTEBOOKS = ("01", "02", "03", "04", "05", "06", "07")


@dataclass(kw_only=True)
class Question(Exercise):
    """A question (its title), the options ``{"text": …, "reply": …}``, and the right letter."""

    options: list[dict[str, str]]
    right: str

    @property
    def letters(self) -> list[str]:
        """The letters that name its options."""
        return [*"abcdef"][: len(self.options)]

    def judge_answer(self, answer: Any) -> str:
        """The reply to the right letter; raises ``Wrong`` with that to another one."""
        letter = answer.strip().lower() if isinstance(answer, str) else answer
        letters = f"one of the letters {', '.join(self.letters)}, in quotation marks"
        wrong_if(letter not in self.letters, f"It is {described(answer)}, but should be {letters}.")
        reply = self.options[self.letters.index(letter)]["reply"]
        wrong_if(letter != self.right, reply)
        return reply

    def in_words(self, number: int) -> str:
        """The question with its options, as Markdown."""
        pairs = zip(self.letters, self.options, strict=True)
        options = "\n".join(f"- **{letter}**: {option['text']}" for letter, option in pairs)
        return f"**Question {number}.** {self.texts['title']}\n\n{options}"

    def buttons(self) -> Any:
        """One button per option, and a line that replies."""
        import ipywidgets as widgets

        look = {"description": "Answer", "style": {"button_width": "3em"}}
        buttons = widgets.ToggleButtons(options=self.letters, value=None, **look)
        reply = widgets.HTML()

        def answered(change: dict) -> None:
            verdict = self.attempt(change["new"])
            reply.value = engine.as_html(*verdict)

        buttons.observe(answered, names="value")
        return widgets.VBox([buttons, reply])


class Quiz(list[Question]):
    """The questions of one notebook."""

    def show(self) -> None:
        """Show every question as text and, where a kernel answers, with buttons to choose from."""
        for number, question in enumerate(self, start=1):
            words = question.in_words(number)
            display({"text/markdown": words, "text/plain": words}, raw=True)
            display(question.buttons())

    def check(self, *letters: str) -> None:
        """The same without a mouse: ``quiz.check("b", "a", "c")``; ``...`` skips a question."""
        for number, (question, letter) in enumerate(zip(self, letters, strict=False), start=1):
            verdict = question.attempt(letter)
            engine.show_message(verdict.state, f"Question {number}: {verdict.message}")


def load_quiz(notebook: str) -> Quiz:
    """The quiz of a notebook by its number (``"01"``)."""
    return Quiz(
        Question(
            key=entry["key"],
            texts={"title": entry["question"]},
            variable=f"question {number}",
            answer=repr(entry["right"]),
            right=entry["right"],
            options=entry["options"],
        )
        for number, entry in enumerate(engine.read_texts(notebook)["quiz"], start=1)
    )


def module_of(notebook: str) -> ModuleType:
    """The module with the exercises of a notebook (``"01"``)."""
    return import_module(f"cxrlab.exercises.nb{notebook}")


def exercises_by_notebook() -> dict[str, list[Exercise]]:
    """``{"04": [...]}``: the exercises of each notebook in order, its questions last."""
    modules = {notebook: vars(module_of(notebook)) for notebook in NOTEBOOKS}
    return {
        notebook: [each for each in things.values() if isinstance(each, Exercise)] + things["quiz"]
        for notebook, things in modules.items()
    }


class Overview(NamedTuple):
    """``notebooks``: one row per notebook. ``next_step``: a sentence on what is left."""

    notebooks: pd.DataFrame
    next_step: str


def overview() -> Overview:
    """Solved and all exercises and quiz questions of each notebook, from the workspace."""
    kept, rows, step = engine.remembered(), [], ""
    for notebook, exercises in exercises_by_notebook().items():
        row = {"notebook": notebook}
        for name, in_quiz in (("exercises", False), ("quiz", True)):
            mine = [e for e in exercises if isinstance(e, Question) == in_quiz]
            to_do = [e for e in mine if not kept.get(e.key, {}).get("solved")]
            row[name] = f"{len(mine) - len(to_do)} of {len(mine)}"
            if to_do:
                step = step or f"Next: notebook {notebook}, “{to_do[0].texts['title']}”."
        row["attempts"] = sum(kept.get(e.key, {}).get("attempts", 0) for e in exercises)
        rows.append(row)
    return Overview(pd.DataFrame(rows), step or "Everything is solved.")
