/* fcntl(F_SETOWN) of a pipe to the process it is given; exits 0 if the kernel took and kept it. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int ends[2], who = argc > 1 ? atoi(argv[1]) : 0;

	return pipe(ends) || fcntl(ends[0], F_SETOWN, who) || fcntl(ends[0], F_GETOWN) != who;
}
