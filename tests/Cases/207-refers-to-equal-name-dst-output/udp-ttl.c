/* Sends itself a packet over loopback with the time to live it is given and prints the one it came with. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

int main(int argc, char **argv)
{
	int ttl = argc > 1 ? atoi(argv[1]) : 64, on = 1;
	struct timeval limit = { 5, 0 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t len = sizeof to;
	char text[4], control[64];
	struct iovec part = { text, sizeof text };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *c;
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (s < 0 || bind(s, (void *)&to, sizeof to) || getsockname(s, (void *)&to, &len))
		return 1;
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(s, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
	setsockopt(s, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
	if (connect(s, (void *)&to, sizeof to) || send(s, "ttl", 3, 0) != 3 || recvmsg(s, &m, 0) != 3)
		return 1;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
			memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
			printf("%d\n", ttl);
			return 0;
		}
	return 1;
}
