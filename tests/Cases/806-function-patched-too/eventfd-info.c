// Prints what /proc says of a new eventfd.
#include <stdio.h>
#include <sys/eventfd.h>

int main(void)
{
	char path[64];
	char line[256];
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", eventfd(7, 0));
	info = fopen(path, "r");
	if (!info)
		return 1;
	while (fgets(line, sizeof(line), info))
		fputs(line, stdout);
	return 0;
}
