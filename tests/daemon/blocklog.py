"""A file system on a disk that writes down every block: what it held at any
moment of its life can be made again, and what a loss of power would have left.

The disk is a file that this program itself serves by FUSE, attached as a loop
device. It does one request after the other; its log is a row of entries, each
a HEADER and the data of a write.
"""
import contextlib
import ctypes
import errno
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import namedtuple

SECTOR = 512
SIZE = 256 << 20
WRITE, FLUSH = 0, 1
HEADER = struct.Struct("<QII")  # place, length of the data, WRITE or FLUSH
NEEDED = ("losetup", "mount", "umount", "mkfs.ext4")

Entry = namedtuple("Entry", "place length kind data end")


def program(name):
    """Where it is; None when it is not."""
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def why_not():
    """In words what this machine lacks; None when all is there."""
    if os.geteuid() != 0:
        return "a file system cannot be mounted: not root"
    for name in NEEDED:
        if program(name) is None:
            return f"{name} is not installed"
    for name in ("/dev/fuse", "/dev/loop-control"):
        try:
            os.close(os.open(name, os.O_RDWR))
        except OSError as e:
            return f"{name}: {e.strerror}"
    with contextlib.ExitStack() as stack:
        try:
            Disk(stack).mount(stack.enter_context(
                tempfile.TemporaryDirectory(prefix="postern-mount-")))
        except OSError as e:
            return f"a file system cannot be mounted: {e}"
    return None


# --- the disk itself: a process that serves one file by FUSE ---

class Server:
    """The file and its log, until it is unmounted. Opcodes and structures are
    those of linux/fuse.h."""

    IN, OUT = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
    BLOCK = 1 << 20  # the most that one write brings

    def __init__(self, where, image, log):
        self.image = os.open(image, os.O_RDWR)
        self.log = os.open(log, os.O_WRONLY | os.O_APPEND)
        self.fuse = os.open("/dev/fuse", os.O_RDWR)
        self.calls = {3: self.getattr, 4: self.getattr, 14: self.open,
                      15: self.read, 16: self.write, 18: self.nothing,
                      20: self.fsync, 25: self.nothing, 26: self.init,
                      38: self.nothing}
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.fuse},rootmode=100600,user_id=0,group_id=0"
        if libc.mount(b"postern-test", where.encode(), b"fuse", 0,
                      options.encode()) != 0:
            raise OSError(ctypes.get_errno(), "mount of /dev/fuse")

    def serve(self):
        """Answers until nobody can ask any more."""
        while True:
            try:
                asked = memoryview(os.read(self.fuse, self.BLOCK + 4096))
            except OSError as e:
                if e.errno == errno.ENODEV:
                    return
                if e.errno not in (errno.EINTR, errno.ENOENT):
                    raise
                continue
            _, call, unique, *_ = self.IN.unpack_from(asked)
            if call not in (2, 36, 42):  # FORGET, INTERRUPT: no answer
                self.answer(call, unique, asked[self.IN.size:])

    def answer(self, call, unique, asked):
        """Does one call and sends what came of it."""
        error, out = 0, b""
        try:
            if call in self.calls:
                out = self.calls[call](asked)
            else:  # 43: fallocate() has words of its own for "cannot"
                error = errno.EOPNOTSUPP if call == 43 else errno.ENOSYS
        except OSError as e:
            error = e.errno
        os.write(self.fuse, self.OUT.pack(self.OUT.size + len(out), -error,
                                          unique) + out)

    def nothing(self, _):
        """Calls that have nothing to do here."""
        return b""

    def init(self, asked):
        """Version 7.31: large writes of up to BLOCK."""
        _, _, ahead, flags = struct.unpack_from("<4I", asked)
        flags &= 1 << 5 | 1 << 22  # BIG_WRITES, MAX_PAGES
        return struct.pack("<4IHHIIHHI28x", 7, 31, ahead, flags, 16, 12,
                           self.BLOCK, 1, self.BLOCK // 4096, 0, 0)

    def getattr(self, _):
        """A file of SIZE bytes."""
        return struct.pack("<QII6Q10I", 3600, 0, 0, 1, SIZE, SIZE // SECTOR, 0,
                           0, 0, 0, 0, 0, 0o100600, 1, 0, 0, 0, 4096, 0)

    def open(self, _):
        """There is one file; it needs no handle."""
        return struct.pack("<QII", 0, 0, 0)

    def read(self, asked):
        """Bytes as they are now."""
        _, place, size = struct.unpack_from("<QQI", asked)
        return os.pread(self.image, size, place)

    def write(self, asked):
        """Into the log first: what is on the disk is always in it."""
        _, place, size = struct.unpack_from("<QQI", asked)
        data = asked[40:40 + size]
        self.note(HEADER.pack(place, size, WRITE), data)
        assert os.pwrite(self.image, data, place) == size
        return struct.pack("<II", size, 0)

    def fsync(self, _):
        """What the disk finished before is there to stay."""
        self.note(HEADER.pack(0, 0, FLUSH))
        return b""

    def note(self, *parts):
        """One entry more."""
        assert os.writev(self.log, parts) == sum(map(len, parts))


# --- the side of the test ---

def run(*words):
    """A command that has to succeed; what it wrote."""
    done = subprocess.run([program(words[0]), *words[1:]], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def end_by_exit(*_):
    """So that a signal too undoes what was mounted."""
    sys.exit(1)


for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(_number, end_by_exit)


def make_folder():
    """In memory, where there is enough of it."""
    room = "/dev/shm"
    if not os.access(room, os.W_OK) or \
            shutil.disk_usage(room).free < 8 * SIZE:
        room = None
    return tempfile.mkdtemp(prefix="postern-disk-", dir=room)


class Disk:
    """An ext4 at `where`, every block of which is logged. A context: leaving
    it takes all of it apart, except the log and the first image."""

    def __init__(self, stack):
        self.stack = stack
        self.folder = make_folder()
        stack.callback(shutil.rmtree, self.folder, True)
        self.log, self.image = self.file("log"), self.file("image")
        self.first = self.file("first")
        self.parts = None

    def file(self, name):
        """A path in the disk's own folder."""
        return os.path.join(self.folder, name)

    def mount(self, where):
        """Makes the file system and mounts it."""
        self.parts = self.stack.enter_context(contextlib.ExitStack())
        with open(self.image, "wb") as f:
            f.truncate(SIZE)
        # At once all of it: nothing is to be made ready behind the test.
        run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E",
            "nodiscard,lazy_itable_init=0,lazy_journal_init=0", self.image)
        copy_sparse(self.image, self.first)
        exported = self.export()
        device = run("losetup", "--show", "-f", "--direct-io=on", exported)
        self.parts.callback(run, "losetup", "-d", device)
        run("mount", "-t", "ext4", device, where)
        self.parts.callback(unmount, where)

    def export(self):
        """Starts the process that is the disk; the path of its file."""
        exported = self.file("disk")
        for name in (self.log, exported):
            with open(name, "wb"):
                pass
        server = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), exported, self.image,
             self.log], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.parts.callback(end, server)
        said = server.stdout.readline().strip()
        if said != "ready":
            raise OSError(said + server.stdout.read())
        self.parts.callback(unmount, exported)
        return exported

    def position(self):
        """How long the log is. What has been synced is in it; what is not yet
        begun is behind it."""
        return os.stat(self.log).st_size

    def unmount(self):
        """Takes it apart: the log is whole."""
        self.parts.close()


def unmount(where):
    """Also when somebody of ours is still ending in there."""
    for _ in range(50):
        try:
            run("umount", where)
            return
        except OSError:
            time.sleep(0.1)
    run("umount", "-l", where)


def end(process):
    """Ends a process of ours, and says nothing if it has ended."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def copy_sparse(source, target):
    """Copies what is not a hole."""
    with open(source, "rb") as f, open(target, "wb") as g:
        size = os.fstat(f.fileno()).st_size
        g.truncate(size)
        at = 0
        while at < size:
            try:
                at = os.lseek(f.fileno(), at, os.SEEK_DATA)
            except OSError:  # a hole up to the end
                return
            hole = os.lseek(f.fileno(), at, os.SEEK_HOLE)
            os.lseek(f.fileno(), at, os.SEEK_SET)
            os.lseek(g.fileno(), at, os.SEEK_SET)
            while at < hole:
                at += os.sendfile(g.fileno(), f.fileno(), None, hole - at)


def read_log(path):
    """The entries, in order."""
    entries, at = [], 0
    with open(path, "rb", buffering=0) as f:
        size = os.fstat(f.fileno()).st_size
        while at < size:
            place, length, kind = HEADER.unpack(
                os.pread(f.fileno(), HEADER.size, at))
            data = at + HEADER.size
            at = data + length
            entries.append(Entry(place, length, kind, data, at))
    assert at == size, "the log has no whole end"
    return entries


class Player:
    """Plays the log into an image, forwards only, and makes the states that a
    loss of power would have left."""

    def __init__(self, disk, random):
        self.entries = read_log(disk.log)
        self.log = os.open(disk.log, os.O_RDONLY)
        disk.stack.callback(os.close, self.log)
        self.image = disk.file("played")
        copy_sparse(disk.first, self.image)
        self.random, self.done = random, 0

    def flushes(self):
        """Where in the entries the flushes are."""
        return [i for i, e in enumerate(self.entries) if e.kind == FLUSH]

    def write(self, image, entry, first=0, last=None):
        """Puts the bytes [first, last) of an entry into the image."""
        last = entry.length if last is None else last
        if first < last:
            data = os.pread(self.log, last - first, entry.data + first)
            os.pwrite(image, data, entry.place + first)

    def play(self, until):
        """All entries up to and with that one are on the disk."""
        image = os.open(self.image, os.O_WRONLY)
        for entry in self.entries[self.done:until + 1]:
            self.write(image, entry)
        os.close(image)
        self.done = max(self.done, until + 1)

    def state(self, path, flush, last, how):
        """Makes at `path` what is left when the power goes after entry `last`:
        all up to the flush, and of the writes behind it what `how` says:
        "lost", "whole", "some" or "torn". Returns the log's position."""
        self.play(flush)
        copy_sparse(self.image, path)
        image = os.open(path, os.O_WRONLY)
        for entry in self.entries[flush + 1:last + 1]:
            if how == "whole" or (how != "lost" and self.random.random() < .5):
                self.write(image, entry)
            elif how == "torn":
                self.tear(image, entry)
        os.close(image)
        return self.entries[last].end

    def tear(self, image, entry):
        """One part of it, in whole sectors."""
        cut = SECTOR * self.random.randint(0, entry.length // SECTOR)
        if self.random.random() < .5:
            self.write(image, entry, 0, cut)
        else:
            self.write(image, entry, cut)


@contextlib.contextmanager
def mounted(image, where):
    """The image's file system, recovered as after a loss of power."""
    os.makedirs(where, exist_ok=True)
    run("mount", "-t", "ext4", "-o", "loop", image, where)
    try:
        yield where
    finally:
        unmount(where)


if __name__ == "__main__":
    disk = Server(*sys.argv[1:])
    print("ready", flush=True)
    disk.serve()
