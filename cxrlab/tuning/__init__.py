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
from cxrlab.tuning.keras_search import OBJECTIVES, TUNERS, Search, search, work_for
from cxrlab.tuning.oracles import ORDER_FREE
from cxrlab.tuning.record import leaderboard
from cxrlab.tuning.replay import Replay, replay, save_search
from cxrlab.tuning.space import SPACES, combinations, settings_from
from cxrlab.tuning.workers import Host

__all__ = [
    "LOSS_OF_GUESSING",
    "OBJECTIVES",
    "OBJECTIVE_NAMES",
    "ORDER_FREE",
    "SPACES",
    "TUNERS",
    "Host",
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
    "work_for",
]
