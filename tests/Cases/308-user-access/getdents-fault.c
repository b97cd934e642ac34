/* Lists a directory into memory that cannot be written, and into a buffer that ends at such memory; exits 0 if the
   first gives EFAULT and the second gives EFAULT or a part of the list. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = open(argc > 1 ? argv[1] : "/", O_RDONLY | O_DIRECTORY);
	char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long got;

	if (fd < 0 || at == MAP_FAILED || mprotect(at + 4096, 4096, PROT_NONE))
		return 2;
	if (syscall(SYS_getdents64, fd, at + 4096, 4096) != -1 || errno != EFAULT)
		return 1;
	lseek(fd, 0, SEEK_SET);
	got = syscall(SYS_getdents64, fd, at + 4096 - 48, 4096);
	return got > 48 || (got == -1 && errno != EFAULT);
}
