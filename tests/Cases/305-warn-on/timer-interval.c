/* Prints the interval that timer_gettime(2) gives for a timer set to 7.5 s. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct itimerspec set = { { 7, 500000000 }, { 7, 500000000 } }, got;
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &none, &timer) || timer_settime(timer, 0, &set, NULL) || timer_gettime(timer, &got))
		return 1;
	printf("%ld.%09ld\n", (long)got.it_interval.tv_sec, got.it_interval.tv_nsec);
	return 0;
}
