"""What a first visit transfers: a page with the style sheets and scripts that it names."""

import re

from tests.support.console import visitor
from tests.support.service import Service

FILE = re.compile(r'(?:href|src)="(/console/static/[^"]+)"')


async def test_a_first_visit_is_under_100_kb(service: Service) -> None:
    case_id = await service.case_in("awaiting_completion")
    paths = (
        "/",
        "/work",
        f"/cases/{case_id}",
        "/numbers/90012345",
        "/rules",
        "/series",
        "/providers",
        "/limits",
        "/overview",
    )
    async with visitor(service, "OPERATOR") as operator:
        operator.client.headers["Accept-Encoding"] = "gzip"
        for path in paths:
            page = await operator.client.get(f"/console{path}")
            # A page holds its form's token and what the reader has typed: its size must tell nothing of either.
            assert "content-encoding" not in page.headers
            weight, files = page.num_bytes_downloaded, FILE.findall(page.text)
            assert len(files) >= 3
            for file in files:
                answer = await operator.client.get(file)
                assert answer.headers["content-encoding"] == "gzip"
                assert "immutable" in answer.headers["cache-control"]
                weight += answer.num_bytes_downloaded
            assert weight < 100_000, (path, weight)
