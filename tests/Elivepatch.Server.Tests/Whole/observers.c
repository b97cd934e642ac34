/*
 * What watches a kernel on many machines: a BPF program at the entry of each function named (fentry), as tracing tools and agents have
 * them, and perf, which counts every call of a function. Says "watching" when all of it is there, and stays.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static char *read_file(const char *path, size_t *size)
{
	char *bytes = malloc(64 << 20);
	int file = open(path, O_RDONLY);
	ssize_t count;

	*size = 0;
	if (file < 0)
		fail(path);
	while ((count = read(file, bytes + *size, (64 << 20) - *size)) > 0)
		*size += count;
	close(file);
	return bytes;
}

/* Documentation/bpf/btf.rst of the kernel source: what follows a type of each kind. */
static size_t trailing_bytes(unsigned int kind, unsigned int count)
{
	switch (kind) {
	case 1: case 14: case 17: /* INT, VAR, DECL_TAG */
		return 4;
	case 3: /* ARRAY */
		return 12;
	case 4: case 5: case 15: case 19: /* STRUCT, UNION, DATASEC, ENUM64 */
		return 12 * count;
	case 6: case 13: /* ENUM, FUNC_PROTO */
		return 8 * count;
	default:
		return 0;
	}
}

static unsigned int function_id(const char *btf, const char *name)
{
	const unsigned int *header = (const void *)btf;
	const char *types = btf + header[1] + header[2], *end = types + header[3], *strings = btf + header[1] + header[4];
	unsigned int id = 1;

	while (types < end) {
		const unsigned int *type = (const void *)types;
		unsigned int kind = type[1] >> 24 & 0x1f;

		if (kind == 12 && strcmp(strings + type[0], name) == 0)
			return id;
		types += 12 + trailing_bytes(kind, type[1] & 0xffff);
		id++;
	}
	fprintf(stderr, "BTF has no function %s\n", name);
	exit(1);
}

static void watch_entry(const char *btf, const char *name)
{
	struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.expected_attach_type = BPF_TRACE_FENTRY,
		.attach_btf_id = function_id(btf, name),
		.insns = (unsigned long)program,
		.insn_cnt = 2,
		.license = (unsigned long)"GPL",
	};
	union bpf_attr attach = { .raw_tracepoint = { .prog_fd = syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load)) } };

	if ((int)attach.raw_tracepoint.prog_fd < 0)
		fail("BPF_PROG_LOAD");
	if (syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attach, sizeof(attach)) < 0)
		fail("BPF_RAW_TRACEPOINT_OPEN");
}

static void count_calls(void)
{
	size_t size;
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attributes),
		.config = atoi(read_file("/sys/kernel/tracing/events/ftrace/function/id", &size)),
	};
	int event = syscall(SYS_perf_event_open, &attributes, -1, 0, -1, 0);

	if (event < 0)
		fail("perf_event_open");
	/* Every function would take the emulator its time; these are among those that are live patched. */
	if (syscall(SYS_ioctl, event, PERF_EVENT_IOC_SET_FILTER, "ip == loadavg_proc_show || ip == meminfo_proc_show") < 0)
		fail("PERF_EVENT_IOC_SET_FILTER");
}

int main(int count, char **names)
{
	size_t size;
	char *btf = read_file("/sys/kernel/btf/vmlinux", &size);

	for (int i = 1; i < count; i++)
		watch_entry(btf, names[i]);
	count_calls();
	puts("watching");
	fflush(stdout);
	pause();
}
