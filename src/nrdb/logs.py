"""One log, on standard error, for nrdb's own lines and those of the libraries.

Two promises shape it. Numbers stand in no log of request addresses, so uvicorn's access log is off. Personal
data stands in no log at all, so a traceback shows no local variables, and the DETAIL line of a PostgreSQL
error, which may quote a whole row, is cut out.
"""

import logging
import re
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_ROW_DETAIL = re.compile(r"^DETAIL: .*$", re.MULTILINE)


def _without_rows(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cut the rows that PostgreSQL quotes out of a formatted exception."""
    if isinstance(text := event.get("exception"), str):
        event["exception"] = _ROW_DETAIL.sub("DETAIL: (not logged)", text)
    return event


def _without_colour_copy(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Uvicorn sends each line a second time with terminal colours in it."""
    event.pop("color_message", None)
    return event


def _shared() -> list[Processor]:
    """What every line goes through, whoever wrote it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        _without_colour_copy,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_rows,
    ]


def _renderer(log_format: Literal["console", "json"]) -> Processor:
    """JSON for machines; for people a line, coloured when a terminal reads it."""
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def configure_logs(log_format: Literal["console", "json"]) -> None:
    """Send structlog and the standard library's loggers through one chain to standard error."""
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(log_format)],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)
    for name in ("alembic", "httpx"):
        # Their lines tell of every step or address; a failure still comes through.
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True
