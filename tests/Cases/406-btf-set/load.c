/* Loads a BPF program of COUNT instructions that does nothing and prints 0, or the number of the error. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static struct bpf_insn code[64];
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };
	int i, count = argc > 1 ? atoi(argv[1]) : 2;

	for (i = 0; i < count - 1; i++)
		code[i] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
	code[i] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	attr.insn_cnt = count;
	attr.insns = (unsigned long)code;
	attr.license = (unsigned long)"GPL";
	printf("%d\n", syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof attr) < 0 ? errno : 0);
	return 0;
}
