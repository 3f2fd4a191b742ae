"""Exercises and quizzes: an engine, a judge, and one module per notebook with its exercises."""

from cxrlab.exercises.engine import Exercise, NotAttempted, State, Verdict, Wrong
from cxrlab.exercises.quiz import Question, Quiz

__all__ = ["Exercise", "NotAttempted", "Question", "Quiz", "State", "Verdict", "Wrong"]
