from __future__ import annotations

import time

import psycopg
import pytest
import redis

from scripts.servers.postgres import PostgresUnavailableError, PrivatePostgres, find_binaries
from scripts.servers.valkey import PrivateValkey


class TestPrivatePostgres:
    def test_a_durable_one_keeps_what_was_committed_before_a_crash(self):
        with PrivatePostgres(durable=True) as server:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute("CREATE TABLE entry (amount integer)")
                connection.execute("INSERT INTO entry VALUES (20)")

            server.stop(immediate=True)
            server.start()

            with psycopg.connect(server.url()) as connection:
                assert connection.execute("SELECT amount FROM entry").fetchall() == [(20,)]

    def test_leaves_no_file(self):
        with PrivatePostgres() as server:
            assert server.folder.exists()

        assert not server.folder.exists()

    def test_a_wrong_folder_for_binaries_is_a_sentence(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PG_BIN", str(tmp_path))

        with pytest.raises(PostgresUnavailableError, match=f"PG_BIN={tmp_path} holds none"):
            find_binaries()


class TestPrivateValkey:
    def test_is_back_at_the_same_address_after_an_outage(self):
        server = PrivateValkey()
        server.start()
        address = server.url()
        server.stop()
        with redis.Redis.from_url(address) as client, pytest.raises(redis.ConnectionError):
            client.ping()

        server.start()

        with redis.Redis.from_url(address) as client:
            assert client.ping()
        server.stop()

    def test_refuses_strangers(self):
        server = PrivateValkey()
        server.start()

        with (
            redis.Redis(port=server.port) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        server.stop()

    def test_gives_up_in_time(self):
        began = time.monotonic()

        assert not PrivateValkey().answers(within_seconds=0.1)
        assert time.monotonic() - began < 5
