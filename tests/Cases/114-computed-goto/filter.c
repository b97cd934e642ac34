/*
 * Sends itself a packet of LENGTH bytes through a socket filter that ends with RESULT after it has gone through additions, jumps and
 * loads, and prints how much of the packet came through: what the filter said, or nothing.
 */
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	unsigned length = argc > 2 ? atoi(argv[1]) : 100, result = argc > 2 ? atoi(argv[2]) : 50;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 3),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),
		BPF_STMT(BPF_ST, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'x', 0, 5),
		BPF_STMT(BPF_LDX | BPF_MEM, 0),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, length, 0, 2),
		BPF_STMT(BPF_LD | BPF_IMM, result),
		BPF_STMT(BPF_RET | BPF_A, 0),
		BPF_STMT(BPF_RET | BPF_K, 1),
	};
	struct sock_fprog filter = { sizeof code / sizeof *code, code };
	static char packet[1000], got[1000];
	int s[2], n;

	packet[0] = 'x';
	if (length > sizeof packet || socketpair(AF_UNIX, SOCK_DGRAM, 0, s) || setsockopt(s[1], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter))
		return 1;
	send(s[0], packet, length, MSG_DONTWAIT);
	n = recv(s[1], got, sizeof got, MSG_DONTWAIT);
	printf("%d\n", n < 0 ? 0 : n);
	return 0;
}
