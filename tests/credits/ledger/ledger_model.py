"""The rules of decisions about credits as a dictionary of numbers: the ledger's test oracle.

Written from the rules and sharing no code with the ledger. Every verb returns the lines it
expects to be written, as (kind, plan part, package part, instant), or raises `Refused`.
"""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

Line = tuple[str, int, int, datetime]

DAY = timedelta(hours=24)


class Refused(Exception):  # noqa: N818 - a word of the rules
    """The rules say no: `why` is "short", "stale" or "nothing"."""

    def __init__(self, why: str, available: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.available = available


def month_after(anchor: datetime, months: int) -> datetime:
    """So many months later, on the anchor's day or the last that the month has."""
    year, month = anchor.year, anchor.month
    for _ in range(months):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    for day in range(anchor.day, 0, -1):
        try:
            return anchor.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    raise AssertionError


class LedgerModel:
    """One account."""

    def __init__(self) -> None:
        self.s: dict[str, Any] = {
            "plan": 0, "package": 0, "kind": "none", "end": None, "anchor": None,
            "allocation": 0, "last": None, "period": 0, "warned": None,
        }  # fmt: skip
        self.alerts: list[tuple[datetime, bool]] = []  # crossing, and whether it is mailed
        self.lines: list[Line] = []
        self.granted: dict[datetime, tuple[int, int]] = {}  # period end: highest, line number
        self.spent: dict[int, tuple[int, int, int]] = {}  # line number: plan, package, period
        self.restored: set[int] = set()

    def at(self, now: datetime) -> LedgerModel:
        """What time alone makes of it, for a look ahead."""
        ahead = copy.deepcopy(self)
        ahead.roll(now)
        return ahead

    @property
    def total(self) -> int:
        return int(self.s["plan"] + self.s["package"])

    def running(self, now: datetime) -> bool:
        return self.s["end"] is not None and now < self.s["end"]

    def clock(self, now: datetime) -> datetime:
        return max(now, self.s["last"] or now)

    def write(self, kind: str, plan: int, package: int, at: datetime) -> None:
        self.s["plan"] += plan
        self.s["package"] += package
        self.s["last"] = at = self.clock(at)
        self.lines.append((kind, plan, package, at))

    def expire(self, at: datetime) -> None:
        if self.s["plan"]:
            self.write("expire", -self.s["plan"], 0, at)

    def open(self, kind: str, allocation: int, end: datetime | None, **more: Any) -> None:
        self.s |= {"kind": kind, "allocation": allocation, "end": end, "anchor": None} | more
        self.s["period"] += 1

    def grant(self, kind: str, credits: int, at: datetime) -> None:
        self.write(kind, credits, 0, at)
        if kind == "plan_grant":
            highest, _ = self.granted.get(self.s["end"], (0, 0))
            self.granted[self.s["end"]] = max(highest, self.s["allocation"]), len(self.lines)

    def roll(self, now: datetime) -> None:
        """What has fallen due by now."""
        s, now = self.s, self.clock(now)
        if s["end"] is None or now < s["end"]:
            return
        self.expire(s["end"])
        if s["kind"] == "trial":
            day = 0
            while s["anchor"] + (day + 1) * DAY <= now and day < 7:
                day += 1
            if day < 7:
                start = s["anchor"] + day * DAY
                self.open("trial", 100, start + DAY, anchor=s["anchor"])
                self.grant("trial_grant", 100, start)
                return
        if s["kind"] == "staff":
            month = 0
            while month_after(s["anchor"], month + 1) <= now:
                month += 1
            end = month_after(s["anchor"], month + 1)
            self.open("staff", s["allocation"], end, anchor=s["anchor"])
            self.grant("plan_grant", s["allocation"], month_after(s["anchor"], month))
            return
        if s["kind"] == "paid":  # Its end is known until the renewal is confirmed.
            s["allocation"] = 0
            return
        self.open("none", 0, None)

    def sweep(self, now: datetime) -> None:
        """Expiries only: the grant of a following day or month waits for a write."""
        s, ahead = self.s, self.at(now)
        if s["end"] is None or self.clock(now) < s["end"]:
            return
        if ahead.s["period"] != s["period"] and ahead.s["kind"] in ("trial", "staff"):
            self.expire(s["end"])
        else:
            self.roll(now)

    def open_account(self, now: datetime, *, trial: bool) -> None:
        if trial:
            self.open("trial", 100, now + DAY, anchor=now)
            self.grant("trial_grant", 100, now)

    def spend(self, amounts: list[int], now: datetime) -> None:
        now = self.clock(now)
        if sum(amounts) > self.at(now).total:
            raise Refused("short", self.at(now).total)
        self.roll(now)
        before = self.total
        for amount in amounts:
            plan = min(amount, self.s["plan"])
            self.write("spend", -plan, plan - amount, now)
            self.spent[len(self.lines)] = plan, amount - plan, self.s["period"]
        self.watch(before, now)

    def watch(self, before: int, now: datetime) -> None:
        """A crossing is mailed once in a period; without one, once in 30 days."""
        s, low = self.s, max(50, self.s["allocation"] // 10)
        if not before > low >= self.total:
            return
        if self.running(now):
            to_mail = s["warned"] != s["period"]
        else:
            to_mail = not any(mailed and at > now - 30 * DAY for at, mailed in self.alerts)
        s["warned"] = s["period"]
        self.alerts.append((now, to_mail))

    def package(self, credits: int, now: datetime) -> None:
        now = self.clock(now)
        self.roll(now)
        self.write("package", 0, credits, now)

    def paid(self, allocation: int, end: datetime, now: datetime) -> int | None:
        now, s = self.clock(now), self.at(now).s
        highest, _line = self.at(now).granted.get(end, (0, 0))
        if (end <= now and allocation > highest) or (s["kind"] == "paid" and end < s["end"]):
            raise Refused("stale")
        return self.plan("paid", allocation, end, now, anchor=None)

    def staff(self, allocation: int, anchor: datetime, now: datetime) -> int | None:
        now = self.clock(now)
        if anchor > now:
            raise Refused("stale")
        month = 1
        while month_after(anchor, month) <= now:
            month += 1
        return self.plan("staff", allocation, month_after(anchor, month), now, anchor=anchor)

    def plan(
        self, kind: str, allocation: int, end: datetime, now: datetime, **more: Any
    ) -> int | None:
        """The number of the line that had granted as much before, if nothing is to be granted."""
        ahead = self.at(now)
        highest, line = ahead.granted.get(end, (0, 0))
        if line and allocation <= highest:
            if line > len(self.lines):  # The very grant that is due: it is written now.
                self.roll(now)
            return line
        self.roll(now)
        if line and self.s["end"] == end:
            self.s |= {"kind": kind, "allocation": allocation} | more
        else:
            self.expire(now)
            self.open(kind, allocation, end, **more)
        self.grant("plan_grant", allocation - highest, now)
        return None

    def restore(self, line: int, now: datetime, *, lapse_plan: bool = False) -> None:
        now = self.clock(now)
        plan, package, period = self.spent[line]
        ahead = self.at(now).s
        if lapse_plan and not (self.at(now).running(now) and period == ahead["period"]):
            plan = 0
        if ahead["kind"] == "trial" and period != ahead["period"]:
            plan = min(plan, max(0, 100 - ahead["plan"]))
        if plan + package == 0:
            raise Refused("nothing")
        self.roll(now)
        if plan and not self.running(now):
            self.open("remainder", 0, now + 30 * DAY)
        self.write("restore", plan, package, now)
        self.restored.add(line)

    def adjust(self, bucket: str, credits: int, now: datetime) -> None:
        now = self.clock(now)
        held = self.at(now).s[bucket]
        if held + credits < 0:
            raise Refused("short", held)
        self.roll(now)
        before = self.total
        if bucket == "plan" and credits > 0 and not self.running(now):
            self.open("remainder", 0, now + 30 * DAY)
        self.write("adjust", *((credits, 0) if bucket == "plan" else (0, credits)), now)
        if credits < 0:
            self.watch(before, now)
