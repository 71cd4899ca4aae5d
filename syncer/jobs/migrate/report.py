"""The report of a migration: counts that add up, and one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from syncer.errors import SyncerError, exit_code
from syncer.jobs.migrate.counts import TABLES
from syncer.jobs.migrate.folder import JobRecord
from syncer.jobs.migrate.phases import PHASES, PhaseDone
from syncer.printable import counted, spell_seconds

_COUNTS = ("read", "converted", "written", "faults")


@dataclass(slots=True)
class Migrated:
    """The outcome of a run: its report, and what ended it early."""

    report: dict[str, Any]
    error: SyncerError | None = None
    interrupted: int | None = None

    @property
    def exit_code(self) -> int:
        """0 all there and verified, 3 something is left, 4 something differs; else as
        for all lanes.
        """
        left, differences = count_left(self.report), count_differences(self.report)
        return exit_code(self.error, self.interrupted, left, differences)

    @property
    def sentence(self) -> str:
        """The line that says it all."""
        return str(self.report["sentence"])


MigrationStage = Literal["assess", "sample", "whole"]
"""What was asked for."""


def make_report(
    record: JobRecord, sampled: Mapping[str, Any], *, stage: MigrationStage = "whole"
) -> dict[str, Any]:
    """Return what is known so far. `sampled`: a sample, and what it predicts."""
    done = record.done
    converted = _facts(done, "convert") or _facts(done, "assess")
    pushed, repaired = _facts(done, "push"), _facts(done, "repair")
    verified = repaired or _facts(done, "verify")
    report: dict[str, Any] = {
        "from": record.settings["from"],
        "to": record.settings["to"],
        "ids": record.settings["ids"],
        "pass": record.number,
        "phases": [
            {
                "name": name,
                "seconds": done[name].seconds,
                "requests": done[name].requests,
                "items": done[name].items,
            }
            for name in PHASES
            if name in done
        ],
        **{name: converted.get(name, 0) for name in _COUNTS},
        **{name: converted.get(name, {}) for name in TABLES},
        "unreadable": _facts(done, "assess").get("unreadable", 0),
        "applied": pushed.get("applied", 0),
        "dead": pushed.get("dead", 0) + repaired.get("dead", 0),
        "verified": {
            name: verified.get(name, 0)
            for name in ("same", "missing", "differs", "extra", "unreadable")
        },
        "repaired": repaired.get("repaired", 0),
        "others": pushed.get("others", 0),
        "concepts": _find_needed(done, "concepts"),
        "inputs": _find_needed(done, "inputs"),
        "notes": converted.get("notes", []),
        "complete": all(name in done for name in PHASES),
        **sampled,
    }
    if stage == "assess" and "assess" in done:
        report["sentence"] = _tell_assessed(report)
    elif stage == "sample":
        report["sentence"] = _tell_sampled(report)
    else:
        report["sentence"] = _tell(report)
    return report


def count_left(report: dict[str, Any]) -> int:
    """Return how much is dead, or could not be read or placed."""
    moved = _pick_moved(report)
    unread = moved["verified"]["unreadable"] + report["unreadable"]
    return int(moved["dead"] + report["faults"] + unread)


def count_differences(report: dict[str, Any]) -> int:
    """Return how many labels are not as they should be."""
    verified = _pick_moved(report)["verified"]
    return int(verified["missing"] + verified["differs"])


def _pick_moved(report: dict[str, Any]) -> dict[str, Any]:
    """Return what the counts of labels that were moved are of: all, or the sample."""
    has_begun = any(phase["name"] == "push" for phase in report["phases"])
    return report if has_begun else report.get("sample", report)


def _find_needed(done: dict[str, PhaseDone], name: str) -> dict[str, Any]:
    prepared = _facts(done, "prepare") or _facts(done, "assess")
    found = prepared.get(name)
    needed = _facts(done, "assess").get(f"needed_{name}", 0)
    return {"needed": needed, **found} if isinstance(found, dict) else {"needed": needed}


def _facts(done: dict[str, PhaseDone], name: str) -> dict[str, Any]:
    return done[name].facts if name in done else {}


def _tell_assessed(report: dict[str, Any]) -> str:
    concepts, inputs = report["concepts"], report["inputs"]
    return (
        f"{counted(report['read'], 'label')}: {report['converted']:,} would go,"
        f" {sum(report['left_out'].values()):,} would be left out,"
        f" {sum(report['skipped'].values()):,} cannot go; the target lacks"
        f" {concepts.get('missing', 0):,} of {counted(concepts['needed'], 'concept')} and"
        f" {inputs.get('missing', 0):,} of {counted(inputs['needed'], 'input')}"
    )


def _tell_sampled(report: dict[str, Any]) -> str:
    sample, whole = report["sample"], report["prediction"]
    same = sample["verified"]["same"]
    requests, seconds = whole["requests"], whole["seconds"]
    return (
        f"sample: {same:,} of {counted(sample['labels'], 'label')} on"
        f" {counted(sample['inputs'], 'input')} are at the target and verified; of all"
        f" {whole['labels']:,} about {whole['dead']['likely']:,} dead"
        f" ({_spell_range(whole['dead'])}); the rest takes about"
        f" {counted(requests['likely'], 'request')} ({_spell_range(requests)}) and"
        f" {spell_seconds(seconds['likely'])} ({spell_seconds(seconds['low'])} to"
        f" {spell_seconds(seconds['high'])})"
    )


def _spell_range(of: dict[str, int]) -> str:
    return f"{of['low']:,} to {of['high']:,}"


def _tell(report: dict[str, Any]) -> str:
    if not report["complete"]:
        return "not done: run the same command again to carry on"
    same = report["verified"]["same"]
    whole = report["written"] + sum(report["skipped"].values())
    sentence = f"{same:,} of {counted(whole, 'label')} are at the target and verified"
    if whole and same == whole:
        sentence = f"all {sentence}" if whole > 1 else sentence.replace(" are ", " is ")
    rest = {
        "cannot go": sum(report["skipped"].values()),
        "dead": report["dead"],
        "missing": report["verified"]["missing"],
        "different": report["verified"]["differs"],
        "on inputs that could not be read": report["verified"]["unreadable"],
    }
    left = [f"{count:,} {what}" for what, count in rest.items() if count]
    return f"{sentence}; {', '.join(left)}" if left else sentence
