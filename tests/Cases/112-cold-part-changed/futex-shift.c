/* FUTEX_WAKE_OP with a shift of 33, which the kernel reports and takes as a shift of 1: exits 0 if 2 was added. */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	unsigned one = 0, two = 40;
	unsigned op = FUTEX_OP((FUTEX_OP_ADD | FUTEX_OP_OPARG_SHIFT), 33, FUTEX_OP_CMP_EQ, 0);

	if (syscall(SYS_futex, &one, FUTEX_WAKE_OP_PRIVATE, 1, 1L, &two, op) < 0)
		return 1;
	return two == 42 ? 0 : 2;
}
