// SPDX-License-Identifier: GPL-2.0
/* /proc/pulse: takes numbers and shows how many there were and the mean of the last four; 0 starts anew. */
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include "pulse.h"

static DEFINE_MUTEX(pulse_lock);
static struct pulse_history pulse_history;

static int pulse_show(struct seq_file *m, void *v)
{
	mutex_lock(&pulse_lock);
	seq_printf(m, "count %u\n", pulse_history.count);
	seq_printf(m, "kept %u\n", pulse_kept(&pulse_history));
	seq_printf(m, "mean %lu\n", pulse_mean(&pulse_history));
	mutex_unlock(&pulse_lock);
	return 0;
}

static int pulse_open(struct inode *inode, struct file *file)
{
	return single_open(file, pulse_show, NULL);
}

static ssize_t pulse_write(struct file *file, const char __user *text, size_t length, loff_t *position)
{
	unsigned long value;
	int error = kstrtoul_from_user(text, length, 0, &value);

	if (error)
		return error;

	mutex_lock(&pulse_lock);
	if (value)
		pulse_add(&pulse_history, value);
	else
		pulse_history = (struct pulse_history){};
	mutex_unlock(&pulse_lock);
	return length;
}

static const struct proc_ops pulse_operations = {
	.proc_open = pulse_open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = pulse_write,
};

static int __init pulse_init(void)
{
	return proc_create("pulse", 0600, NULL, &pulse_operations) ? 0 : -ENOMEM;
}

static void __exit pulse_exit(void)
{
	remove_proc_entry("pulse", NULL);
}

module_init(pulse_init);
module_exit(pulse_exit);
MODULE_DESCRIPTION("The mean of the last numbers that were written");
MODULE_LICENSE("GPL");
