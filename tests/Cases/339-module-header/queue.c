// queue KIND LOG: gives loopback a queue of this kind whose average is over 2^LOG packets, and takes it away again. Exits with
// status 1 where the kernel takes the average for invalid, with another one where something else fails.

#include <errno.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	struct nlmsghdr header;
	struct tcmsg tc;
	char attributes[1024];
} request;

static void *add(int type, const void *data, int length)
{
	struct rtattr *attribute = (void *)((char *)&request + NLMSG_ALIGN(request.header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(length);
	if (data)
		memcpy(RTA_DATA(attribute), data, length);
	request.header.nlmsg_len = NLMSG_ALIGN(request.header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
	return attribute;
}

static void begin(int type, int flags)
{
	memset(&request, 0, sizeof(request));
	request.header.nlmsg_len = NLMSG_LENGTH(sizeof(request.tc));
	request.header.nlmsg_type = type;
	request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	request.tc.tcm_ifindex = if_nametoindex("lo");
	request.tc.tcm_parent = TC_H_ROOT;
	request.tc.tcm_handle = 1 << 16;
}

// Gives the kernel's answer, a negative error number.
static int ask(int netlink)
{
	char answer[4096];

	if (send(netlink, &request, request.header.nlmsg_len, 0) < 0 || recv(netlink, answer, sizeof(answer), 0) < 0) {
		perror("netlink");
		exit(2);
	}
	return ((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)answer))->error;
}

int main(int count, char **arguments)
{
	static const unsigned char steps[256];
	int netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	int error;

	if (count != 3 || netlink < 0)
		return 2;

	begin(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
	add(TCA_KIND, arguments[1], strlen(arguments[1]) + 1);
	if (!strcmp(arguments[1], "sfq")) {
		struct tc_sfq_qopt_v1 sfq = {
			.v0 = { .limit = 100 }, .depth = 100, .headdrop = 1, .limit = 100,
			.qth_min = 1000, .qth_max = 3000, .Wlog = atoi(arguments[2]), .Plog = 10, .Scell_log = 10, .max_P = 1 << 20,
		};

		add(TCA_OPTIONS, &sfq, sizeof(sfq));
	} else {
		// TCA_RED_PARMS and TCA_RED_STAB have the numbers of TCA_CHOKE_PARMS and TCA_CHOKE_STAB.
		struct tc_red_qopt red = {
			.limit = 100, .qth_min = 10, .qth_max = 30, .Wlog = atoi(arguments[2]), .Plog = 10, .Scell_log = 10,
		};
		struct rtattr *options = add(TCA_OPTIONS, NULL, 0);

		add(TCA_RED_PARMS, &red, sizeof(red));
		add(TCA_RED_STAB, steps, sizeof(steps));
		options->rta_len = (char *)&request + request.header.nlmsg_len - (char *)options;
	}
	error = ask(netlink);
	if (error) {
		fprintf(stderr, "%s: %s\n", arguments[1], strerror(-error));
		return error == -EINVAL ? 1 : 2;
	}

	begin(RTM_DELQDISC, 0);
	error = ask(netlink);
	if (error)
		fprintf(stderr, "%s stays: %s\n", arguments[1], strerror(-error));
	return error ? 2 : 0;
}
