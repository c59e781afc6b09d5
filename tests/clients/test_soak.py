"""The short form of soak.py: some clients, killed at random. `make soak` has the long one."""
import os
import subprocess
import sys


def test_clients_killed_at_random(server):
    """In a process of its own: it forks its clients, and this one has threads."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "soak.py")
    flags = ["--clients", "16", "--seconds", "8", "--rounds", "1", "--seed", "5"]
    done = subprocess.run([sys.executable, program, *flags], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
