import os
import time

import msgspec
import pytest

from lego.config import ConfigError, MachineConfig, Mount, Publication, Topology
from lego.config_file import SETTINGS, load, plan
from lego.fabric.network import PRESETS

EVERYTHING = """
topology = "1P-3M-1S"
excache = "4MiB"
ways = 8
memory = 67108864
mount = ["data:/data:rw"]
cwd = "/data"
env = { LANG = "C" }
inherit_environment = false
seed = 7
prefetch-pages = 4
placement = "spread"
memory_placement = "spread"
cores = 2
quantum_instructions = 5000
instruction_ps = 100
syscall_ns = 1
zero_fill_ns = 2
exit_ns = 5
thread_exit_ns = 6
epoch_s = 3
network = "none"
address = "10.1.2.3"
publish = ["8080:80", "0.0.0.0:0:22"]
threads_max = 9
strace = true
inproc = true
stats = true
stats-json = "out.json"
strace-output = "calls.txt"
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "m.toml"
        path.write_text(text)
        return str(path)

    return write


def test_every_key(write, tmp_path):
    (tmp_path / "data").mkdir()
    made = plan({}, write(EVERYTHING))
    config = made.config
    assert config.topology == Topology(1, 3, 1)
    assert (config.excache_bytes, config.ways, config.memory_bytes) == (4 << 20, 8, 64 << 20)
    assert config.mounts[-1] == Mount(str(tmp_path / "data"), "/data", True), "relative to the file"
    assert (config.cwd, config.environment, config.inherit_environment) == ("/data", ("LANG=C",), False)
    assert (config.seed, config.prefetch_pages, config.memory_placement, config.cores) == (7, 4, "spread", 2)
    assert config.placement == "spread"
    assert (config.instruction_ps, config.syscall_ns, config.zero_fill_ns, config.epoch_s) == (100, 1, 2, 3)
    assert (config.exit_ns, config.thread_exit_ns) == (5, 6)
    assert config.quantum_instructions == 5000
    assert (config.network, config.threads_max, config.trace) == (PRESETS["none"], 9, True)
    assert config.address == "10.1.2.3"
    assert config.publish == (Publication("127.0.0.1", 8080, 80), Publication("0.0.0.0", 0, 22))
    assert (made.inproc, made.stats, made.stats_json) == (True, True, str(tmp_path / "out.json"))
    assert made.strace_output == str(tmp_path / "calls.txt")
    written = {line.split(" = ")[0].replace("-", "_") for line in EVERYTHING.strip().splitlines()}
    assert written == set(SETTINGS) - {"root"}, "a new key belongs into this test"


def test_options_win_and_lists_add_up(write):
    path = write('ways = 8\nseed = 7\nenv = ["A=1", "B=2"]\nmount = ["/etc:/one"]\nstats = true\n')
    made = plan({"ways": 16, "env": ["B=3"], "mount": ["/usr:/two"], "seed": None, "stats": False}, path)
    assert (made.config.ways, made.config.seed, made.stats) == (16, 7, True)
    assert made.config.environment == ("A=1", "B=2", "B=3")
    assert [mount.target for mount in made.config.mounts[-2:]] == ["/one", "/two"]


def test_a_zero_option_is_given(write):
    assert plan({"seed": 0}, write("seed = 7\n")).config.seed == 0


def test_without_anything(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = plan({})
    assert made.config.cwd == os.getcwd()
    assert made.config.mounts[0] == Mount("/", "/")
    assert not made.inproc


def test_a_root_of_its_own(tmp_path):
    made = plan({"root": str(tmp_path), "mount": ["/usr:/usr"]})
    assert made.config.mounts == (Mount(str(tmp_path), "/", True), Mount("/usr", "/usr"))
    assert made.config.cwd == "/"
    assert plan({"mount": [f"{tmp_path}:/:ro"]}).config.mounts == (Mount(str(tmp_path), "/", False),)
    with pytest.raises(ConfigError, match="only one root"):
        plan({"root": str(tmp_path), "mount": ["/:/"]})


def test_the_clock_can_begin_with_the_hosts(write):
    before = time.time()
    config = load(write('epoch_s = "now"\n'))
    assert before <= config.epoch_s <= time.time() + 1
    assert plan({"epoch_s": "77"}, write("epoch_s = 7\n")).config.epoch_s == 77


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ways = \n", "m.toml:1: "),
        ("seed = 1\nways = [1\n", "m.toml:"),
        ("seed = 1\n\nwayz = 4\n", "m.toml:3: unknown key 'wayz'; did you mean 'ways'?"),
        ("[nettwork]\nx = 1\n", "m.toml:1: unknown key 'nettwork'; did you mean 'network'?"),
        ("qqq = 1\n", "m.toml:1: unknown key 'qqq'; there are"),
        ("\nways = '4'\n", "m.toml:2: ways: '4' is not a whole number: write 4, unquoted"),
        ("ways = true\n", "m.toml:1: ways: True is not a whole number"),
        ("excache = '4X'\n", "m.toml:1: excache: '4X' is not a size"),
        ("excache = 5\n", "m.toml:1: excache: 5 is too small"),
        ("# ways = 1\n ways = -1\n", "m.toml:2: ways: -1 is too few"),
        ("topology = '1P-1M'\n", "m.toml:1: topology: '1P-1M' is not a topology"),
        ("topology = 5\n", "m.toml:1: topology: 5 is not a text"),
        ("mount = '/a:/b'\n", "m.toml:1: mount: '/a:/b' is not a list of texts"),
        ("mount = ['/nonexistent:/b']\n", "m.toml:1: mount: /nonexistent: no such file"),
        ("inproc = 'yes'\n", "m.toml:1: inproc: 'yes' is neither"),
        ("network = 'fast'\n", "m.toml:1: network: 'fast' is no network preset; there are legoos, none"),
        ("[network]\nround_trip = 3\n", "m.toml:1: network: unknown key 'round_trip'; did you mean 'round_trip_ns'?"),
        ("[network]\nround_trip_ns = -3\n", "m.toml:1: network: round_trip_ns is negative"),
        ("env = ['X']\n", "m.toml:1: env: 'X' is not of the form K=V"),
        ("root = '/nonexistent'\n", "m.toml:1: root: /nonexistent: no such file"),
        ("address = 'x'\n", "m.toml:1: address: 'x' is not an IPv4 address"),
        ("address = '127.0.0.1'\n", "m.toml:1: address: 127.0.0.1 cannot be a host's own address"),
        ("publish = ['80']\n", "m.toml:1: publish: '80' is not a published port; one looks like 8080:80"),
        ("publish = ['80:0']\n", "m.toml:1: publish: '80:0': ports go from 1 to 65535"),
        ("publish = ['70000:1']\n", "m.toml:1: publish: '70000:1': ports go from 1 to 65535"),
        ("publish = ['host:1:1']\n", "m.toml:1: publish: 'host:1:1': 'host' is not an IPv4 address"),
        ("seed = 1\nseed = 2\n", "m.toml:2: "),
        ("epoch_s = 'soon'\n", "m.toml:1: epoch_s: 'soon' is neither a number of seconds nor \"now\""),
        ("epoch_s = 1.5\n", "m.toml:1: epoch_s: 1.5 is neither"),
        ("epoch_s = '-1'\n", "m.toml:1: epoch_s: '-1' is neither"),
        ("epoch_s = -1\n", "m.toml:1: epoch_s: -1 is too small"),
        ("epoch_s = 8277292037\n", "m.toml:1: epoch_s: 8277292037 is too large: at most 8277292036"),
        ("epoch_s = '" + "9" * 5000 + "'\n", "is neither a number of seconds"),
        ("seed = " + "9" * 5000 + "\n", "m.toml: a number has too many digits"),
        ("seed = 18446744073709551616\n", "m.toml:1: seed: 18446744073709551616 is too large"),
        ("cores = 1025\n", "m.toml:1: cores: 1025 is too large: at most 1024"),
        ("excache = '" + "9" * 5000 + "'\n", "is not a size"),
        ("topology = '" + "9" * 5000 + "P-1M-1S'\n", "is not a topology"),
        ("publish = ['1:" + "9" * 5000 + "']\n", "is not a published port"),
        ("[network]\nround_trip_ns = 1000000000001\n", "network: round_trip_ns is too large"),
    ],
)
def test_errors_say_where(write, text, message):
    with pytest.raises(ConfigError) as caught:
        load(write(text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load(str(tmp_path / "missing.toml"))
    with pytest.raises(ConfigError, match="directory"):
        load(str(tmp_path))
    path = tmp_path / "binary.toml"
    path.write_bytes(b"ways = '\xff\xfe'")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(str(path))


def test_errors_of_options_name_them():
    with pytest.raises(ConfigError, match=r"^--memory: 5 is too small"):
        plan({"memory": "5"})
    with pytest.raises(ConfigError, match=r"^--stats-json: "):
        plan({"stats_json": "a\0b"})


def test_network_table(write):
    network = load(write("[network]\nround_trip_ns = 1\n")).network
    assert (network.round_trip_ns, network.picoseconds_per_byte) == (1, 510)


def test_the_example_is_good_and_has_the_defaults():
    example = os.path.join(os.path.dirname(__file__), "../../docs/machine.toml")
    made = plan({}, example)
    assert made.config.mounts[-1] == Mount("/usr/share", "/data")
    plain = plan({})
    changed = {"topology": made.config.topology, "mounts": made.config.mounts, "environment": ("LANG=C",)}
    assert made == msgspec.structs.replace(plain, config=msgspec.structs.replace(plain.config, **changed))


def test_the_documentation_names_every_key():
    with open(os.path.join(os.path.dirname(__file__), "../../docs/configuration.md")) as file:
        text = file.read()
    for key in SETTINGS:
        assert f"| `{key}`" in text
    for field in MachineConfig.__struct_fields__:
        assert f"`{field}`" in text
