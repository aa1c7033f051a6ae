"""Two API processes and two workers at once: whatever one does, the others neither do again nor leave out."""

from pathlib import Path

from tests.support.cluster import OwnPostgres, chance, chosen_seed, cluster
from tests.support.reckoning import under_load


async def test_everything_is_done_once(postgres: OwnPostgres, tmp_path: Path) -> None:
    """Clock calls, messages and two workers meet at the same due cases; each party is told once, and reads it once."""
    async with cluster(tmp_path, postgres.dsn) as service, under_load(service, chance(chosen_seed())) as load:
        await load.grow(200)
        for _ in range(4):
            await load.move_clock()
            await load.grow(40)
        assert not load.trouble
