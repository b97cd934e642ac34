/* Prints the nice value of this process, as getpriority(2) tells it. */
#include <stdio.h>
#include <sys/resource.h>

int main(void)
{
	printf("%d\n", getpriority(PRIO_PROCESS, 0));
	return 0;
}
