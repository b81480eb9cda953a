"""How often a program may ask."""

from __future__ import annotations

import socket
import time

from django.test import override_settings

from ecomvance_app.rates import REQUESTS_PER_MINUTE
from generations.models import Generation
from tests.api.requests import CUT_OUT, assert_refused
from tests.merchants import ApiMerchant


class TestThrottle:
    def test_limits_one_account_and_no_other(
        self, owner: ApiMerchant, second_shop: ApiMerchant, time_machine
    ) -> None:
        time_machine.move_to(int(time.time()) // 60 * 60 + 45, tick=False)
        for _ in range(REQUESTS_PER_MINUTE):
            assert owner.get("tools").status_code == 200

        answer = owner.post("generations", CUT_OUT)

        assert_refused(answer, 429, "too_many_requests")
        assert answer["Retry-After"] == "15"
        assert Generation.objects.count() == 0
        assert second_shop.get("tools").status_code == 200
        time_machine.shift(15)
        assert owner.get("tools").status_code == 200

    def test_lets_everybody_through_while_the_cache_is_away(
        self, owner: ApiMerchant, settings
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed_again:
            address = f"redis://127.0.0.1:{closed_again.getsockname()[1]}/0"
        away = settings.CACHES["default"] | {"LOCATION": address}

        with override_settings(CACHES={"default": away}):
            assert owner.get("balance").status_code == 200
