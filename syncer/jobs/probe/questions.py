"""The order of the questions: what hides much is asked for first."""

from __future__ import annotations

from syncer.jobs.probe import answers, inputs, limits, lists, patches, posts, searches
from syncer.jobs.probe.scratch import Question

QUESTIONS: tuple[Question, ...] = (
    *limits.QUESTIONS_OF_THE_WAY,
    *inputs.QUESTIONS,
    *limits.QUESTIONS_OF_PATHS,
    *posts.QUESTIONS,
    *answers.QUESTIONS,
    *patches.QUESTIONS,
    *lists.QUESTIONS,
    *searches.QUESTIONS,
)
