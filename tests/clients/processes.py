"""Processes, as /proc tells of them."""
import os


def _parents():
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                found[int(pid)] = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:  # it has ended
            pass
    return found


def below(pid):
    """Children of the process, their children and so on."""
    parents, found = _parents(), [pid]
    for at in found:
        found += [child for child, parent in parents.items() if parent == at]
    return found[1:]
