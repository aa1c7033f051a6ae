"""`nrdb import plan|ported FILE.csv`: a national number plan, and the numbers that are ported in it, into the database.

It works on the database itself, as `nrdb migrate` does, because it is the change of one night by those who run it.
All rows are staged and looked at first; then all of them are written in one transaction, or none (decision 14).
"""

import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from nrdb.audit import RECORD
from nrdb.clock import format_time, monotonic
from nrdb.db import UNAVAILABLE, dumps
from nrdb.errors import UnusableError
from nrdb.importing import checking, staging, writing
from nrdb.importing.reading import FileError, Header, digest_of, open_table, read_header
from nrdb.importing.rows import PlanTable, PortedTable, Table
from nrdb.importing.show import SHOWN, Show, Stage, Summary, Wrong, read_so_far, verify_errors, write_wrong
from nrdb.importing.waiting import nothing_due
from nrdb.migrate import head
from nrdb.rulebook import load_rulebook

__all__ = ["Wanted", "import_file"]

_DONE = 0
_REFUSED = 1
_NOT_DONE = 2
_KINDS: dict[str, type[Table]] = {"plan": PlanTable, "ported": PortedTable}
#: An import looks at whole tables, as the service never does, and takes the memory to sort them.
_SESSION = {
    "application_name": "nrdb import",
    "timezone": "UTC",
    "jit": "off",
    "work_mem": "256MB",
    "maintenance_work_mem": "512MB",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "tcp_keepalives_idle": "10",
}
_IMPORTED = """
SELECT at, (after ->> 'left_out')::bigint AS left_out FROM audit WHERE action = $1 AND subject = $2
 ORDER BY 2, id DESC LIMIT 1
"""
_WRONG = "SELECT line, code, detail, is_warning FROM nrdb_import_error ORDER BY line"
_WRONG_SO_FAR = "SELECT count(*) FROM nrdb_import_error WHERE NOT is_warning"
_COUNTS = "SELECT code, is_warning, count(*) FROM nrdb_import_error GROUP BY code, is_warning"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    kind: Literal["plan", "ported"]
    file: Path
    errors: Path | None = None
    dry_run: bool = False
    skip_bad: bool = False
    reason: str | None = None
    as_json: bool = False

    @property
    def action(self) -> str:
        """What the audit log calls it."""
        return f"{self.kind}-imported"


async def import_file(wanted: Wanted, dsn: str, folder: Path | None = None) -> int:
    """Import a file; the exit code: 0 all is in the database, 1 rows are wrong, 2 it could not be done.

    `folder` is where an embedded database lies, which people know it by.
    """
    began = monotonic()
    summary = Summary(str(wanted.file), wanted.kind, _named(dsn, folder))
    try:
        with Show(as_json=wanted.as_json) as show:
            show.say(f"The database is {summary.database}")
            wrong = await _import(wanted, dsn, show, summary)
            summary.seconds = round(monotonic() - began, 3)
            show.end(summary, wrong)
    except UNAVAILABLE as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        named = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        text, then = f"{named}{reason or type(error).__name__}", summary.stage.then
    except asyncpg.PostgresError as error:
        text, then = f"the database: {error}", summary.stage.then
    except UnusableError as error:
        # It says itself what to do.
        text, then = str(error), Stage.BEGUN.then
    else:
        return _REFUSED if summary.errors else _DONE
    sys.stderr.write(f"nrdb import: {text}. {then}\n")
    return _NOT_DONE


def _named(dsn: str, folder: Path | None) -> str:
    """Which database that is, for people: nothing of who connects, or by which password."""
    parts = urlsplit(dsn)
    more = parse_qs(parts.query)
    host = str(folder or parts.netloc.rpartition("@")[2] or more.get("host", ["this machine"])[0])
    name = parts.path.strip("/") or more.get("dbname", ["its user's"])[0]
    return f"{unquote(name)} at {unquote(host)}"


async def _import(wanted: Wanted, dsn: str, show: Show, summary: Summary) -> list[Wrong]:
    """All of it. What is wrong is in the file for it, or the first of it is returned to be shown."""
    try:
        with open_table(wanted.file) as file:
            if wanted.errors is not None:
                verify_errors(wanted.errors, wanted.file)
            kind = _KINDS[wanted.kind]
            header = read_header(file, kind.required, kind.optional)
            summary.sha256 = digest_of(file)
            connection = await _connect(dsn)
            try:
                await _verify_ready(connection)
                return await _import_on(connection, wanted, file, header, show, summary)
            finally:
                with suppress(*UNAVAILABLE):
                    await connection.close(timeout=5)
    except FileError as error:
        wrong = Wrong(error.line, error.code, str(error), is_warning=False)
        summary.state, summary.errors = "refused", {error.code: 1}
        summary.says = "The file cannot be read as a table. Nothing is imported."
        if wanted.errors is not None and error.code not in ("not-a-file", "empty-file"):
            with wanted.file.open("rb") as file:
                await write_wrong(wanted.errors, file, _these([wrong]))
        return [wrong]


async def _connect(dsn: str) -> asyncpg.Connection:
    try:
        connection = await asyncpg.connect(dsn, timeout=10, server_settings=_SESSION)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise UnusableError(f"the database cannot be reached: {str(error) or 'no answer in 10 s'}") from None
    # Where the system can tell, a statement ends soon after its import was killed.
    with suppress(asyncpg.PostgresError):
        await connection.execute("SET client_connection_check_interval = '1s'")
    return connection


async def _verify_ready(connection: asyncpg.Connection) -> None:
    there = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
    if not there or await connection.fetchval("SELECT version_num FROM alembic_version") != head():
        raise UnusableError("the database has not the schema of this nrdb: run `nrdb migrate` first")
    if await connection.fetchval("SELECT NOT EXISTS (SELECT 1 FROM world)"):
        raise UnusableError("nothing has been entered in this database: run `nrdb serve` once, and enter the providers")


async def _import_on(
    connection: asyncpg.Connection, wanted: Wanted, file: BufferedReader, header: Header, show: Show, summary: Summary
) -> list[Wrong]:
    digest = summary.sha256 or ""
    await staging.take_turn(connection)
    before = await connection.fetchrow(_IMPORTED, wanted.action, digest)
    if before is not None and before["left_out"] == 0:
        await staging.forget(connection, digest)
        summary.state = "imported-before"
        summary.says = f"This file was imported at {format_time(before['at'])}. There is nothing to do."
        return []
    if before is not None:
        summary.imported_in_part_at = format_time(before["at"])
        show.say(
            f"This file was imported at {summary.imported_in_part_at} but for {before['left_out']:,} rows: the others "
            "stand there already"
        )
    await _stage(connection, wanted, file, header, show, summary)
    await nothing_due(connection)
    await _carry_out(connection, wanted, file, show, summary)
    shown = await _tell(connection, wanted, file, summary)
    await staging.clear(connection)
    if summary.imported:
        # What is planned from now on knows how many rows there are.
        await connection.execute("ANALYZE series; ANALYZE routing")
    return shown


async def _stage(
    connection: asyncpg.Connection, wanted: Wanted, file: BufferedReader, header: Header, show: Show, summary: Summary
) -> None:
    """Every row of the file beside the tables, sorted, and those that contradict each other found."""
    digest = summary.sha256 or ""
    table = PlanTable(header, load_rulebook()) if wanted.kind == "plan" else PortedTable(header)
    staged = await staging.begin(connection, wanted.kind, digest, header.rows)
    summary.stage = Stage.READ
    size = wanted.file.stat().st_size
    show.step("reading", size, staged.place.offset)
    if staged.resumed is not None:
        summary.resumed_at_line = staged.resumed
        so_far = read_so_far(staged.count + staged.refused, staged.refused)
        show.say(f"An earlier import of this file had read {so_far}, up to line {staged.resumed - 1:,}: going on there")
    try:
        async for offset in staging.stage(connection, file, table, staged, digest):
            show.reach(min(offset, size), read_so_far(staged.count + staged.refused, staged.refused))
    except FileError:
        # Nobody goes on with it: the file must become another one, or was another one while it was read.
        await staging.clear(connection)
        raise
    summary.rows = staged.count + staged.refused
    show.step("sorting", 2)
    await staging.sort(connection)
    show.reach(1)
    await checking.check_overlaps(connection)
    show.reach(2)


async def _carry_out(
    connection: asyncpg.Connection, wanted: Wanted, file: BufferedReader, show: Show, summary: Summary
) -> None:
    """Look at all rows, and write all of them or none. A dry run looks only, and makes nobody wait.

    What is refused is committed without anything else, so that it can be told while nobody waits any more. What is left
    out is told before the others are written: nobody could find it out afterwards.
    """
    written = writing.Written()
    async with connection.transaction():
        at = await connection.fetchval(f"SELECT {'nrdb_now' if wanted.dry_run else 'change_world'}()")
        if await connection.fetchval("SELECT world_is_due($1)", at):
            raise UnusableError("a change of the plan has just become due: try again")
        await _check(connection, wanted, at, show, summary)
        for row in await connection.fetch(_COUNTS):
            (summary.warnings if row["is_warning"] else summary.errors)[row["code"]] = row["count"]
        if wanted.dry_run or (summary.errors and not wanted.skip_bad):
            return
        if wanted.errors is not None:
            await write_wrong(wanted.errors, file, _wrong(connection))
        await checking.leave_out(connection)
        total = summary.rows - sum(summary.errors.values()) - sum(summary.warnings.values())
        show.step("writing", total)
        reason = wanted.reason or f"import of {wanted.file.name}"
        work = (
            writing.write_plan(connection, at, reason, written)
            if wanted.kind == "plan"
            else writing.write_ported(connection, at, written)
        )
        async for _ in work:
            show.reach(written.rows, f"{written.rows:,} of {total:,} rows")
        await _record(connection, wanted, at, reason, summary, written)
        summary.stage = Stage.COMMITTED
    summary.stage = Stage.IMPORTED
    summary.imported, summary.routing_put, summary.routing_removed = written.rows, written.put, written.removed


async def _check(connection: asyncpg.Connection, wanted: Wanted, at: datetime, show: Show, summary: Summary) -> None:
    show.step("checking", 3)
    summary.missing_providers = await checking.check_providers(connection)
    show.reach(1, await _checked(connection, summary))
    await checking.check(connection, checking.PLAN if wanted.kind == "plan" else checking.PORTED_BEFORE, at)
    show.reach(2, await _checked(connection, summary))
    if wanted.kind == "ported":
        await writing.find_cells(connection)
        await checking.check(connection, checking.PORTED_AFTER, at)
        summary.before_plan, summary.before_plan_lines = await checking.find_early(connection, at, SHOWN)
    show.reach(3, await _checked(connection, summary))


async def _checked(connection: asyncpg.Connection, summary: Summary) -> str:
    return read_so_far(summary.rows, await connection.fetchval(_WRONG_SO_FAR))


async def _record(
    connection: asyncpg.Connection,
    wanted: Wanted,
    at: datetime,
    reason: str,
    summary: Summary,
    written: writing.Written,
) -> None:
    """The line of the audit log: one for the whole file."""
    after = {
        "file": wanted.file.name,
        "sha256": summary.sha256,
        "rows": summary.rows,
        "imported": written.rows,
        "left_out": sum(summary.errors.values()),
        "as_planned": sum(summary.warnings.values()),
        "routing_put": written.put,
        "routing_removed": written.removed,
        "first_seq": written.first_seq,
        "last_seq": written.last_seq,
    }
    if wanted.kind == "plan":
        after |= {"first_version": written.first_version, "last_version": written.last_version}
    await connection.execute(RECORD, at, None, wanted.action, summary.sha256, None, dumps(after), reason)


async def _tell(connection: asyncpg.Connection, wanted: Wanted, file: BufferedReader, summary: Summary) -> list[Wrong]:
    errors, warnings = sum(summary.errors.values()), sum(summary.warnings.values())
    if wanted.errors is not None and not summary.imported:
        async with connection.transaction():
            await write_wrong(wanted.errors, file, _wrong(connection))
    found = f"{errors:,} of {summary.rows:,} rows are wrong" if errors else f"{summary.rows:,} rows are right"
    if warnings:
        found += f", {warnings:,} as planned and left out"
    if wanted.dry_run:
        summary.state, says = "checked", f"{found}. This was a dry run: nothing is imported."
    elif errors and not wanted.skip_bad:
        summary.state, says = "refused", f"{found}. Nothing is imported."
    else:
        summary.state = "imported-in-part" if errors else "imported"
        done = f"{summary.imported:,} of {summary.rows:,} rows are imported: {summary.routing_put:,} rows of routing."
        says = done if summary.imported == summary.rows else f"{found}. {done}"
    if not errors and not warnings:
        summary.says = says
        return []
    if wanted.errors is not None:
        summary.says = f"{says} What is wrong stands in {wanted.errors}."
        return []
    summary.says = f"{says} The first are shown; --errors FILE.csv writes all of them."
    return [Wrong(**dict(row)) for row in await connection.fetch(f"{_WRONG} LIMIT {SHOWN}")]


async def _wrong(connection: asyncpg.Connection) -> AsyncIterator[Wrong]:
    async for row in connection.cursor(_WRONG, prefetch=1000):
        yield Wrong(**dict(row))


async def _these(items: list[Wrong]) -> AsyncIterator[Wrong]:
    for item in items:
        yield item
