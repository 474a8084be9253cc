"""The private PostgreSQL and Valkey: closed to others, and never left behind."""

import os
import signal
import stat
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.launcher.conftest import Begin, Launch, are_gone, descendants, is_running

Calm = tuple[Launch, dict[str, Any]]


def query(url: str, sql: str) -> Any:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchone() if cursor.description else None


def everyone(launch: Launch) -> set[int]:
    """The launcher, its guardian, both servers and the servers' own children."""
    found = descendants(launch.process.pid)
    assert len(found) >= 6
    return found | {launch.process.pid}


def test_the_private_postgres_asks_for_a_password_by_scram_and_knows_no_other_way(calm: Calm) -> None:
    url = calm[1]["database_url"]
    assert query(url, "SHOW password_encryption") == ("scram-sha-256",)
    assert query(url, "SELECT inet_server_addr()::text, current_user::text") == ("127.0.0.1/32", "tributary")
    assert query(url, "SHOW listen_addresses") == ("127.0.0.1",)
    password = url.split(":")[2].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        query(url.replace(password, "tributary"), "SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        query(url.replace(f"tributary:{password}", "postgres"), "SELECT 1")


def test_the_products_role_is_no_superuser(calm: Calm) -> None:
    url = calm[1]["database_url"]
    assert query(url, "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user") == (False, True)


def test_the_private_valkey_asks_for_a_password(calm: Calm) -> None:
    url = calm[1]["redis_url"]
    assert redis.Redis.from_url(url).ping()
    without = redis.Redis(port=int(url.rpartition(":")[2].split("/")[0]), retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.AuthenticationError):
        without.ping()


def test_no_password_stands_on_a_command_line(calm: Calm) -> None:
    started, facts = calm
    secrets = [facts["database_url"].split(":")[2].split("@")[0], facts["redis_url"].split(":")[2].split("@")[0]]
    for pid in everyone(started):
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        assert not any(secret in line for secret in secrets)


def test_each_home_has_passwords_of_its_own_and_keeps_them_to_itself(calm: Calm) -> None:
    started, facts = calm
    home = started.home
    assert len(facts["database_url"].split(":")[2].split("@")[0]) >= 32
    secrets_file = home / "secrets.json"
    assert stat.S_IMODE(secrets_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "logs").stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "postgres" / "data").stat().st_mode) == 0o700
    for log in (home / "logs").glob("*.log"):
        assert stat.S_IMODE(log.stat().st_mode) == 0o600
        assert facts["database_url"].split(":")[2].split("@")[0] not in log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to give up")
def test_root_gives_the_servers_to_an_unprivileged_account(calm: Calm) -> None:
    facts = calm[1]
    for name in ("postgres_pid", "valkey_pid"):
        status = Path(f"/proc/{facts[name]}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        assert "0" not in fields["Uid"].split()
        assert "0" not in fields["Gid"].split()
        assert "0" not in fields["Groups"].split()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_whatever_ends_the_launcher_no_process_is_left_and_the_next_start_finds_the_data(
    launch: Begin, number: signal.Signals
) -> None:
    started = launch()
    url = started.facts()["database_url"]
    query(url, "CREATE TABLE note AS SELECT 'Ana was here' AS text")
    left = everyone(started)
    code = started.end(number)
    assert code == (-9 if number == signal.SIGKILL else 0)
    assert are_gone(left)
    again = launch().facts()
    assert query(again["database_url"], "SELECT text FROM note") == ("Ana was here",)


def test_when_launcher_and_guardian_are_killed_at_one_stroke_the_kernel_ends_the_rest(launch: Begin) -> None:
    started = launch()
    started.facts()
    left = everyone(started)
    guardian = next(pid for pid in left if b"guardian.py" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(guardian, signal.SIGKILL)
    started.end(signal.SIGKILL)
    assert are_gone(left)


def test_a_second_start_on_the_same_home_is_refused_in_a_sentence(launch: Begin, home: Path) -> None:
    first = launch()
    first.facts()
    second = launch()
    out, err = second.process.communicate(timeout=60)
    assert second.process.returncode == 1
    assert out == ""
    assert err.strip().startswith(f"Tributary is already running on {home} (process {first.process.pid}).")
    assert is_running(first.process.pid)


def test_a_start_right_after_a_kill_waits_until_the_old_processes_have_ended(launch: Begin) -> None:
    first = launch()
    old = first.facts()["postgres_pid"]
    first.end(signal.SIGKILL)
    facts = launch().facts()
    assert not is_running(old)
    assert query(facts["database_url"], "SELECT 1") == (1,)


def test_a_stale_pid_file_that_names_a_living_stranger_does_not_stop_the_start(launch: Begin, home: Path) -> None:
    first = launch()
    first.facts()
    first.end(signal.SIGTERM)
    (home / "postgres" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{home}\n")
    assert query(launch().facts()["database_url"], "SELECT 1") == (1,)
    assert is_running(os.getpid())


def test_a_server_that_crashes_is_started_again_on_the_same_address(launch: Begin) -> None:
    facts = launch().facts()
    os.kill(facts["valkey_pid"], signal.SIGKILL)
    os.kill(facts["postgres_pid"], signal.SIGQUIT)
    assert are_gone({facts["valkey_pid"], facts["postgres_pid"]})
    assert_answers_again(facts)


def assert_answers_again(facts: dict[str, Any]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            assert query(facts["database_url"], "SELECT 1") == (1,)
            assert redis.Redis.from_url(facts["redis_url"]).ping()
            return
        except (psycopg.OperationalError, redis.ConnectionError):
            assert time.monotonic() < deadline
            time.sleep(0.2)
