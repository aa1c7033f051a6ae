"""What every endpoint works with, made once by the composition root."""

from dataclasses import dataclass

from fastapi import Request

from nrdb.db import Pool
from nrdb.intake import Intake
from nrdb.rulebook import Rulebook
from nrdb.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running service."""

    settings: Settings
    rulebook: Rulebook
    pool: Pool
    intake: Intake


def services(request: Request) -> Services:
    """The parts of the service that this request came to."""
    found: Services = request.app.state.services
    return found
