"""The search for better settings: its space, the tuners, and the leaderboard."""

from cxrlab.tuning.explore import (
    LOSS_OF_GUESSING,
    OBJECTIVE_NAMES,
    choices_of,
    filter_trials,
    made_up_search,
    setting_effects,
    share_of_right_choices,
    sort_trials,
    trial_in_words,
)
from cxrlab.tuning.keras_search import OBJECTIVES, TUNERS, Search, search
from cxrlab.tuning.record import leaderboard
from cxrlab.tuning.replay import Replay, replay, save_search
from cxrlab.tuning.space import SPACES, combinations, settings_from

__all__ = [
    "LOSS_OF_GUESSING",
    "OBJECTIVES",
    "OBJECTIVE_NAMES",
    "SPACES",
    "TUNERS",
    "Replay",
    "Search",
    "choices_of",
    "combinations",
    "filter_trials",
    "leaderboard",
    "made_up_search",
    "replay",
    "save_search",
    "search",
    "setting_effects",
    "settings_from",
    "share_of_right_choices",
    "sort_trials",
    "trial_in_words",
]
