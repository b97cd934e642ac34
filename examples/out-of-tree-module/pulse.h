/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PULSE_H
#define PULSE_H

#define PULSE_VALUES 4

/* The last values, oldest first once all places are taken. */
struct pulse_history {
	unsigned int count;
	unsigned long values[PULSE_VALUES];
};

static inline unsigned int pulse_kept(const struct pulse_history *history)
{
	return history->count < PULSE_VALUES ? history->count : PULSE_VALUES;
}

void pulse_add(struct pulse_history *history, unsigned long value);
unsigned long pulse_mean(const struct pulse_history *history);

#endif
