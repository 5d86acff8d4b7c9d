import logging
import os
import signal
import socket
import threading

import pytest
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster

from westsea import cluster
from westsea.cluster import connect
from westsea_catalog.errors import ConfigError, UpstreamError, UsageError


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)


def closed_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


# A cluster of our own


def test_worker_processes_have_one_thread_each(processes):
    assert sorted(processes.nthreads().values()) == [1, 1]
    pids = processes.run(os.getpid)
    assert len(set(pids.values())) == 2
    assert os.getpid() not in pids.values()


def test_nothing_listens_beyond_loopback(own_cluster):
    assert len(own_cluster.listening) >= 3  # the scheduler and two workers
    assert {address.ip for address in own_cluster.listening} <= {"127.0.0.1", "::1"}


def test_interrupts_are_left_to_the_process_that_has_the_cluster(processes):
    assert set(processes.run(lambda: signal.getsignal(signal.SIGINT)).values()) == {signal.SIG_IGN}


def test_workers_do_not_watch_themselves(processes):
    def watched():
        import dask

        return dask.config.get("distributed.worker.profile.enabled")

    assert set(processes.run(watched).values()) == {False}


def test_one_worker_a_core_by_default(monkeypatch):
    asked = {}

    class Recorder(LocalCluster):
        def __init__(self, **options):
            asked.update(options)
            raise InterruptedError

    monkeypatch.setattr(cluster, "OwnCluster", Recorder)
    with pytest.raises(InterruptedError), connect(None, None):
        pass
    assert asked["n_workers"] is None  # which distributed takes for CPU_COUNT / threads
    assert asked["threads_per_worker"] == 1
    assert CPU_COUNT >= 1


# One that is there


def test_the_active_client_is_used_and_stays_open(threads):
    with threads.as_current():
        with connect(None, None) as client:
            assert client is threads
        assert threads.status == "running"


@pytest.fixture
def scheduler():
    with LocalCluster(
        n_workers=0,
        processes=False,
        host="127.0.0.1",
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
    ) as found:
        yield found


def test_a_scheduler_at_an_address(scheduler, caplog):
    caplog.set_level(logging.WARNING, logger="westsea")
    with connect(scheduler.scheduler_address, None) as client:
        assert isinstance(client, Client)
        assert client.scheduler.address == scheduler.scheduler_address
    assert client.status == "closed"
    assert "has no workers yet: waiting for them" in caplog.text
    assert "not encrypted" not in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "127.0.0.1:8786",
        "http://127.0.0.1:8786",
        "inproc://1",
        "tcp://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1:x",
        "tcp://[::1:8786",
        "tls://host",
    ],
)
def test_what_is_no_address(address):
    with pytest.raises(UsageError, match="is no scheduler: write tcp://host:port"):
        connect(address, None).__enter__()


def test_nobody_there(impatient):
    address = f"tcp://127.0.0.1:{closed_port()}"
    with pytest.raises(UpstreamError, match=f"No Dask scheduler answers at {address}"):
        connect(address, None).__enter__()


def test_a_server_of_another_kind_is_not_waited_for(impatient):
    met = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        listening = threading.Thread(target=lambda: met.append(server.accept()[0]))
        listening.start()
        with pytest.raises(UpstreamError, match="No Dask scheduler answers"):
            connect(f"tcp://127.0.0.1:{server.getsockname()[1]}", None).__enter__()
        listening.join()
    met[0].close()


def test_tls_without_certificates(impatient):
    with pytest.raises(ConfigError, match="needs certificates: name them as distributed"):
        connect("tls://127.0.0.1:8786", None).__enter__()


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_what_fails_leaves_no_event_loop_behind(impatient, scheme):
    before = set(threading.enumerate())
    with pytest.raises((ConfigError, UpstreamError)):
        connect(f"{scheme}://127.0.0.1:{closed_port()}", None).__enter__()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("host", "warned"),
    [("192.0.2.1", True), ("dask.example", True), ("localhost", False), ("[::1]", False)],
)
@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_a_warning_where_anybody_could_run_code(scheme, host, warned, caplog):
    caplog.set_level(logging.WARNING, logger="westsea")
    cluster._check_address(f"{scheme}://{host}:8786")
    assert ("whoever reaches it runs code there" in caplog.text) == (warned and scheme == "tcp")
