// Prints how many packets hardware has dropped, as the module drop_monitor says it.

#include <linux/genetlink.h>
#include <linux/net_dropmon.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	char attributes[8192];
} message;

static int netlink;

static struct nlattr *find(struct nlattr *from, char *end, int type)
{
	while ((char *)from + NLA_HDRLEN <= end && from->nla_len >= NLA_HDRLEN) {
		if ((from->nla_type & NLA_TYPE_MASK) == type)
			return from;
		from = (void *)((char *)from + NLA_ALIGN(from->nla_len));
	}
	return NULL;
}

static struct nlattr *ask(int family, int command, const char *name, int answer)
{
	struct nlattr *attribute = (void *)message.attributes;
	int length;

	memset(&message, 0, sizeof(message));
	message.header.nlmsg_type = family;
	message.header.nlmsg_flags = NLM_F_REQUEST;
	message.generic.cmd = command;
	message.generic.version = 2;
	message.header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	if (name) {
		attribute->nla_type = CTRL_ATTR_FAMILY_NAME;
		attribute->nla_len = NLA_HDRLEN + strlen(name) + 1;
		strcpy((char *)attribute + NLA_HDRLEN, name);
		message.header.nlmsg_len += NLA_ALIGN(attribute->nla_len);
	}
	if (send(netlink, &message, message.header.nlmsg_len, 0) < 0)
		return NULL;
	length = recv(netlink, &message, sizeof(message), 0);
	if (length < NLMSG_HDRLEN || message.header.nlmsg_type == NLMSG_ERROR)
		return NULL;
	return find((void *)message.attributes, (char *)&message + length, answer);
}

int main(void)
{
	struct nlattr *found;
	uint64_t dropped;

	netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	found = ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, "NET_DM", CTRL_ATTR_FAMILY_ID);
	if (!found)
		return 1;
	found = ask(*(uint16_t *)((char *)found + NLA_HDRLEN), NET_DM_CMD_STATS_GET, NULL, NET_DM_ATTR_HW_STATS);
	if (!found)
		return 2;
	found = find((void *)((char *)found + NLA_HDRLEN), (char *)found + found->nla_len, NET_DM_ATTR_STATS_DROPPED);
	if (!found)
		return 3;
	memcpy(&dropped, (char *)found + NLA_HDRLEN, sizeof(dropped));
	printf("%llu\n", (unsigned long long)dropped);
	return 0;
}
