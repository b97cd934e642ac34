/* Prints what mincore(2) says of a page that was written and of one that was not. */
#include <stdio.h>
#include <sys/mman.h>

int main(void)
{
	unsigned char value[4096] = { 9, 9 };
	char *at = mmap(NULL, 16384 * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 1;
	madvise(at, 16384 * 1024, MADV_NOHUGEPAGE);
	at[0] = 1;
	if (mincore(at, 2 * 4096, value))
		return 1;
	printf("%d %d\n", value[0], value[1]);
	return 0;
}
