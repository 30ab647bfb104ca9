from __future__ import annotations

import re
from datetime import timedelta, timezone

from secondsite.run.naming import new_run_id
from tests.run.story import BEGIN


def test_a_run_id_says_what_and_when_in_utc() -> None:
    tokyo = BEGIN.astimezone(timezone(timedelta(hours=9)))

    run_id = new_run_id(plan="shop", operation="test", at=tokyo)

    assert re.fullmatch(r"shop-test-20261120-134005-[0-9a-f]{4}", run_id)
    assert new_run_id(plan="shop", operation="test", at=BEGIN, token="5d7e").endswith("-5d7e")
