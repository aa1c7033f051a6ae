"""The commands of those who use the service over HTTP: send, follow, lookup, mirror, robot.

They need none of the service's own modules, and import what they run on only when they run.
"""

from pathlib import Path
from typing import Annotated

import typer

from nrdb.errors import ConfigurationError

commands = typer.Typer()

_HERE = "http://127.0.0.1:8000"
_Url = Annotated[str, typer.Option(envvar="NRDB_URL", help="Where the service is.")]
_AnyKey = Annotated[str | None, typer.Option(envvar="NRDB_KEY", help="Any key.")]


@commands.command()
def send(
    file: Annotated[Path, typer.Argument(help="Messages, one a line (NDJSON).")],
    url: _Url = _HERE,
    key: Annotated[str | None, typer.Option(envvar="NRDB_KEY", help="Your provider's key.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Forget the answers so far and send every line.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait in a row for a service that is away.", min=0)] = 600,
) -> None:
    """Send a file of messages; the answers stand beside it, and the same command goes on after a stop.

    Exit code 0: every line is accepted or was before; 1: some were refused; 2: wrong use, or not all is sent.
    """
    from nrdb.sending import send as send_file  # noqa: PLC0415

    raise SystemExit(send_file(file, url=url, key=key, restart=restart, patience=wait))


@commands.command()
def follow(
    code: Annotated[str | None, typer.Option(help="Whose inbox; may be left out when the key has one code.")] = None,
    url: _Url = _HERE,
    key: Annotated[str | None, typer.Option(envvar="NRDB_KEY", help="A key that may read the inbox.")] = None,
    after: Annotated[int | None, typer.Option(help="Begin after this seq, 0 for all there is.", min=0)] = None,
    cursor: Annotated[Path | None, typer.Option(help="Keep the place in this file and go on from it.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only this type of message.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Each item as a line of JSON.")] = False,
) -> None:
    """Print a provider's messages as they come, through every restart of the service, until Ctrl-C.

    It begins at the acknowledged position, and acknowledges nothing itself.
    """
    from nrdb.watching import watch  # noqa: PLC0415

    raise SystemExit(watch(url=url, key=key, code=code, after=after, cursor=cursor, kind=kind, plain=not as_json))


@commands.command()
def lookup(
    numbers: Annotated[
        list[str] | None, typer.Argument(help="Numbers; without any, one a line from the input.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Read the numbers from this file, one a line; - is the input.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="At this instant, as 2026-11-23T08:35:00+01:00; default: now.")] = None,
    url: _Url = _HERE,
    key: _AnyKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="Each answer as a line of JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A row of CSV for each number.")] = False,
) -> None:
    """Look up where calls to numbers go, as many as there are.

    Exit code 0: all are in the number plan; 1: some are not, and shown as unknown; 2: wrong use, no number at all, or
    lines that are no numbers, which are named on standard error and left out.
    """
    if as_json and as_csv:
        raise ConfigurationError("lookup: --json or --csv, not both")
    from nrdb.looking_up import Form, look_up  # noqa: PLC0415

    form: Form = "json" if as_json else "csv" if as_csv else "table"
    raise SystemExit(look_up(numbers or (), file, at=at, url=url, key=key, form=form))


_mirror = typer.Typer(no_args_is_help=True, help="A local copy of the routing table, kept current and proven equal.")
commands.add_typer(_mirror, name="mirror")
_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the copy.")]


@_mirror.command("run")
def mirror_run(
    folder: _Folder,
    once: Annotated[bool, typer.Option("--once", help="Make the copy equal to the table now, and end.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not check all rows of a copy that is there before going on with it.")
    ] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 5.0,
    url: _Url = _HERE,
    key: _AnyKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="Each thing that happens as a line of JSON.")] = False,
) -> None:
    """Keep DIR/routing.db, a SQLite file, equal to the service's routing table, until Ctrl-C.

    Each step is proven by the root hash before it is kept. A file that is damaged or not equal is copied anew.
    Exit code 0: stopped, or with --once the copy is equal; 1: it could not be made so; 2: wrong use, or a copy of
    another service.
    """
    from nrdb.mirror import run  # noqa: PLC0415

    raise SystemExit(run(folder, url=url, key=key, once=once, quick=quick, every=every, as_json=as_json))


@_mirror.command("verify")
def mirror_verify(
    folder: _Folder,
    url: _Url = _HERE,
    key: _AnyKey = None,
    max_age: Annotated[
        float, typer.Option(help="Seconds that the file may be behind; a copy that is kept is some behind.", min=0)
    ] = 600.0,
    as_json: Annotated[bool, typer.Option("--json", help="What was found as JSON.")] = False,
) -> None:
    """Compare every row of the copy in DIR with the service's table, and show the numbers in which they differ.

    First it tells of when the file is and how far it is behind; then a look at it catches up, and that is compared. It
    changes nothing and may be used while the copy is kept. Exit code 0: equal; 1: different, or the file is damaged;
    2: could not be compared, such as the copy of another service; 3: equal once it has caught up, but older than
    --max-age.
    """
    from nrdb.mirror import verify  # noqa: PLC0415

    raise SystemExit(verify(folder, url=url, key=key, max_age=max_age, as_json=as_json))


@commands.command()
def robot(
    code: Annotated[
        list[str] | None, typer.Option(help="Play this code, repeat for several; without it, all that the keys open.")
    ] = None,
    but: Annotated[list[str] | None, typer.Option(help="Leave this code to you, repeat for several.")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="A file of keys like .nrdb/sandbox-keys.env, in the place of --key.")
    ] = None,
    url: Annotated[str, typer.Option(envvar="NRDB_URL", help="Where the sandbox is.")] = _HERE,
    key: Annotated[str | None, typer.Option(envvar="NRDB_KEY", help="The key of the codes to play.")] = None,
    profile: Annotated[
        str, typer.Option(help="prompt, slow, strict, silent, forgetful, stuttering, mixed, or a file in .toml.")
    ] = "prompt",
    seed: Annotated[int, typer.Option(help="What chance decides, it decides alike with the same seed.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Each thing it does as a line of JSON.")] = False,
) -> None:
    """Answer in a sandbox as donors, networks and range holders do, until Ctrl-C.

    Alone with a sandbox, and you are TELIA: nrdb robot --keys .nrdb/sandbox-keys.env --but TELIA
    """
    from nrdb.robot import Wanted, play  # noqa: PLC0415

    wanted = Wanted(url, key, keys, code or (), but or (), profile, seed, plain=not as_json)
    raise SystemExit(play(wanted))
