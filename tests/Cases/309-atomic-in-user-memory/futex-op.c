/* FUTEX_WAKE_OP with operand 1 shifted by 9 on a word that holds 0; prints the word. With "bad", exits 0 if a word that
   cannot be written gives EFAULT. */
#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "add";
	unsigned one = 0, two = 0, *at = &two;
	unsigned kind = !strcmp(how, "or") ? FUTEX_OP_OR : !strcmp(how, "xor") ? FUTEX_OP_XOR : FUTEX_OP_ADD;
	unsigned op = FUTEX_OP((kind | FUTEX_OP_OPARG_SHIFT), 9, FUTEX_OP_CMP_EQ, 0);
	long got;

	if (!strcmp(how, "bad"))
		at = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	got = syscall(SYS_futex, &one, FUTEX_WAKE_OP_PRIVATE, 1, 1L, at, op);
	if (at != &two)
		return !(got == -1 && errno == EFAULT);
	if (got < 0)
		return 1;
	printf("%u\n", two);
	return 0;
}
