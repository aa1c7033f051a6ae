"""`nrdb robot`: counterparts for a provider that is alone with a sandbox.

Clients and nothing else: they speak HTTP through `nrdb.client` and import no part of the service.
"""

from nrdb.robot.clock import SandboxClock
from nrdb.robot.profile import Chance, Profile, ProfileError, built_in, load_profile
from nrdb.robot.program import Wanted, play
from nrdb.robot.robot import Robot
from nrdb.robot.telling import Event

__all__ = [
    "Chance",
    "Event",
    "Profile",
    "ProfileError",
    "Robot",
    "SandboxClock",
    "Wanted",
    "built_in",
    "load_profile",
    "play",
]
