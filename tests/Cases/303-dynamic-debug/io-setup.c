/* io_setup(2) with a bad address, with no events or as it should be; exits with errno, or 0. */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long context = 0;
	const char *how = argc > 1 ? argv[1] : "good";
	void *at = strcmp(how, "bad") ? (void *)&context : (void *)16;

	return syscall(SYS_io_setup, strcmp(how, "none") ? 4 : 0, at) ? errno : 0;
}
