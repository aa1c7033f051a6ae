"""What people see of a verification: each finding as it is found, so many at most, and the totals."""

import json
import os
import sys
from dataclasses import asdict

from nrdb.clock import format_time
from nrdb.verifying.compare import Difference
from nrdb.verifying.program import Refusal, Verdict


class Show:
    """Standard output. Of refusals and of differences `limit` are shown each; all are counted.

    As JSON it is one document in the end, which has as many.
    """

    def __init__(self, *, limit: int, as_json: bool) -> None:
        self._limit = limit
        self._as_json = as_json
        self._count = {Refusal: 0, Difference: 0}
        self._kept: list[Refusal | Difference] = []

    def found(self, finding: Refusal | Difference) -> None:
        """Show it, or keep it for the document, if there is room."""
        self._count[type(finding)] += 1
        if self._count[type(finding)] > self._limit:
            return
        if self._as_json:
            self._kept.append(finding)
        elif isinstance(finding, Refusal):
            self._write(f"not accepted again: {finding.text}\n")
        else:
            self._write(f"{finding.what}\n  here:     {finding.here}\n  replayed: {finding.replayed}\n")

    def end(self, verdict: Verdict) -> None:
        """The verdict."""
        if self._as_json:
            shown = {
                "equal": verdict.equal,
                "at": format_time(verdict.at),
                "beginning": verdict.beginning,
                "events": verdict.events,
                "refused_count": verdict.refused,
                "difference_count": verdict.differences,
                "refused": [finding.text for finding in self._kept if isinstance(finding, Refusal)],
                "differences": [asdict(finding) for finding in self._kept if isinstance(finding, Difference)],
            }
            self._write(json.dumps(shown) + "\n")
            return
        for name, count in (("not accepted again", verdict.refused), ("differences", verdict.differences)):
            if count:
                shown_of = f", of which {self._limit} are shown (--limit)" if count > self._limit else ""
                self._write(f"{name}: {count}{shown_of}\n")
        if verdict.beginning:
            self._write(
                f"{verdict.beginning} providers and series stood before the audit log began: taken as they were then\n"
            )
        outcome = "the same routing table and the same cases" if verdict.equal else "NOT the same"
        self._write(f"{verdict.events} events replayed as of {format_time(verdict.at)}: {outcome}\n")

    @staticmethod
    def _write(text: str) -> None:
        """At once. Who reads no further (`head`) does not change the verdict, nor end the comparison in its middle."""
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
