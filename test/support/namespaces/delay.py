"""Passes packets from one TUN device to another after a time: a path with a delay, where the kernel has no netem."""
import fcntl, heapq, os, select, struct, sys, time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


delay = float(sys.argv[1]) / 1000
near, far = tun("delay0"), tun("delay1")
waiting, number = [], 0
poll = select.poll()
poll.register(near, select.POLLIN)
while True:
    rest = None if not waiting else max(0, (waiting[0][0] - time.monotonic()) * 1000)
    if poll.poll(rest):
        try:
            while True:
                packet = os.read(near, 65535)
                heapq.heappush(waiting, (time.monotonic() + delay, number, packet))
                number += 1
        except BlockingIOError:
            pass
    while waiting and waiting[0][0] <= time.monotonic():
        try:
            os.write(far, heapq.heappop(waiting)[2])
        except OSError:
            pass  # A packet that the kernel does not take is lost, as on any path.
