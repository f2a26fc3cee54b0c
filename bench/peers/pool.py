#!/usr/bin/python3
# Python's multiprocessing.Pool.
import array
import collections
import multiprocessing
import sys

sys.dont_write_bytecode = True
from serve import serve, spin, steps_in, time_of  # noqa: E402


def same(value):
    return value


def pipelined(pool, count):
    calls = collections.deque()
    for number in range(count):
        if len(calls) == 1000:
            calls.popleft().get()
        calls.append(pool.apply_async(same, (number,)))
    for call in calls:
        call.get()


if __name__ == "__main__":
    message, values = bytes(64), array.array("d", [1.0]) * (8 << 20)
    with multiprocessing.Pool(1) as one, multiprocessing.Pool(2) as two:
        steps = steps_in(100)
        serve(
            round_trip=lambda n: [time_of(lambda: one.apply(same, (message,))) for _ in range(n)],
            calls=lambda n: [time_of(lambda: pipelined(one, n))],
            bulk=lambda n: [time_of(lambda: one.apply(len, (values,))) for _ in range(n)],
            map=lambda n: [time_of(lambda: two.map(spin, [steps] * n))],
        )
