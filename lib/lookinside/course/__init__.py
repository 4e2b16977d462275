"""What the notebooks need besides the science: profile, predictions, progress, results, the environment check."""

from lookinside.course.environment import environment_report
from lookinside.course.predict import check, unsolved
from lookinside.course.profiles import profile
from lookinside.course.progressbar import progress
from lookinside.course.recording import record_result
from lookinside.course.remembering import remember
from lookinside.course.results import Results
from lookinside.course.setup import set_up
from lookinside.course.sweeps import trials

__all__ = [
    "Results",
    "check",
    "environment_report",
    "profile",
    "progress",
    "record_result",
    "remember",
    "set_up",
    "trials",
    "unsolved",
]
