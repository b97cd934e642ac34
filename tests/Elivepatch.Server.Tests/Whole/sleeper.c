/*
 * Stays in the kernel's kernel_clone(), where no signal of the kernel's own moves it: a parent that waits for the child of vfork(2). A
 * transition to a livepatch of that function cannot end before the child, which is told so by SIGTERM, does.
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	if (vfork() == 0) {
		dprintf(1, "%d\n", getpid());
		pause();
		_exit(0);
	}
	return 0;
}
