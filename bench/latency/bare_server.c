/* bench/latency/bare_server.c -- the least that a server can do: waits with epoll, reads what came, and sends something
 * back. What that costs is what the kernel takes, and the floor under every other server's number.
 *
 *   bare_server BYTES      of a request
 *
 * Prints its port, serves one client, ends when that goes. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    size_t request_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, got = 0;
    char bytes[1 << 16];
    int yes = 1, listener = socket(AF_INET6, SOCK_STREAM, 0), poller = epoll_create1(0);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    socklen_t size = sizeof(address);
    if (request_bytes == 0) return 1;
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        return 1;
    printf("%d\n", ntohs(address.sin6_port));
    fflush(stdout);
    int client = accept(listener, NULL, NULL);
    struct epoll_event event = {.events = EPOLLIN};
    if (client < 0 || setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) != 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, client, &event) != 0)
        return 1;
    for (;;) {
        if (epoll_wait(poller, &event, 1, -1) < 0) return 1;
        ssize_t n = recv(client, bytes, sizeof(bytes), 0);
        if (n <= 0) return n < 0;
        got += (size_t)n;
        if (got % request_bytes == 0 && send(client, bytes, (size_t)n, 0) != n) return 1;
    }
}
