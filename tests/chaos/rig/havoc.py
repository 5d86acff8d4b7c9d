"""What befalls the workers while a sweep runs."""

import random
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress

import psutil

from rig.clock import until_registered

PERIOD_S = 5.0
STOPPED_S = 2.0
PARTED_S = 3.0


class Havoc:
    """Every few seconds kills, stops or cuts off a worker; a context manager."""

    def __init__(self, cluster, seed):
        self.cluster = cluster
        self.random = random.Random(seed)
        self.counts = Counter()
        self.deaths = {worker: [] for worker in cluster.workers}
        """When each was killed, in seconds of the clock."""
        self.pauses = {worker: [] for worker in cluster.workers}
        """(begin, end) of when each was stopped or cut off."""
        self._over = threading.Event()
        self._lock = threading.Lock()
        """Of starting processes."""
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
            with self._lock:
                self.revive()
            act = self.random.choice(acts)
            with suppress(psutil.NoSuchProcess):
                act(self.random.choice(self.cluster.workers))
                self.counts[act.__name__] += 1

    def revive(self):
        """Start nannies again, as a cluster does: one whose worker is killed at birth gives up."""
        for worker in self.cluster.workers:
            if self.cluster.processes[worker].poll() is not None:
                self.cluster.restart(worker)
                self.counts["revived"] += 1

    def kill(self, worker):
        """Its nanny starts another."""
        process = self.cluster.executor(worker)
        if process is not None:
            self.deaths[worker].append(time.time())
            process.kill()

    def stop(self, worker):
        """Not dead, and does nothing for a while."""
        process = self.cluster.executor(worker)
        if process is not None:
            with self._pause(worker):
                process.suspend()
                time.sleep(STOPPED_S)
                process.resume()

    def part(self, worker):
        """Works on, and reaches nobody."""
        with self._pause(worker):
            self.cluster.hosts.part(worker, up=False)
            time.sleep(PARTED_S)
            self.cluster.hosts.part(worker, up=True)

    def kill_scheduler(self, driver):
        """And the workers, which end when their scheduler is gone for long; all start again."""
        for deaths in self.deaths.values():
            deaths.append(time.time())
        with self._lock:
            for name in ("scheduler", *self.cluster.workers):
                self.cluster.restart(name)

    def outages(self, worker):
        """(begin, end) of when it could not work."""
        log = self.cluster.folder / f"{worker}.log"
        return self.pauses[worker] + until_registered(self.deaths[worker], log)

    @contextmanager
    def _pause(self, worker):
        begin = time.time()
        yield
        self.pauses[worker].append((begin, time.time()))
