/* Prints the interval that timerfd_gettime(2) gives for a timer set to 7.5 s. */
#include <stdio.h>
#include <sys/timerfd.h>

int main(void)
{
	struct itimerspec set = { { 7, 500000000 }, { 7, 500000000 } }, got;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	if (fd < 0 || timerfd_settime(fd, 0, &set, NULL) || timerfd_gettime(fd, &got))
		return 1;
	printf("%ld.%09ld\n", (long)got.it_interval.tv_sec, got.it_interval.tv_nsec);
	return 0;
}
