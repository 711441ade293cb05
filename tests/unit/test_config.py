import os

import msgspec
import pytest

import lego
from lego.config import (
    ConfigError,
    MachineConfig,
    Mount,
    Topology,
    checked,
    default_mounts,
    describe,
    format_size,
    guest_environment,
    parse_mount,
    parse_size,
    parse_topology,
    topology_name,
)

MiB = 1 << 20


@pytest.mark.parametrize(
    ("text", "size"),
    [("4MiB", 4 * MiB), ("512K", 512 << 10), ("64M", 64 * MiB), ("1G", 1 << 30), ("4096", 4096), (4096, 4096),
     ("1 GiB", 1 << 30), ("2mb", 2 * MiB), ("0", 0), ("1T", 1 << 40), ("7B", 7)],
)  # fmt: skip
def test_sizes(text, size):
    assert parse_size(text) == size
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("text", ["", "M", "-1", -1, "1.5G", "4XiB", "4Mi", "0x10", "1e6", True, 2.5, "4 M i B"])
def test_sizes_that_are_none(text):
    with pytest.raises(ConfigError):
        parse_size(text)


def test_topologies():
    assert parse_topology("1P-2M-1S") == Topology(1, 2, 1)
    assert parse_topology("1p-3m-1s") == Topology(1, 3, 1)
    assert topology_name(Topology(1, 2, 1)) == "1P-2M-1S"


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "looks like"), ("1P", "looks like"), ("1M-1P-1S", "looks like"), ("0P-1M-1S", "at least one"),
     ("1P-0M-1S", "at least one"), ("1P-1M-2S", "one storage"),
     ("1P-999999M-1S", "too large"), ("-1P-1M-1S", "looks like")],
)  # fmt: skip
def test_topologies_that_cannot_be(text, why):
    with pytest.raises(ConfigError, match=why):
        parse_topology(text)


@pytest.mark.parametrize(
    ("text", "mount"),
    [("/a:/b", Mount("/a", "/b")), ("/a:/b:ro", Mount("/a", "/b")), ("/a:/b:rw", Mount("/a", "/b", True)),
     ("x:/b", Mount("/base/x", "/b")), ("../x:/b/", Mount("/x", "/b")), ("/a:b:/c:rw", Mount("/a:b", "/c", True)),
     ("/a://b/../c", Mount("/a", "/c")), (".:/", Mount("/base", "/"))],
)  # fmt: skip
def test_mounts(text, mount):
    assert parse_mount(text, "/base") == mount


@pytest.mark.parametrize("text", ["", "/a", "/a:", ":/b", "/a:b", "/a:/b:xx", "/a:rw", ":"])
def test_mounts_that_are_none(text):
    with pytest.raises(ConfigError):
        parse_mount(text, "/base")


def test_default_mounts_cover_in_order():
    assert default_mounts("/home/u") == (
        Mount("/", "/"),
        Mount("/tmp", "/tmp", True),
        Mount("/home/u", "/home/u", True),
    )
    for inside in ("/", "/tmp", "/tmp/x"):
        assert default_mounts(inside) == (Mount("/", "/"), Mount("/tmp", "/tmp", True))
    assert default_mounts("/tmpfiles")[-1].target == "/tmpfiles"


@pytest.mark.parametrize(
    ("excache", "ways", "lines"),
    [(4 * MiB, 64, 1024), (64 * 4096, 64, 64), (100 * 4096, 64, 64), (4 * MiB + 4095, 64, 1024),
     (3 * 64 * 4096, 64, 128), (7 * 4096, 3, 6), (4 * 4096, 1, 4), (5 * 4096, 5, 5), (16384, 4, 4)],
)  # fmt: skip
def test_the_excache_has_a_power_of_two_of_sets(excache, ways, lines):
    config = checked(MachineConfig(excache_bytes=excache, ways=ways))
    assert config.excache_bytes == lines * 4096
    sets = lines // ways
    assert sets & (sets - 1) == 0
    assert checked(config) == config, "once is enough"


@pytest.mark.parametrize(
    ("field", "value", "key"),
    [("ways", 0, "ways"), ("ways", -3, "ways"), ("ways", 1 << 40, "excache"), ("excache_bytes", 4095, "excache"),
     ("excache_bytes", 63 * 4096, "excache"), ("memory_bytes", MiB - 1, "memory"), ("cores", 0, "cores"),
     ("seed", -1, "seed"), ("cwd", "relative", "cwd"), ("environment", ("NOVALUE",), "env"),
     ("environment", ("=x",), "env"), ("placement", "near", "placement"),
     ("memory_placement", "near", "memory_placement"),
     ("topology", Topology(0, 1, 1), "topology"), ("mounts", (Mount("/nonexistent", "/"),), "root"),
     ("mounts", (Mount("/", "/"), Mount("/nonexistent", "/x")), "mount"), ("mounts", (Mount("/", "/x"),), "mount"),
     ("mounts", (Mount("/etc/passwd", "/"),), "root"), ("prefetch_pages", 0, "prefetch_pages")],
)  # fmt: skip
def test_machines_that_cannot_be(field, value, key):
    with pytest.raises(ConfigError) as caught:
        checked(MachineConfig(**{field: value}))
    assert caught.value.key == key
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("ways", "4"), ("ways", 4.0), ("cores", True), ("topology", "1P-1M-1S"), ("topology", (1, 1, 1)),
     ("topology", Topology("1")), ("network", "legoos"), ("mounts", ("/:/",)), ("publish", ("80:80",)), ("cwd", None),
     ("environment", {"A": "b"}), ("environment", (1,)), ("epoch_s", "now")],
)  # fmt: skip
def test_values_of_other_types(field, value):
    with pytest.raises(ConfigError, match=rf"^MachineConfig\.{field}[^:]*: Expected \w+, got \w+$"):
        checked(MachineConfig(**{field: value}))


def test_three_lines_in_all_are_too_few():
    with pytest.raises(ConfigError, match="4 lines"):
        checked(MachineConfig(excache_bytes=3 * 4096, ways=1))


def test_checked_fills_in_the_mounts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert checked(MachineConfig()).mounts[0] == Mount("/", "/")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="current directory"):
        checked(MachineConfig())


def test_the_environment_is_the_hosts_with_changes():
    host = {"A": "1", "B": "2=3"}
    config = MachineConfig(environment=("A=x", "C=", "D=p=q"))
    assert guest_environment(config, host) == ["A=x", "B=2=3", "C=", "D=p=q"]
    alone = msgspec.structs.replace(config, inherit_environment=False)
    assert guest_environment(alone, host) == ["A=x", "C=", "D=p=q"]


def test_describe_is_plain():
    plain = describe(checked(MachineConfig()))
    assert plain["topology"] == "1P-1M-1S"
    assert plain["excache_lines"] == 16384 and plain["excache_sets"] == 256
    assert msgspec.json.decode(msgspec.json.encode(plain)) == plain


def test_public_names():
    for name in lego.__all__:
        assert getattr(lego, name) is not None
    with pytest.raises(AttributeError):
        lego.nonsense  # noqa: B018
    assert os.path.isdir(os.path.dirname(lego.__file__))
