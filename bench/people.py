#!/usr/bin/env python3
"""Figures of people for docs/benchmarks.md: sign-ins beside sends, and known against unknown users.

    bench/people.py BINARY [DATABASE_URL]

Starts a server of its own (`serve`, a new data folder, a carrier process behind it) on loopback, signs up 200 people,
and prints: the send path's p50 and p95 alone and while 200 clients sign in, sign-ins per second, resident memory, and
the median time of a wrong password for known and unknown users. Takes about three minutes. Only the standard library.
"""

import asyncio
import json
import os
import pathlib
import secrets
import statistics
import subprocess
import sys
import tempfile
import time

CLIENTS = 200
SENDS_PER_SECOND = 50
SECONDS = 20
KEPT_SECONDS = 5
SAMPLES = 2_000
PASSWORD = "turnip-lantern-orbit-93"
NO_LIMITS = [
    "KEY_REQUEST_LIMIT_PER_MINUTE", "REQUEST_LIMIT_PER_MINUTE", "CODE_LIMIT_PER_NUMBER", "CODE_LIMIT_PER_NUMBER_A_DAY",
    "CODE_LIMIT_PER_TEN_THOUSAND_NUMBERS", "CODE_LIMIT_PER_MILLION_NUMBERS", "CODE_LIMIT_PER_ORIGIN",
    "CODE_LIMIT_PER_WORKSPACE", "LOGIN_LIMIT_PER_ORIGIN", "LOGIN_LIMIT_PER_ACCOUNT", "SIGN_UP_LIMIT_PER_ORIGIN",
]


class Connection:
    """One HTTP/1.1 connection that is kept."""

    def __init__(self, port):
        self.port, self.reader, self.writer, self.used = port, None, None, 0

    async def post(self, path, body, key=None):
        """The status, and the seconds it took."""
        if self.writer and time.perf_counter() - self.used > KEPT_SECONDS:
            self.close()
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        data = json.dumps(body).encode()
        header = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\ncontent-type: application/json\r\n"
        if key:
            header += f"authorization: Bearer {key}\r\n"
        begun = time.perf_counter()
        self.writer.write(f"{header}content-length: {len(data)}\r\n\r\n".encode() + data)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:"))
        await self.reader.readexactly(length)
        self.used = time.perf_counter()
        took = self.used - begun
        if "connection: close" in head:
            self.close()
        return int(head.split(" ")[1]), took

    def close(self):
        if self.writer:
            self.writer.close()
            self.writer = None


def free_port():
    import socket
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def resident_kib(pid, field="VmRSS"):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


def percentile(spans, share):
    return sorted(spans)[min(len(spans) - 1, int(len(spans) * share))] * 1000


async def send_evenly(port, key, seconds):
    """Sends at a fixed rate; each span counts from the time at which the send was due."""
    spans, wrong, tasks = [], [], []
    idle = asyncio.LifoQueue()
    for _ in range(32):
        idle.put_nowait(Connection(port))
    begun = time.perf_counter()

    async def one(number, due):
        connection = await idle.get()
        body = {"from": "+12015550100", "to": f"+1303555{number % 10000:04}", "type": "sms", "body": f"number {number}"}
        status, _ = await connection.post("/api/messages/sms", body, key)
        idle.put_nowait(connection)
        spans.append(time.perf_counter() - begun - due)
        if status != 201:
            wrong.append(status)

    for number in range(int(seconds * SENDS_PER_SECOND)):
        due = number / SENDS_PER_SECOND
        await asyncio.sleep(max(0, begun + due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    while not idle.empty():
        idle.get_nowait().close()
    assert not wrong, f"sends were answered {set(wrong)}"
    return spans


async def sign_in_forever(port, name, until, counts):
    connection = Connection(port)
    while time.perf_counter() < until:
        status, _ = await connection.post("/api/auth/login", {"login": name, "password": PASSWORD})
        counts[status] = counts.get(status, 0) + 1
        if status != 200:
            await asyncio.sleep(0.2)
    connection.close()


async def measure(port, key, pid):
    first = Connection(port)
    names = [f"person{number:03}" for number in range(CLIENTS)]
    for number, name in enumerate(names):
        body = {"username": name, "email": f"{name}@example.com", "mobile": f"+1{202 + number // 50}555{number:04}",
                "password": PASSWORD, "name": name}
        status, _ = await first.post("/api/users", body)
        assert status == 201, (name, status)
    print(f"resident with {CLIENTS} accounts: {resident_kib(pid) / 1024:.0f} MiB")

    await send_evenly(port, key, 3)
    quiet = await send_evenly(port, key, SECONDS)
    print(f"sends alone, {SENDS_PER_SECOND}/s: p50 {percentile(quiet, .5):.2f} ms, p95 {percentile(quiet, .95):.2f} ms")

    counts, until = {}, time.perf_counter() + SECONDS + 2
    people = [asyncio.create_task(sign_in_forever(port, name, until, counts)) for name in names]
    await asyncio.sleep(1)
    before, begun = dict(counts), time.perf_counter()
    beside = await send_evenly(port, key, SECONDS)
    took = time.perf_counter() - begun
    done = {status: counts[status] - before.get(status, 0) for status in counts}
    most = resident_kib(pid) / 1024
    await asyncio.gather(*people)
    print(f"sends beside {CLIENTS} who sign in: p50 {percentile(beside, .5):.2f} ms, "
          f"p95 {percentile(beside, .95):.2f} ms, {percentile(beside, .95) / percentile(quiet, .95):.2f} of alone")
    print(f"sign-ins: {done.get(200, 0) / took:.1f}/s, answers {done}; resident {most:.0f} MiB, "
          f"most {resident_kib(pid, 'VmHWM') / 1024:.0f} MiB")

    await asyncio.sleep(3)
    spans = {"known": [], "unknown": []}
    for number in range(SAMPLES):
        known, unknown = names[number % CLIENTS], f"nobody{number % CLIENTS:02}"
        for kind, name in [("known", known), ("unknown", unknown)][:: 1 if number % 2 else -1]:
            status, took = await first.post("/api/auth/login", {"login": name, "password": "wrong-" + PASSWORD})
            assert status == 401, status
            spans[kind].append(took)
    medians = {kind: statistics.median(values) * 1000 for kind, values in spans.items()}
    print(f"a wrong password, {SAMPLES} each: known {medians['known']:.2f} ms, unknown {medians['unknown']:.2f} ms, "
          f"apart by {abs(medians['known'] - medians['unknown']):.3f} ms")
    first.close()


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        port, carrier_port = free_port(), free_port()
        config = pathlib.Path(folder, "config.toml")
        config.write_text(f'[[providers]]\nname = "carrier"\nkind = "http"\nchannels = ["sms", "mms", "email"]\n'
                          f'url = "http://127.0.0.1:{carrier_port}/messages"\nmax_per_second = 1000\n')
        env = {**os.environ, "SWITCHBOARD_MASTER_KEY": secrets.token_hex(32), "SWITCHBOARD_SIGN_UP": "open",
               "SWITCHBOARD_DATA": folder, "SWITCHBOARD_CONFIG": str(config), "SWITCHBOARD_MAIL_SENDER": "a@example.com",
               "SWITCHBOARD_DEFAULT_SENDER": "+12015550100", "RUST_LOG": "error",
               **{f"SWITCHBOARD_{name}": "0" for name in NO_LIMITS}}
        if len(sys.argv) > 2:
            env["DATABASE_URL"] = sys.argv[2]
        asked = [binary, "keys", "create", "--name", "bench", "--scope", "messages:send"]
        key = subprocess.run(asked, env=env, check=True, capture_output=True, text=True).stdout.strip()
        carrier = subprocess.Popen([binary, "carrier", "--listen", f"127.0.0.1:{carrier_port}", "--ledger",
                                    str(pathlib.Path(folder, "ledger"))], stdout=subprocess.DEVNULL, env=env)
        server = subprocess.Popen([binary, "serve", "--listen", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True,
                                  env=env)
        try:
            line = server.stdout.readline()
            assert line.startswith("listening on"), line
            asyncio.run(measure(port, key, server.pid))
        finally:
            server.terminate()
            carrier.terminate()
            server.wait(20)
            carrier.wait(20)


main()
