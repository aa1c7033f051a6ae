"""`python -m bench [--only NAME]`: runs the benchmarks, prints a table, writes .bench/latest.json."""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import psutil

from bench import console, dns, importing, load, routing
from bench.fanout import CASES, FOLLOWERS, fan_out, percentile
from bench.market import CODES, FIRST_M2M, FIRST_NUMBER, Market, load_cases
from bench.service import FIRST_PORT, Service, database, service, start, stop, until_ready
from bench.transfer import prepare, transfer

RUNS = 5
SECONDS = 5
#: A batch at its longest.
LINES = 10_000
RESULTS = Path(".bench/latest.json")


@dataclass(frozen=True)
class Result:
    """One figure. `ratio` is against `against`, measured in the same run; `target` says what the ratio should be."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    against: str | None = None
    target: str | None = None
    runs: int = RUNS


async def bench_orders(folder: Path) -> list[Result]:
    """NP_BEST over HTTP with 100,000 cases loaded, against pgbench writing the same rows, in turn."""
    processes = max(1, min(2, os.cpu_count() or 1))
    with database(folder, "orders") as dsn:
        async with service(dsn, folder, FIRST_PORT, processes) as running:
            await _load(running, 100_000)
            ours, theirs = [], []
            for run in range(RUNS):
                ours.append(await load.orders(running.market, 2_000_000 + run * 100_000, SECONDS))
                theirs.append(await load.same_rows(dsn, SECONDS))
            refused = sum(run.refused + run.errors for run in ours)
            ratio = statistics.median(run.per_second / tps for run, tps in zip(ours, theirs, strict=True))
            return [
                Result("orders accepted", _median(run.per_second for run in ours), f"/s ({processes} processes)", ratio,
                       "pgbench, same rows", ">= 0.25"),
                Result("pgbench, same rows", _median(theirs), "tps"),
                Result("orders p50", _median(run.p50_ms for run in ours), "ms"),
                Result("orders p99", _median(run.p99_ms for run in ours), "ms"),
                Result("orders not answered 201", refused, "", target="0"),
                Result("largest API process", running.resident_mb(), "MB", target="<= 150"),
            ]  # fmt: skip


async def bench_batch(folder: Path) -> list[Result]:
    """Orders in batches with 100,000 cases loaded, against pgbench writing the same rows, in turn."""
    processes = max(1, min(2, os.cpu_count() or 1))
    with database(folder, "batch") as dsn:
        async with service(dsn, folder, FIRST_PORT + 4, processes) as running:
            await _load(running, 100_000)
            ours, theirs = [], []
            for run in range(RUNS):
                ours.append(await load.batches(running.market, 2_000_000 + run * 100_000, load.STREAMS, LINES))
                theirs.append(await load.same_rows(dsn, SECONDS))
            ratio = statistics.median(mine / tps for mine, tps in zip(ours, theirs, strict=True))
            return [
                Result("orders accepted in batches", _median(ours), f"/s ({load.STREAMS} streams)", ratio,
                       "pgbench, same rows", ">= 1.0"),
                Result("pgbench, same rows", _median(theirs), "tps"),
            ]  # fmt: skip


async def bench_series(folder: Path) -> list[Result]:
    """An order of a 10,000-number series against an order of one number, one after the other on one connection."""
    with database(folder, "series") as dsn:
        async with service(dsn, folder, FIRST_PORT + 1) as running:
            await _load(running, 10_000)
            days = await load.porting_days(running.market)
            single, series = [], []
            async with httpx.AsyncClient(base_url=running.market.url) as client:
                for index in range(400):
                    day, code = days[index // 10 % len(days)], CODES[10 + index % 10]
                    first = FIRST_M2M + index * 20_000
                    one: dict[str, object] = {"number_type": "E", "main_number": str(first + 15_000)}
                    many: dict[str, object] = {
                        "number_type": "S",
                        "main_number": str(first),
                        "series": [{"first": str(first), "last": str(first + 9_999)}],
                    }
                    single.append(await _post(client, running.market, code, day, one))
                    series.append(await _post(client, running.market, code, day, many))
            ratio = _median(series) / _median(single)
            return [
                Result("order of one number", _median(single) * 1e3, "ms"),
                Result(
                    "order of 10,000 numbers", _median(series) * 1e3, "ms", ratio, "one number", "<= 3", len(series)
                ),
            ]


async def bench_growth(folder: Path) -> list[Result]:
    """Accepting and reading with 1,000,000 cases in the database against 10,000, in turn on one server."""
    with database(folder, "growth") as dsn:
        small, large = await _second_database(dsn, "small"), await _second_database(dsn, "large")
        async with service(small, folder, FIRST_PORT + 2) as few, service(large, folder, FIRST_PORT + 3) as many:
            await _load(few, 10_000)
            await _load(many, 1_000_000)
            at_few, at_many = [], []
            for run in range(RUNS):
                first = 2_000_000 + run * 100_000
                at_few.append((await load.orders(few.market, first, SECONDS)).per_second)
                at_many.append((await load.orders(many.market, first, SECONDS)).per_second)
            cost = statistics.median(small / large for small, large in zip(at_few, at_many, strict=True))
            reading = await _reading_growth(few, many)
            return [
                Result("accepted at 10,000 cases", _median(at_few), "/s"),
                Result("accepted at 1,000,000 cases", _median(at_many), "/s", cost, "cost at 10,000 cases", "<= 1.3"),
                *reading,
            ]


async def _reading_growth(few: Service, many: Service) -> list[Result]:
    """One case by its id and by its number, as its donor reads it: how long one after the other, on one connection."""
    results = []
    for name, by_number in (("case by id", False), ("case by number", True)):
        at_few: list[float] = []
        at_many: list[float] = []
        for _ in range(RUNS):
            at_few.append(await load.reads(few, 10_000, by_number=by_number))
            at_many.append(await load.reads(many, 1_000_000, by_number=by_number))
        cost = statistics.median(large / small for small, large in zip(at_few, at_many, strict=True))
        results += [
            Result(f"{name} at 10,000 cases", _median(at_few), "ms"),
            Result(f"{name} at 1,000,000 cases", _median(at_many), "ms", cost, "cost at 10,000 cases", "<= 1.3"),
        ]
    return results


async def bench_console(folder: Path) -> list[Result]:
    """Pages against their API calls, and work lists with 1,000,000 cases against 10,000 (5,000 open in both)."""
    with database(folder, "console") as dsn:
        small, large = await _second_database(dsn, "small"), await _second_database(dsn, "large")
        async with (
            service(small, folder, FIRST_PORT + 11) as few,
            service(large, folder, FIRST_PORT + 12) as many,
        ):
            for running, count in ((few, 10_000), (many, 1_000_000)):
                await _load(running, count)
                await console.age(running.dsn, count)
            looks = await console.pages(many, folder)
            results = [
                Result(f"page {look.name}", look.page_ms, f"ms ({look.kilobytes:.0f} KB)", look.ratio,
                       f"its {look.calls} calls, {look.calls_ms:.1f} ms", "<= 1.5", console.LOOKS)
                if look.ratio else
                Result(f"page {look.name}", look.page_ms, f"ms ({look.kilobytes:.0f} KB)", runs=console.LOOKS)
                for look in looks
            ]  # fmt: skip
            results += [
                Result(
                    "worst page against its calls",
                    max(look.ratio for look in looks if look.ratio),
                    "",
                    target="<= 1.5",
                    runs=1,
                ),
                Result("heaviest first visit", max(look.kilobytes for look in looks), "KB", target="< 100", runs=1),
            ]
            for name, (at_few, at_many) in (await console.lists(few, many)).items():
                results.append(
                    Result(f"work {name}", _median(at_many) * 1e3, "ms", _median(at_many) / _median(at_few),
                           f"10,000 cases, {_median(at_few) * 1e3:.1f} ms", "<= 1.3", console.LOOKS)
                )  # fmt: skip
            return results


async def bench_start(folder: Path) -> list[Result]:
    """From `nrdb serve` on a fresh data directory to ready, embedded PostgreSQL included."""
    times, sizes = [], []
    for run in range(RUNS):
        port = FIRST_PORT + 10 + run
        began = time.perf_counter()
        process = start({"NRDB_DATA_DIR": str(folder / f"start{run}"), "NRDB_PORT": str(port)})
        until_ready(f"http://127.0.0.1:{port}", process)
        times.append(time.perf_counter() - began)
        sizes.append(psutil.Process(process.pid).memory_info().rss / 1e6)
        stop(process)
    return [
        Result("ready after", _median(times), "s", target="<= 5"),
        Result("resident, empty database", _median(sizes), "MB", target="<= 150"),
    ]


async def bench_transfer(folder: Path) -> list[Result]:
    """A code with 200,000 ported numbers, 50 series and 10,000 open cases becomes another one; readers beside it."""
    with database(folder, "transfer") as dsn:
        async with service(dsn, folder, FIRST_PORT + 4) as running:
            await _load(running, 100_000)
            await prepare(dsn)
            done = await transfer(running.market)
            return [
                Result("code transferred in", done.seconds, "s", target="< 60", runs=1),
                Result("numbers that moved", done.numbers, "", runs=1),
                Result("open cases that moved", done.cases, "", runs=1),
                Result("reader p99 before", done.p99_before, "ms", runs=1),
                Result("reader p99 meanwhile", done.p99_during, "ms", done.p99_during / done.p99_before, "before",
                       runs=1),
                Result("readers not answered 200", done.errors, "", target="0", runs=1),
            ]  # fmt: skip


async def bench_fanout(folder: Path) -> list[Result]:
    """60 providers follow by stream while 15,000 cases are executed for one minute: 900,000 deliveries."""
    processes = max(1, min(2, os.cpu_count() or 1))
    with database(folder, "fanout") as dsn:
        async with service(dsn, folder, FIRST_PORT + 5, processes) as running:
            found = await fan_out(running, folder)
            return [
                Result("NP_IVER accepted, none follows", found.alone_per_second, "/s", runs=1),
                Result(f"NP_IVER accepted, {len(FOLLOWERS)} follow", found.per_second, "/s",
                       found.per_second / found.alone_per_second, "none follows", ">= 0.5", runs=1),
                Result(f"{CASES} accepted after", found.all_accepted, "s", runs=1),
                Result("all caught up after", found.all_delivered, "s", target="<= 120", runs=1),
                Result("deliveries", found.deliveries, f"({found.megabytes:.0f} MB)", runs=1),
                Result("deliveries out of order or twice", found.disorder, "", target="0", runs=1),
                Result("largest API process", found.resident_mb, "MB", target="<= 400", runs=1),
                Result("accepted to delivered, p50", percentile(found.latencies, 0.5) * 1e3, "ms, at 100/s", runs=1),
                Result("accepted to delivered, p99", percentile(found.latencies, 0.99) * 1e3, "ms, at 100/s",
                       target="<= 250", runs=1),
                Result("one idle stream", found.idle_kb, "KB", target="<= 100", runs=1),
            ]  # fmt: skip


#: Ported numbers of a country, and of a small one.
PORTED, FEW_PORTED = 5_000_000, 50_000


async def bench_routing(folder: Path) -> list[Result]:
    """5,000,000 ported numbers: one, many, all of them, and 15,000 that change at one instant."""
    with database(folder, "routing") as dsn:
        small = await _second_database(dsn, "small")
        processes = max(1, min(2, os.cpu_count() or 1))
        async with (
            service(dsn, folder, FIRST_PORT + 8, processes) as running,
            service(small, folder, FIRST_PORT + 9, processes) as few,
        ):
            await routing.fill(dsn, PORTED)
            await routing.fill(small, FEW_PORTED)
            tree = await routing.first_root(running)
            one, empty, growth, bulk, bare, whole, plain = [], [], [], [], [], [], []
            for _ in range(RUNS):
                one.append(await routing.asked(running.market, "/v1/routing/", PORTED * 2))
                empty.append(await routing.asked(running.market, "/healthz"))
                growth.append(await routing.asked(few.market, "/v1/routing/", FEW_PORTED * 2))
                bulk.append(await routing.many(running.market, PORTED))
                bare.append(await routing.many_bare(dsn, PORTED))
                whole.append(await routing.snapshot(running, "text/csv"))
                plain.append(await routing.copy_out(dsn))
            lines = await routing.snapshot(running, "application/x-ndjson")
            by_name = await dns.lookups(dsn, PORTED)
            written, first, wrong = await routing.change_at_once(running.market, dsn)
            seconds = [copied.seconds for copied in whole]
            return [
                Result("one number over HTTP", _median(one), "/s", _ratio(one, empty), "/healthz", ">= 0.6"),
                Result("/healthz", _median(empty), "/s"),
                Result("one number of 50,000 ported", _median(growth), "/s"),
                Result("cost of one number", 1e6 / _median(one), "us", _ratio(growth, one), "of 50,000", "<= 1.2"),
                Result("many numbers over HTTP", _median(bulk), "numbers/s", _ratio(bulk, bare), "= ANY, bare table",
                       ">= 0.5 and >= 300,000/s"),
                Result("= ANY on the bare table", _median(bare), "numbers/s"),
                Result(f"snapshot, {whole[0].rows} rows, CSV", _median(seconds), f"s ({whole[0].size / 1e6:.0f} MB)",
                       _ratio(plain, seconds), "COPY TO STDOUT", ">= 0.5"),
                Result("snapshot, NDJSON", lines.seconds, f"s ({lines.size / 1e6:.0f} MB)",
                       _median(plain) / lines.seconds, "COPY TO STDOUT", runs=1),
                Result("COPY TO STDOUT", _median(plain), "s"),
                Result("process grown by snapshots", max(copied.grown_mb for copied in whole), "MB"),
                Result("hash tree, the first time", tree, "s", runs=1),
                Result("PowerDNS, one number", by_name, "lookups/s", runs=1),
                Result(f"{routing.CHANGING} numbers written", written, "s", runs=1),
                Result("first look after their instant", first, "ms", runs=1),
                Result("wrong answers then", wrong, "", target="0", runs=1),
            ]  # fmt: skip


async def bench_import(folder: Path) -> list[Result]:
    """5,000,000 ported numbers (`--rows N`) from a file into a plan of 3,000 series, against COPY of the same rows."""
    plan, ported = importing.write_files(folder, importing.count)
    with database(folder, "import") as dsn:
        async with service(dsn, folder, FIRST_PORT + 10):
            series = await importing.run(dsn, folder, "plan", plan)
            ours = await importing.run(dsn, folder, "ported", ported)
        theirs = await importing.copy_in(dsn, folder)
        rows, put = importing.count, ours.summary["routing_put"]
        return [
            Result(f"import of {importing.SERIES} series", series.seconds, "s", runs=1),
            Result(f"import of {rows} ported", ours.seconds, f"s ({rows / ours.seconds:,.0f} rows/s)",
                   theirs.all_rows / ours.seconds, f"COPY of the {put} rows written, same indexes", ">= 0.3", runs=1),
            Result(f"COPY of {put} rows", theirs.all_rows, "s, same indexes", runs=1),
            Result(f"COPY of {rows} ported alone", theirs.ported_rows, "s, same indexes",
                   theirs.ported_rows / ours.seconds, "its share of the import", ">= 0.3", runs=1),
            Result(f"COPY of {rows} ported alone", theirs.ported_rows_bare, "s, bare table",
                   theirs.ported_rows_bare / ours.seconds, "its share of the import", runs=1),
            Result("largest import process", ours.resident_mb, "MB", target="<= 150", runs=1),
        ]  # fmt: skip


def _ratio(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """The median of the ratios of runs that came one after the other."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


BENCHMARKS: dict[str, Callable[[Path], Coroutine[None, None, list[Result]]]] = {
    "start": bench_start,
    "transfer": bench_transfer,
    "orders": bench_orders,
    "batch": bench_batch,
    "series": bench_series,
    "growth": bench_growth,
    "console": bench_console,
    "fanout": bench_fanout,
    "routing": bench_routing,
    "import": bench_import,
}


async def _load(running: Service, count: int) -> None:
    """One real order, and copies of it until there are `count` cases."""
    days = await load.porting_days(running.market)
    async with httpx.AsyncClient(base_url=running.market.url) as client:
        order: dict[str, object] = {
            "number_type": "E",
            "main_number": str(FIRST_NUMBER + 9_000_000),
            "donor": CODES[9],
        }
        await _post(client, running.market, CODES[10], days[0], order)
    await load_cases(running.dsn, 0, count)


async def _post(client: httpx.AsyncClient, market: Market, code: str, day: str, more: dict[str, object]) -> float:
    message = {
        "type": "NP_BEST", "message_id": str(uuid4()), "sender": code, "donor": CODES[0], "porting_time": day,
        "customer": {"name": "Kari Nordmann", "birth_date": "1980-01-31"}, "authorisation_reference": "bench", **more,
    }  # fmt: skip
    began = time.perf_counter()
    answer = await client.post("/v1/messages", json=message, headers={"Authorization": f"Bearer {market.keys[code]}"})
    took = time.perf_counter() - began
    if answer.status_code != httpx.codes.CREATED:
        raise RuntimeError(answer.text)
    return took


async def _second_database(dsn: str, name: str) -> str:
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return dsn.replace("/nrdb?", f"/{name}?")


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _show(results: list[Result]) -> None:
    for result in results:
        ratio = f"{result.ratio:8.3f} x {result.against}" if result.ratio is not None else ""
        target = f"   (target {result.target})" if result.target else ""
        print(f"{result.name:32} {result.value:12.2f} {result.unit:18}{ratio}{target}", flush=True)


def _machine() -> dict[str, object]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
    }


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--only", choices=BENCHMARKS)
    parser.add_argument("--rows", type=int, default=importing.count, help="of the file that is imported")
    arguments = parser.parse_args()
    only, importing.count = arguments.only, arguments.rows
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="nrdb-bench-") as folder:
        for name in [only] if only else BENCHMARKS:
            print(f"-- {name}: {BENCHMARKS[name].__doc__}", flush=True)
            found = asyncio.run(BENCHMARKS[name](Path(folder)))
            _show(found)
            results += found
    RESULTS.parent.mkdir(exist_ok=True)
    content = {"machine": _machine(), "results": [asdict(result) for result in results]}
    RESULTS.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
