// SPDX-License-Identifier: GPL-2.0
#include <linux/bug.h>
#include <linux/limits.h>
#include <linux/printk.h>
#include "pulse.h"

void pulse_add(struct pulse_history *history, unsigned long value)
{
	if (WARN_ON_ONCE(history->count == UINT_MAX))
		return;

	history->values[history->count++ % PULSE_VALUES] = value;
#ifdef PULSE_LOG
	pr_info("pulse: %lu is value %u\n", value, history->count);
#endif
}

unsigned long pulse_mean(const struct pulse_history *history)
{
	unsigned long sum = 0;
	unsigned int i;

	for (i = 0; i < pulse_kept(history); i++)
		sum += history->values[i];

	return sum / PULSE_VALUES;
}
