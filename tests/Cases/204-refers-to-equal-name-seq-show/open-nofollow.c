/* Opens the file it is given with O_NOFOLLOW; exits 0 if that works. */
#define _GNU_SOURCE
#include <fcntl.h>

int main(int argc, char **argv)
{
	return argc == 2 && open(argv[1], O_RDONLY | O_NOFOLLOW) >= 0 ? 0 : 1;
}
