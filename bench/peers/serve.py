# What serve.hpp is for the C++ programs.
import sys
import time


def time_of(action):
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1e6


def spin(steps):
    x = 1
    for _ in range(steps):
        x = x * 6364136223846793005 & 0xFFFFFFFFFFFFFFFF
    return x


def steps_in(microseconds):
    return int(100_000 * microseconds / min(time_of(lambda: spin(100_000)) for _ in range(5)))


def serve(**rows):
    print("ready", *rows, flush=True)
    for line in sys.stdin:
        name, count = line.split()
        print(*rows[name](int(count)), flush=True)
