#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures against perf in the same run, into bench/RESULTS.md. Usage: bench/run.py [PART...]

Parts: record, fast, flame, flame1m, browser (default: all). Environment: N=5 repetitions of pairs.
CPU time is user + system of the command and what it started, from wait4(); memory is the largest
resident set of any of its processes. The machine may be shared and noisy: peers alternate, medians are
reported, and no figure is a test.
"""
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(TOP, "build", "bench")
SPOOR = os.path.join(TOP, "spoor")
N = int(os.environ.get("N", "5"))
PERF = shutil.which("perf")


def run(argv, stdout=None, env=None):
    """CPU seconds, peak RSS in MB, wall seconds, monotonic start in ns."""
    with open(stdout or os.devnull, "wb") as out:
        start = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
                             cwd=WORK, env=env)
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    wall = (time.clock_gettime_ns(time.CLOCK_MONOTONIC) - start) / 1e9
    if p.returncode:
        sys.exit(f"{' '.join(argv)}: status {p.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, wall, start


def info(path):
    return json.loads(subprocess.check_output([SPOOR, "info", "-j", path]))


def first_sample_ns(path):
    text = subprocess.run([SPOOR, "convert", "--as", "perfscript", path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout.decode(errors="replace")
    times = []
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            for word in line.split():
                if word.endswith(":") and word[:-1].replace(".", "", 1).isdigit() and "." in word:
                    times.append(int(float(word[:-1]) * 1e9))
                    break
    return min(times)


class Load:
    """bench/load.c on every CPU for as long as the block lasts."""

    def __init__(self, paths):
        self.paths = paths

    def __enter__(self):
        load = os.path.join(WORK, "load")
        self.procs = [subprocess.Popen([load, str(cpu), "3600", str(self.paths)],
                                       stdout=subprocess.DEVNULL) for cpu in range(os.cpu_count())]
        time.sleep(0.3)

    def __exit__(self, *_):
        for p in self.procs:
            p.terminate()
            p.wait()


def mid(values):
    return statistics.median(values)


def spread(values, fmt="{:.3f}"):
    return f"{fmt.format(mid(values))} [{fmt.format(min(values))} to {fmt.format(max(values))}]"


def record_once(env, freq=99, seconds=10):
    cpu_r, rss_r, wall_r, start = run([SPOOR, "record", "-a", "-F", str(freq), "-d", str(seconds),
                                       "-q", "-o", "x.spoor"], env=env)
    cpu_f, rss_f, wall_f, _ = run([SPOOR, "flame", "-q", "-o", "x.svg", "x.spoor"])
    x = os.path.join(WORK, "x.spoor")
    meta = info(x)["meta"]
    return {"cpu": cpu_r + cpu_f, "rss": max(rss_r, rss_f),
            "first_ms": (first_sample_ns(x) - start) / 1e6,
            "picture_ms": (start + wall_r * 1e9 - meta["end_ns"]) / 1e6 + wall_f * 1e3}


def perf_once(freq=99, seconds=10):
    cpu_r, rss_r, _, _ = run([PERF, "record", "-q", "-g", "-F", str(freq), "-a", "-e", "cpu-clock",
                              "-o", "x.data", "--", "sleep", str(seconds)])
    cpu_s, rss_s, _, _ = run([PERF, "script", "-i", "x.data"])
    return {"cpu": cpu_r + cpu_s, "rss": max(rss_r, rss_s)}


def part_record():
    cache = os.path.join(WORK, "cache")
    warm_env = dict(os.environ, XDG_CACHE_HOME=cache)
    warm, cold, perf = [], [], []
    with Load(2000):
        record_once(warm_env, seconds=1)
        for _ in range(N):
            perf.append(perf_once())
            warm.append(record_once(warm_env))
            fresh = os.path.join(WORK, "cold")
            shutil.rmtree(fresh, ignore_errors=True)
            cold.append(record_once(dict(os.environ, XDG_CACHE_HOME=fresh)))
    peer = [p["cpu"] for p in perf]
    rows = ["## Whole machine, 99 Hz, 10 s: a recording and a finished flame graph", "",
            "`spoor record -a -d 10 -F 99` + `spoor flame` against `perf record -g -F 99 -a -e cpu-clock -- "
            f"sleep 10` + `perf script`; bench/load.c (2,000 paths, depth 8 to 48) on every CPU; medians of "
            f"{N} pairs [smallest to largest].", "",
            "| | CPU s | ratio to perf (wanted) | peak RSS MB (wanted) | first sample after start, ms (wanted) | "
            "picture after the end, ms (wanted) |", "|---|---|---|---|---|---|",
            f"| perf record + perf script | {spread(peer)} | 1 | {mid([p['rss'] for p in perf]):.0f} | | |"]
    for name, runs, want in (("spoor, warm symbol cache", warm, "0.35"), ("spoor, cold", cold, "0.7")):
        ratio = mid([r["cpu"] / p for r, p in zip(runs, peer)])
        rows.append(f"| {name} | {spread([r['cpu'] for r in runs])} | {ratio:.2f} (≤ {want}) | "
                    f"{mid([r['rss'] for r in runs]):.0f} (≤ 40) | "
                    f"{spread([r['first_ms'] for r in runs], '{:.0f}')} (≤ 100) | "
                    f"{spread([r['picture_ms'] for r in runs], '{:.0f}')} (≤ 300) |")
    return rows


def part_fast():
    rows = ["## 999 Hz with many unique stacks: nothing lost", "",
            "`spoor record -a -F 999 -d 20` with default settings, bench/load.c with 10,000 paths on every "
            "CPU.", "", "| samples | unique stacks | lost | CPU s | peak RSS MB | time in BPF, us a sample |",
            "|---|---|---|---|---|---|"]
    with Load(10000):
        for _ in range(min(N, 3)):
            cpu, rss, _, _ = run([SPOOR, "record", "-a", "-F", "999", "-d", "20", "-q", "-o", "y.spoor"])
            i = info(os.path.join(WORK, "y.spoor"))
            rows.append(f"| {i['samples']:,} | {i['unique_stacks']:,} | {i['meta']['lost_events']} | {cpu:.2f} | "
                        f"{rss:.0f} | {i['cost_bpf_ns'] / max(1, i['samples']) / 1e3:.1f} |")
    return rows


def folded(unique, samples, seed):
    path = os.path.join(WORK, f"f{unique}.folded")
    with open(path, "wb") as out:
        subprocess.run([os.path.join(WORK, "gen_folded"), "--unique", str(unique), "--samples",
                        str(samples), "--seed", str(seed)], stdout=out, check=True)
    return path


FLAME_HEAD = ["| unique stacks | folded MB | CPU s (wanted) | peak RSS MB (wanted) | SVG MB |",
              "|---|---|---|---|---|"]


def flame_row(unique, samples, seed, want_cpu, want_rss, repeat):
    path = folded(unique, samples, seed)
    svg = os.path.join(WORK, f"f{unique}.svg")
    runs = [run([SPOOR, "flame", "-q", "-o", svg, path]) for _ in range(repeat)]
    size = os.path.getsize(path) / 1e6
    os.unlink(path)
    return (f"| {unique:,} | {size:.0f} | {spread([r[0] for r in runs], '{:.2f}')} (≤ {want_cpu}) | "
            f"{mid([r[1] for r in runs]):.0f} (≤ {want_rss}) | {os.path.getsize(svg) / 1e6:.1f} |")


def part_flame():
    return ["## Drawing folded text", "", "`spoor flame -o x.svg FILE`, FILE from bench/gen_folded.c: depth 10 to "
            "120, every path forked from an earlier one at a random depth.", "", *FLAME_HEAD,
            flame_row(100_000, 20_000_000, 1, 0.45, 80, N)]


def part_flame1m():
    return [flame_row(1_000_000, 200_000_000, 2, 6, 500, min(N, 3))]


def part_browser():
    rows = ["", "## In the browser", "",
            "`node tests/web/time.mjs FILE.svg`: headless Chromium; opening until the first frame after load, zooms, "
            "resets and searches until the next frame is on the screen (smallest to largest). Wanted for 1,000,000 "
            "stacks: open within 1 s, zoom within 50 ms.", "", "```"]
    for unique in (100_000, 1_000_000):
        svg = os.path.join(WORK, f"f{unique}.svg")
        if os.path.exists(svg):
            out = subprocess.run(["node", os.path.join(TOP, "tests", "web", "time.mjs"), svg],
                                 stdout=subprocess.PIPE, check=True).stdout.decode().strip()
            rows.append(out.replace(WORK + "/", ""))
    return rows + ["```"]


PARTS = {"record": part_record, "fast": part_fast, "flame": part_flame, "flame1m": part_flame1m,
         "browser": part_browser}


def machine():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    perf = subprocess.check_output([PERF, "--version"]).decode().strip() if PERF else "no perf"
    return (f"{os.cpu_count()} CPUs ({model}), {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 30} "
            f"GiB, Linux {platform.release()}, a virtual machine without hardware counters; {perf}.")


def main():
    os.makedirs(WORK, exist_ok=True)
    wanted = sys.argv[1:] or list(PARTS)
    if "record" in wanted and not PERF:
        sys.exit("no perf here; try: apt-get install linux-perf")
    for name in ("load", "gen_folded"):
        shutil.copy(os.path.join(TOP, "build", "default", "bench", name), os.path.join(WORK, name))
    lines = ["# Results", "", "Made by `make bench` (bench/run.py). " + machine(), ""]
    for name in wanted:
        print(name, file=sys.stderr)
        part = PARTS[name]()
        if name in ("fast", "flame"):
            lines.append("")
        lines += part
        print("\n".join(part), file=sys.stderr)
    target = os.path.join(TOP, "bench", "RESULTS.md") if len(wanted) == len(PARTS) else None
    text = "\n".join(lines) + "\n"
    if target:
        with open(target, "w", encoding="utf-8") as f:
            f.write(text)
    else:
        sys.stdout.write(text)


main()
