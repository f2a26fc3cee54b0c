#!/usr/bin/python3
# Dask's distributed: a scheduler and two workers, each a process.
import logging
import sys

sys.dont_write_bytecode = True
try:
    import distributed
    import numpy
except ImportError as error:
    sys.exit(print(f"{error}; its packages are python3-distributed and python3-numpy"))
from serve import serve, spin, steps_in, time_of  # noqa: E402


def same(value):
    return value


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    message, values = bytes(64), numpy.ones(8 << 20)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        here = list(client.scheduler_info()["workers"])[:1]
        steps = steps_in(100)

        def call():
            client.submit(same, message, pure=False, workers=here).result()

        def send():
            client.scatter(values, workers=here, hash=False, direct=True)

        serve(
            round_trip=lambda n: [time_of(call) for _ in range(n)],
            calls=lambda n: [time_of(lambda: client.gather(client.map(same, range(n), pure=False, workers=here)))],
            bulk=lambda n: [time_of(send) for _ in range(n)],
            map=lambda n: [time_of(lambda: client.gather(client.map(spin, [steps] * n, pure=False)))],
        )
