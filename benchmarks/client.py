"""A client's process: ``python -m benchmarks.client PEER JOB`` does the job and prints its result."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.job import Job, Result
from benchmarks.peers import PEERS


def main(peer: str, job: Job) -> Result:
    """Send what does not count, then measure what does."""
    with PEERS[peer](job) as send:
        send([job.first])
        # The peak is from now on (proc_pid_clear_refs(5)).
        Path("/proc/self/clear_refs").write_text("5")
        memory, cpu, begin = octets("VmRSS"), process_time(), perf_counter()
        send(job.mails())
        return Result(perf_counter() - begin, process_time() - cpu, octets("VmHWM") - memory)


def octets(name: str) -> int:
    """A line of /proc/self/status (proc_pid_status(5)). getrusage(2) would count what was before exec, too."""
    found = re.search(rf"^{name}:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Job.from_json(sys.argv[2]))._asdict()))
