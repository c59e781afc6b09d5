"""`vonk sql` as a person meets it: on a terminal, with prompt, history, completion, progress bar, Ctrl-C and Ctrl-D.

Cases for run.py: functions that take the path of the program."""
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
import fcntl

LIMIT_S = 60
CASES = []
PROMPT, MORE = "vonk> ", "    > "


def case(function):
    CASES.append(function)
    return function


class Terminal:
    """The program on a pseudo-terminal of 100 columns; `home` holds its history. seen is all it wrote."""

    def __init__(self, program, home, *flags):
        control, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self.control, self.seen, self.at = control, "", 0
        env = dict(os.environ, HOME=home, TERM="xterm")
        self.process = subprocess.Popen([program, "sql", *flags], stdin=terminal, stdout=terminal, stderr=terminal,
                                        env=env, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(terminal)

    def type(self, text):
        os.write(self.control, text.encode())

    def read(self, limit_s):
        """What comes within the limit, added to seen; false: nothing, or the end."""
        if not select.select([self.control], [], [], limit_s)[0]:
            return False
        try:
            data = os.read(self.control, 65536)
        except OSError:  # the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def wait(self, text, limit_s=LIMIT_S):
        """Until the text comes, after what was waited for before; what came up to its end."""
        end = time.monotonic() + limit_s
        while text not in self.seen[self.at:]:
            if not self.read(max(0, end - time.monotonic())):
                raise AssertionError(f"no {text!r} in {self.seen[self.at:][-500:]!r}")
        start, self.at = self.at, self.seen.index(text, self.at) + len(text)
        return self.seen[start:self.at]

    def ask(self, text):
        """A line and its answer: what comes up to the next prompt."""
        self.type(text + "\n")
        return self.wait(PROMPT)

    def end(self, limit_s=20):
        """Exit status."""
        while self.read(0.2):
            pass
        try:
            return self.process.wait(limit_s)
        finally:
            self.close()

    def leave(self, limit_s=20):
        """Ctrl-D; again when it came while the terminal was between lines, where it is no end but part of the next
        line: so Ctrl-U, which clears that, goes before it. Exit status."""
        end = time.monotonic() + limit_s
        while self.process.poll() is None and time.monotonic() < end:
            self.type("\x15\x04")
            self.read(0.5)
        return self.end()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.control is not None:
            os.close(self.control)
            self.control = None


class Session:
    """with Session(program) as terminal: a fresh home; waits for the first prompt."""

    def __init__(self, program, *flags, home=None):
        self.folder = None if home else tempfile.TemporaryDirectory()
        self.terminal = Terminal(program, home or self.folder.name, *flags)

    def __enter__(self):
        self.terminal.wait(PROMPT)
        return self.terminal

    def __exit__(self, *_):
        self.terminal.close()
        if self.folder:
            self.folder.cleanup()


@case
def prompt_and_answer(program):
    with Session(program) as terminal:
        answer = terminal.ask("SELECT 40 + 2 AS answer;")
        assert re.search(r"answer\s*\r?\n-+\s*\r?\n\s*42", answer), answer
        assert re.search(r"1 row in \d+\.\d+ s", answer), answer
        answer = terminal.ask("SELECT nothing;")
        assert "[UNRESOLVED_COLUMN" in answer and "SQLSTATE: 42703" in answer, answer
        assert "'été'" not in terminal.ask("SELECT concat('é', 't', 'é') AS s;") and "été" in terminal.seen
        terminal.type("quit\n")
        assert terminal.end() == 0


@case
def statement_of_many_lines(program):
    with Session(program) as terminal:
        for line in ("SELECT 'one;", "two' AS text,  -- a comment;", "7 AS number"):
            terminal.type(line + "\n")
            assert PROMPT not in terminal.wait(MORE)
        answer = terminal.ask("; SELECT 8 AS next;")
        assert "text" in answer and "number" in answer and "next" in answer and "8" in answer, answer


@case
def end_of_input(program):
    with Session(program) as terminal:
        terminal.ask("SELECT 1;")
        assert terminal.leave() == 0
    with Session(program) as terminal:  # half a statement is not run
        terminal.type("SELECT 'half'\n")
        terminal.wait(MORE)
        assert terminal.leave() == 0 and "half\r\n" not in terminal.seen.split(MORE)[-1], terminal.seen


@case
def history(program):
    up = "\x1b[A"
    with tempfile.TemporaryDirectory() as home:
        with Session(program, home=home) as terminal:
            terminal.ask("SELECT 'first' AS a;")
            terminal.ask("SELECT 'second' AS a;")
            terminal.type(up + up)
            terminal.wait("first")  # only what differs from the line before is drawn
            answer = terminal.ask("")
            assert "first" in answer.split("\n", 1)[1], answer
            assert terminal.leave() == 0
        assert "SELECT 'second' AS a;" in re.sub(r"\\040", " ", open(os.path.join(home, ".vonk_history")).read())
        with Session(program, home=home) as terminal:  # and again after the program has ended
            terminal.type(up + up)
            terminal.wait("second")
            assert "second" in terminal.ask("").split("\n", 1)[1]


@case
def completion(program):
    with Session(program) as terminal:
        terminal.ask("CREATE TEMPORARY VIEW zebras AS SELECT 3 AS stripes;")
        terminal.type("sel\t")
        terminal.wait("SELECT")
        terminal.type("count(*) FROM zeb\t")
        terminal.wait("ras ")
        answer = terminal.ask(";")
        assert re.search(r"\r?\n\s*1\s*\r?\n", answer), answer
        terminal.type("SELECT levensh\t")
        terminal.wait("tein")
        answer = terminal.ask("('ab', 'b') AS d;")
        assert re.search(r"\r?\n\s*1\s*\r?\n", answer), answer


LONG = "SELECT sum(id % 7) AS s FROM range(0, 10000000000000, 1, 64);"


@case
def progress_and_interrupt(program):
    with Session(program) as terminal:
        terminal.type(LONG + "\n")
        terminal.wait("\r[")
        first = terminal.wait("\r[")
        assert re.match(r"[= ]{40}\] \d+/\d+\r", first), first
        counts = [int(re.search(r"(\d+)/", terminal.wait("\r[")).group(1)) for _ in range(20)]
        assert counts[0] < counts[-1] and counts == sorted(counts), counts
        asked = time.monotonic()
        terminal.type("\x03")
        answer = terminal.wait(PROMPT)
        assert "[OPERATION_CANCELED]" in answer and "SQLSTATE: HY008" in answer, answer
        assert time.monotonic() - asked < 5
        assert "42" in terminal.ask("SELECT 40 + 2 AS answer;")
        assert terminal.leave() == 0


@case
def interrupt_of_output(program):
    with Session(program, "--output", "csv") as terminal:
        terminal.type("SELECT id FROM range(10000000000);\n")
        terminal.wait("\n1000\r\n")
        terminal.type("\x03")
        terminal.wait("[OPERATION_CANCELED]")
        terminal.wait(PROMPT)
        assert "42" in terminal.ask("SELECT 40 + 2 AS answer;")


@case
def interrupt_of_typing(program):
    """What was typed is dropped, the lines before it, too; any number of times."""
    with Session(program) as terminal:
        for _ in range(3):
            terminal.type("SELECT 'dropped'\n")
            terminal.wait(MORE)
            terminal.type(" AS a, 'also'")
            terminal.wait("'also'")
            terminal.type("\x03")
            terminal.wait(PROMPT)
        answer = terminal.ask("SELECT 'kept' AS b;")
        assert "kept" in answer and "dropped" not in answer and "[" not in answer, answer
        terminal.process.send_signal(signal.SIGINT)
        terminal.wait(PROMPT)
        assert terminal.leave() == 0
