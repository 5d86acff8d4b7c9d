"""What befalls the workers while a sweep runs."""

import random
import threading
import time
from collections import Counter
from contextlib import suppress

import psutil

PERIOD_S = 5.0
STOPPED_S = 2.0
PARTED_S = 3.0


class Havoc:
    """Every few seconds kills, stops or cuts off a worker; a context manager."""

    def __init__(self, cluster, seed):
        self.cluster = cluster
        self.random = random.Random(seed)
        self.counts = Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()

    def _run(self):
        acts = [self.kill, self.kill, self.stop, self.stop]
        if self.cluster.hosts.can_part:
            acts.append(self.part)
        while not self._over.wait(self.random.uniform(0.5, 1.5) * PERIOD_S):
            act = self.random.choice(acts)
            with suppress(psutil.NoSuchProcess):
                act(self.random.choice(self.cluster.workers))
                self.counts[act.__name__] += 1

    def kill(self, worker):
        """Its nanny starts another."""
        process = self.cluster.executor(worker)
        if process is not None:
            process.kill()

    def stop(self, worker):
        """Not dead, and does nothing for a while."""
        process = self.cluster.executor(worker)
        if process is not None:
            process.suspend()
            time.sleep(STOPPED_S)
            process.resume()

    def part(self, worker):
        """Works on, and reaches nobody."""
        self.cluster.hosts.part(worker, up=False)
        time.sleep(PARTED_S)
        self.cluster.hosts.part(worker, up=True)
