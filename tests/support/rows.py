"""Rows as messages and administration leave them, for tests of what reads them."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from tests.support.service import Service

from nrdb.routing.numbers import parse_number


async def open_termination(service: Service, number: str, holder: str, range_holder: str, at: datetime) -> str:
    """A termination of one number as NP_OPPS opens it now, to the range holder; the case id."""
    case_id = uuid4()
    await service.db.execute(
        """
        WITH opened AS (
            INSERT INTO cases (case_id, kind, state, version, donor, range_holders, cap_code, main_number, number_count,
                               effective_time, due_at, created_at, updated_at)
            VALUES ($1, 'termination', 'awaiting_termination', 1, $2, ARRAY[$3], $3, $4, 1, $5, $5, nrdb_now(),
                    nrdb_now())
            RETURNING created_at
        ), blocked AS (
            INSERT INTO case_numbers (case_id, numbers, during)
            VALUES ($1, int8range($4, $4, '[]'), tstzrange(nrdb_now(), CASE WHEN $3 = '0' THEN $5 END))
        )
        INSERT INTO case_party (code, created_at, case_id)
        SELECT code, created_at, $1 FROM opened, unnest(ARRAY[$2, $3]) AS code WHERE code <> '0'
        """,
        case_id,
        holder,
        range_holder,
        parse_number(number),
        at,
    )
    return str(case_id)


async def ported(
    service: Service, first: str, last: str, holder: str, network: str | None = None, target: str | None = None
) -> None:
    """Numbers that a provider has had since yesterday, as a porting would have told of them."""
    await service.db.execute(
        """
        SELECT reroute(at, ARRAY[$1::bigint], ARRAY[$2::bigint], json_build_array(json_build_object(
               'first', $1::bigint, 'since', at, 'undo', false, 'holder', $3::text, 'network', $4::text,
               'target_number', $5::bigint, 'case_id', gen_random_uuid())))
          FROM (SELECT nrdb_now() - interval '1 day' AS at) AS yesterday
        """,
        parse_number(first),
        parse_number(last),
        holder,
        network or holder,
        parse_number(target) if target else None,
    )


async def replan(db: Any) -> None:
    """Let routing follow a plan that a test has changed behind the service's back, as if it had always been so."""
    await db.execute(
        """
        SELECT reroute((SELECT min(lower(valid)) FROM series), array_agg(first ORDER BY first),
                       array_agg(last ORDER BY first))
          FROM (SELECT DISTINCT first, last FROM routing WHERE removed_at = 'infinity') c
        """
    )
