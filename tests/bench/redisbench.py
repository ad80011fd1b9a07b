"""What tests/bench/hosts and tests/bench/nodes have in common: bench_hosts, built and run, and redis-benchmark."""
import csv
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"


def build():
    subprocess.run(["cmake", "-S", ROOT, "--preset", "bench"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "bench_hosts"], check=True, stdout=subprocess.DEVNULL)


def bench(url, what, hosts, pairs, **environment):
    return subprocess.run([BUILD / "tests" / "bench_hosts", url, what, str(hosts), str(pairs)], check=True,
                          capture_output=True, text=True, env=environment or None).stdout.strip()


def day_rate(closed):
    """Host-hours a second over a day, of bench_hosts' lines: its first hour, and some others."""
    first, *others = (float(line.split()[0]) for line in closed)
    return 24 / (1 / first + 23 * len(others) / sum(others))


def pipelined(where, hosts, size, key="bench:__rand_int__"):
    """Sets a second of one field of `size` bytes, 64 under way, by redis-benchmark, which finds its server by the
    words `where`."""
    out = subprocess.run(["redis-benchmark", *where, "-P", "64", "-n", str(hosts), "-r", str(hosts), "--csv", "HSET",
                          key, "blob", "x" * size], check=True, capture_output=True, text=True).stdout
    return float([row for row in csv.reader(out.splitlines()) if len(row) > 1][-1][1])
