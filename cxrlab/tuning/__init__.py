"""The search for better settings: its space, the tuners, and the leaderboard."""

from cxrlab.tuning.keras_search import OBJECTIVES, TUNERS, Search, search
from cxrlab.tuning.record import leaderboard
from cxrlab.tuning.space import SPACES, combinations, settings_from

__all__ = [
    "OBJECTIVES",
    "SPACES",
    "TUNERS",
    "Search",
    "combinations",
    "leaderboard",
    "search",
    "settings_from",
]
