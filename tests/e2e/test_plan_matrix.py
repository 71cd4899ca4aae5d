"""Plan, push, and the next plan is empty: for annotations of every kind, however they
are written, under every switch of the emulator.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from syncer.jobs.plan.planned import Planned
from tests.e2e.test_plan import ALL, plan, write
from tests.e2e.test_switches import APART, BITES_WITH, SWITCHED, post_inputs, push
from tests.support.cases import first_quick
from tests.support.kinds import KINDS, every_kind, respell
from tests.support.stand_in import RECOGNISED, running

QUICK = ("float32=exact", "enums=name", "masks=url", "added-fields=some", "read-lag=2")
CASES = sorted(
    (switch for switch in SWITCHED if switch not in APART), key=lambda switch: switch not in QUICK
)
BITES = {name: faults for name, faults in BITES_WITH.items() if name != "masks"}
"""A mask that is shown as an address and whose answer is lost, or leaves it out, is
never recognised: its change becomes a dead letter.
"""
INPUTS = [f"input-{number}" for number in range(3)]


def left(planned: Planned) -> list[str]:
    """What there is still to change, and what cannot be, for people."""
    assert planned.error is None
    count = planned.changes + planned.unchangeable + planned.unreadable
    return [f"{count} left", *map(str, planned.samples)] if count else []


@pytest.mark.anyio
@pytest.mark.parametrize("switch", first_quick(CASES, len(QUICK)))
async def test_a_plan_after_a_push_of_one_is_empty_however_it_is_written_under(
    switch: str, tmp_path: Path
) -> None:
    faults = ",".join(filter(None, (BITES.get(switch.partition("=")[0]), switch)))
    needs = "answer=full" if switch == "masks=url" else RECOGNISED
    limit = 60 if switch.startswith("rate-") else 0
    first, second = every_kind(0), every_kind(1)
    logs: dict[str, Path] = {}
    for name, wanted in (("first", first), ("second", second)):
        logs[name] = write(tmp_path / f"{name}.jsonl", wanted)
        logs[f"{name} again"] = write(tmp_path / f"{name}-again.jsonl", map(respell, wanted))
    out = tmp_path / "plan.jsonl"
    async with running(rps=limit, faults=switch, seed=4, needs=needs) as server:
        await anyio.to_thread.run_sync(post_inputs, server.url, INPUTS)
        server.set_faults(faults)
        for name, exact in (("first", False), ("second again", False), ("first again", True)):
            how: dict[str, Any] = {"rules": {"exact": exact}}
            planned = await plan(server.url, out, logs[name], **how)
            assert planned.changes == len(KINDS), (name, left(planned))
            pushed = await push(server.url, tmp_path / name, out)
            assert (pushed.exit_code, pushed.summary.dead) == (0, 0), pushed
            base = name.removesuffix(" again")
            for form in (base, f"{base} again"):
                for exact in (False, True):
                    rest = await plan(server.url, out, logs[form], rules={"exact": exact})
                    assert left(rest) == [], (name, form, exact)
        gone = tmp_path / "gone.jsonl"
        gone.write_bytes(
            b"".join(
                b'{"op":"delete","annotation":{"input_id":"%s"}}\n' % i.encode() for i in INPUTS
            )
        )
        how = {"any_user": True, "max_delete": ALL}
        planned = await plan(server.url, out, gone, rules={"delete": True}, **how)
        assert planned.deletes == len(KINDS)
        assert (await push(server.url, tmp_path / "gone", out)).exit_code == 0
        rest = await plan(server.url, out, gone, rules={"delete": True}, **how)
        assert (left(rest), rest.extra) == ([], 0)
