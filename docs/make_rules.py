"""Write docs/rules.md from the code: the catalogue of refusals, the rulebook, and the tests that show them.

python docs/make_rules.py             writes the page
python docs/make_rules.py --check     compares it instead
python docs/make_rules.py --complete  says which refusals of contract sections 6 and 8 no test shows
"""  # noqa: INP001 (a folder of pages, no package)

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from nrdb.errors import CATALOGUE, REFUSALS, Code
from nrdb.rulebook import Rulebook, load_rulebook
from nrdb.rulebook.model import Reason

PAGE = Path(__file__).with_name("rules.md")
TESTS = PAGE.parent.parent / "tests"
#: Tests named for a code at most; the first is the easiest to read.
SHOWN = 2

HEAD = """# The rules, for those who work with portings

This page is generated from the code by `python docs/make_rules.py`; do not edit it by hand.

A message is accepted or refused at once. A refusal changes nothing: correct the message and send it again.
It always carries a `code`, a sentence, and mostly the rule with its source and the facts that decided it.
When several rules would refuse a message, the first in the list below answers.
`GET /v1/rules` lists the same rules, in English and Norwegian; a problem is in Norwegian with `Accept-Language: nb`.

*Shown by* names a test in which the refusal happens: a story where there is one.

Sources: **S3** is Nkom, *Presisering av administrative rutiner* v.2.05 (15.01.2024), with its section. **S1** is
Nkom on five-digit numbers. *Ours* means that NRDB surely has such a thing, but no source we could read names it.
*Assumption* means that no source gives the value, so we chose one.

Words: **MT** recipient (mottakende tilbyder), **AT** donor (avgivende tilbyder), **OAT** range holder (holder of the
series in the number plan), **holder** the provider that serves the number now. Code `0` is Nkom.
"""

#: The last code of each part, in the order in which they are decided.
PARTS = (
    (Code.DUPLICATE_MESSAGE, "Before the rules: the request itself", "Answered before any rule is looked at."),
    (
        Code.SECRET_NUMBER_DISCLOSED,
        "The rulebook",
        (
            "In the order in which they are decided. All are 409, except `unknown-case` (404). "
            "`number-unknown` is 404 where a number is only asked for."
        ),
    ),
    (None, "Administration, and what any server may answer", "Refusals of changes to the register and the plan."),
)
UNITS = {"working_minutes": "working minutes", "minutes": "minutes", "working_days": "working days"}


def page() -> str:
    """The whole page."""
    rulebook = load_rulebook()
    return "\n".join([HEAD, *_codes(), *_timers(rulebook), *_limits(rulebook), *_reasons(rulebook)]) + "\n"


def _codes() -> Iterator[str]:
    left = [code for code in Code if code in CATALOGUE]
    for last, title, intro in PARTS:
        end = left.index(last) + 1 if last is not None else len(left)
        part, left = left[:end], left[end:]
        yield f"## {title}\n\n{intro}\n"
        yield _row("code", "status", "what it means", "what to know", "rule", "source", "shown by")
        yield "|---" * 7 + "|"
        for code in part:
            info = CATALOGUE[code]
            rule = ", ".join(load_rulebook().refusals[code].timers) if code in REFUSALS else ""
            shown = ", ".join(_link(path) for path in shown_by()[code][:SHOWN])
            yield _row(
                f"`{code}`", str(info.status), str(info.title), str(info.text), rule or info.rule, info.source, shown
            )
        yield ""


def _link(path: Path) -> str:
    return f"[{path.stem}](../{path.relative_to(TESTS.parent).as_posix()})"


@cache
def shown_by() -> Mapping[Code, Sequence[Path]]:
    """The stories in which each refusal happens, those most about it first; then the tests that name it."""
    stories = [(path, Counter(_REFUSED.findall(_told(path)))) for path in sorted(TESTS.rglob("*.story"))]
    tests = [(path, set(_NAMED.findall(path.read_text(encoding="utf-8")))) for path in sorted(TESTS.rglob("test_*.py"))]
    # The tests of the rulebook, the texts and this page name codes without any message being refused.
    tests = [(path, names) for path, names in tests if "unit" not in path.parts and path.stem != "test_languages"]
    return {code: [path for path, names in [*_most_about(code, stories), *tests] if code in names] for code in Code}


def _most_about(code: Code, stories: Iterable[tuple[Path, Counter[str]]]) -> list[tuple[Path, Counter[str]]]:
    """Where it happens often and little else does."""
    return sorted(stories, key=lambda story: len(story[1]) - story[1][code])


_REFUSED = re.compile(r"-> 4\d\d ([a-z-]+)")
_NAMED = re.compile(r'"([a-z]+(?:-[a-z]+)*)"')


def _told(path: Path) -> str:
    """A story without its comments."""
    return "\n".join(line.split("#")[0] for line in path.read_text(encoding="utf-8").splitlines())


def not_shown() -> list[Code]:
    """Refusals of the rulebook and of administration that no test shows."""
    refusals = [code for code in Code if CATALOGUE[code].status == 409 or code in REFUSALS]
    return [code for code in refusals if not shown_by()[code]]


def _timers(rulebook: Rulebook) -> Iterator[str]:
    yield "## Timers\n"
    yield (
        "The earliest and the latest instant are themselves allowed. Plain minutes are elapsed minutes; working\n"
        "minutes run only in working time; the n-th working day ends at 24:00. Today is day 0. All in Europe/Oslo.\n"
    )
    yield "| timer | value | what for | på norsk | source |\n|---|---|---|---|---|"
    for name, timer in rulebook.timers.items():
        value = f"{timer.value} {UNITS[timer.unit]}"
        yield _row(name, value, timer.text.en, timer.text.nb, timer.source)
    yield "\nT17 is not in the source's table. T1 to T8 are in no source we could read.\n"


def _limits(rulebook: Rulebook) -> Iterator[str]:
    yield "## Working time, limits, assumptions\n"
    for hours in rulebook.calendar.hours:
        yield f"- From {hours.valid_from}: {hours.text.en} ({hours.source}). {hours.text.nb}."
    yield (
        f"- At most {rulebook.cap.daily_limit:,} numbers a day to one provider code, counted on the day of the "
        f"porting or termination time ({rulebook.cap.source}). An administrator may lift the limit of a day."
    )
    yield (
        f"- At most {rulebook.block_limit.value:,} consecutive numbers are ported; larger blocks move in the "
        f"number plan ({rulebook.block_limit.source})."
    )
    for assumed in (rulebook.assumptions.answer_due, rulebook.assumptions.completion_due):
        yield f"- {assumed.text.en} ({assumed.source}; for reports only, nothing is refused by it)."
    yield ""


def _reasons(rulebook: Rulebook) -> Iterator[str]:
    yield "## Reasons a donor may give in NP_FBES\n"
    yield "One reason only (S3 2.5.1). Number 2 is NRDB's; the other numbers and all names are ours.\n"
    yield "| number | reason | `expected` must hold | when it is refused | source |\n|---|---|---|---|---|"
    for name, reason in rulebook.reasons.items():
        needs = " and ".join(_one_of(fields) for fields in reason.needs)
        yield _row(str(reason.number), f"`{name}`", needs, _refused(reason), reason.source)
    yield (
        "\n`owner-mismatch` needs no expected value with `secret_number` true, and must then disclose none. It is "
        "refused\nwhen the expected birth date or organisation number is the one in the order: the name alone is no "
        "ground.\n"
    )
    yield "## Reasons a range holder may give in NP_FOPS\n"
    yield "One reason, and a comment where it needs one. No source names them: all are ours.\n"
    for name, ours in rulebook.termination_reasons.items():
        yield f"- `{name}` ({ours.source}): {ours.text.en}. {ours.text.nb}."


def _one_of(fields: Sequence[str]) -> str:
    named = ", ".join(f"`{field}`" for field in fields)
    return f"one of {named}" if len(fields) > 1 else named


def _refused(reason: Reason) -> str:
    if reason.always_refused:
        return "always"
    return f"for {', '.join(sorted(reason.refused_for_classes))}" if reason.refused_for_classes else ""


def _row(*cells: str | None) -> str:
    return "| " + " | ".join((cell or "").replace("|", "\\|") for cell in cells) + " |"


def main() -> int:
    """Write the page; with --check say whether it is what the code says, with --complete whether all is shown."""
    if "--complete" in sys.argv[1:]:
        missing = not_shown()
        sys.stderr.write("".join(f"no story or test shows {code}\n" for code in missing))
        return 1 if missing else 0
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("docs/rules.md is not what the code says: run python docs/make_rules.py\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
