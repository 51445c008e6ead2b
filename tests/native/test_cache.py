"""What is loaded is what was stored, or nothing: no damage, no stranger and no full disk gets in between."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidu.native import cache as cache_module
from tidu.native.cache import CacheState, ObjectCache, cache_key, cache_state, default_cache

KEY, OTHER = cache_key(["one"]), cache_key(["other"])
posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes as on POSIX")


@pytest.fixture
def cache(tmp_path: Path) -> ObjectCache:
    return ObjectCache(tmp_path / "deep" / "objects")


def only_file(cache: ObjectCache) -> Path:
    (path,) = cache.directory.iterdir()
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, deadline=None)
@given(st.binary(max_size=3000))
def test_what_was_stored_is_loaded(cache: ObjectCache, payload: bytes) -> None:
    cache.store(KEY, payload)
    assert cache.load(KEY) == payload
    assert ObjectCache(cache.directory).load(KEY) == payload
    assert cache.load(OTHER) is None


def test_every_flipped_bit_is_noticed_and_the_file_replaced(cache: ObjectCache) -> None:
    payload = bytes(range(100))
    cache.store(KEY, payload)
    path = only_file(cache)
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        assert cache.load(KEY) is None, f"byte {position}"
        assert not path.exists()
        cache.store(KEY, payload)
        assert cache.load(KEY) == payload


@pytest.mark.parametrize("length", [0, 1, 50, 83, 84, 85, 183])
def test_a_truncated_file_counts_as_absent(cache: ObjectCache, length: int) -> None:
    cache.store(KEY, bytes(100))
    path = only_file(cache)
    path.write_bytes(path.read_bytes()[:length])
    assert cache.load(KEY) is None


def test_a_file_with_something_behind_its_end_counts_as_absent(cache: ObjectCache) -> None:
    cache.store(KEY, bytes(100))
    with only_file(cache).open("ab") as file:
        file.write(b"x")
    assert cache.load(KEY) is None


def test_a_file_under_another_name_is_not_taken_for_it(cache: ObjectCache) -> None:
    cache.store(KEY, b"of one")
    only_file(cache).rename(cache.directory / f"{OTHER}.obj")
    assert cache.load(OTHER) is None


def test_keys_tell_apart_what_differs_in_any_part() -> None:
    parts = [["a", "b"], ["ab"], ["b", "a"], ["a", "b", ""], ["", "a", "b"], ["a\0b"], []]
    assert len({cache_key(part) for part in parts}) == len(parts)


@posix
def test_directory_and_files_are_private_whatever_the_umask(cache: ObjectCache) -> None:
    before = os.umask(0)
    try:
        cache.store(KEY, b"code")
    finally:
        os.umask(before)
    assert cache.directory.stat().st_mode & 0o777 == 0o700
    assert only_file(cache).stat().st_mode & 0o777 == 0o600


@posix
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o702, 0o720])
def test_a_directory_that_others_may_write_to_is_not_used(cache: ObjectCache, mode: int) -> None:
    cache.store(KEY, b"code")
    cache.directory.chmod(mode)
    assert cache.state() == CacheState(cache.directory, "others may write to it")
    assert cache.load(KEY) is None
    cache.store(OTHER, b"code")
    cache.directory.chmod(0o700)
    assert cache.load(KEY) == b"code"
    assert cache.load(OTHER) is None


@posix
def test_a_directory_of_another_user_is_not_used(cache: ObjectCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.store(KEY, b"code")
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert cache.state().reason == "it belongs to another user"
    assert not cache.state().used
    assert cache.load(KEY) is None


@posix
def test_a_file_that_others_may_write_to_is_not_used(cache: ObjectCache) -> None:
    cache.store(KEY, b"code")
    only_file(cache).chmod(0o622)
    assert cache.load(KEY) is None
    cache.store(KEY, b"code again")
    assert cache.load(KEY) == b"code again"


@posix
def test_links_pipes_and_directories_in_the_place_of_a_file_are_not_followed(
    cache: ObjectCache, tmp_path: Path
) -> None:
    cache.store(KEY, b"code")
    place, elsewhere = only_file(cache), tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    assert cache.load(KEY) is None
    cache.store(KEY, b"new")
    assert cache.load(KEY) == b"new"
    assert not place.is_symlink()
    assert b"code" in elsewhere.read_bytes()
    place.unlink()
    os.mkfifo(place)
    assert cache.load(KEY) is None
    place.unlink()
    place.mkdir()
    assert cache.load(KEY) is None
    cache.store(KEY, b"code")
    assert [path.name for path in cache.directory.iterdir()] == [place.name]


def test_a_file_in_the_place_of_the_directory_switches_the_cache_off(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = ObjectCache(tmp_path / "file")
    cache.store(KEY, b"code")
    assert cache.load(KEY) is None
    assert cache.state().reason.startswith("the directory cannot be made")
    assert not ObjectCache(tmp_path / "file" / "below").state().used


def test_a_full_disk_is_no_error_and_leaves_nothing_behind(cache: ObjectCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: str, target: Path) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        cache.store(KEY, b"code")
    assert list(cache.directory.iterdir()) == []
    assert cache.load(KEY) is None


def test_the_files_used_least_recently_are_removed(tmp_path: Path) -> None:
    payload, keys = bytes(1000), [cache_key([str(i)]) for i in range(5)]
    cache = ObjectCache(tmp_path, limit_bytes=3500)
    for i, key in enumerate(keys[:3]):
        cache.store(key, payload)
        os.utime(tmp_path / f"{key}.obj", (1000 + i, 1000 + i))
    assert cache.load(keys[0]) == payload  # used: now the youngest
    cache.store(keys[3], payload)
    assert [cache.load(key) is not None for key in keys] == [True, False, True, True, False]


def test_not_every_write_looks_at_all_files_and_yet_the_limit_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, evict = [], ObjectCache._evict
    monkeypatch.setattr(ObjectCache, "_evict", lambda self: looks.append(evict(self)))
    cache = ObjectCache(tmp_path, limit_bytes=100_000)
    for i in range(400):
        cache.store(cache_key([str(i)]), bytes(900))
        assert sum(path.stat().st_size for path in tmp_path.glob("*.obj")) <= cache.limit_bytes
    assert 400 * 900 / 100_000 < len(looks) < 400 / 5


def test_what_is_larger_than_the_limit_is_not_stored(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path, limit_bytes=3000)
    cache.store(OTHER, b"code")
    cache.store(KEY, bytes(3001))
    assert cache.load(KEY) is None
    assert cache.load(OTHER) == b"code"


def test_what_a_dead_process_left_is_removed_and_what_a_living_one_writes_is_not(cache: ObjectCache) -> None:
    assert cache.state().used
    dead, living, foreign = (cache.directory / name for name in ("new-dead", "new-living", "foreign"))
    for path in (dead, living, foreign):
        path.write_bytes(b"half")
    long_ago = time.time() - 2 * cache_module._ABANDONED_S
    for path in (dead, foreign):
        os.utime(path, (long_ago, long_ago))
    cache.store(KEY, b"code")
    assert (dead.exists(), living.exists(), foreign.exists()) == (False, True, True)


def test_two_processes_that_write_at_once_never_show_each_other_half_a_file(tmp_path: Path) -> None:
    program = """
import sys
from tidu.native.cache import ObjectCache, cache_key
cache = ObjectCache(sys.argv[1], limit_bytes=300_000)
keys = [cache_key([str(i)]) for i in range(5)]
for turn in range(60):
    key = keys[turn % 5]
    cache.store(key, bytes([turn % 5]) * 100_000)
    for i, key in enumerate(keys):
        found = cache.load(key)
        assert found is None or found == bytes([i]) * 100_000
"""
    arguments = [sys.executable, "-c", program, str(tmp_path / "shared")]
    writers = [subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [writer.communicate(timeout=60)[1] for writer in writers]
    assert errors == ["", ""]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert not list((tmp_path / "shared").glob("new-*"))


def test_the_environment_names_the_directory_or_switches_the_cache_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDU_CACHE_DIR", str(tmp_path / "mine"))
    cache = default_cache()
    assert cache is not None
    assert cache.directory == tmp_path / "mine"
    assert cache_state() == CacheState(tmp_path / "mine", "")
    monkeypatch.setenv("TIDU_CACHE_DIR", "")
    assert default_cache() is None
    assert cache_state() == CacheState(None, "TIDU_CACHE_DIR is empty")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache/tidu"),
        ("linux", {"XDG_CACHE_HOME": "{tmp}/xdg"}, "xdg/tidu"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "home/.cache/tidu"),
        ("darwin", {"XDG_CACHE_HOME": "{tmp}/xdg"}, "home/Library/Caches/tidu"),
        ("win32", {"LOCALAPPDATA": "{tmp}/local"}, "local/tidu/cache"),
        ("win32", {}, "home/AppData/Local/tidu/cache"),
    ],
)
def test_the_directory_is_where_the_system_keeps_caches(
    platform: str, variables: dict[str, str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TIDU_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("{tmp}", str(tmp_path)))
    monkeypatch.setattr(cache_module.sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert cache_module._default_directory() == tmp_path / expected


def test_a_user_without_a_home_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("TIDU_CACHE_DIR", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_state() == CacheState(None, "the user has no home directory")
