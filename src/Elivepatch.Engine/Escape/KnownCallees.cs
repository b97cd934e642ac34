namespace Elivepatch.Engine.Escape;

/// <summary>
/// Functions of the kernel of which is known what they do with an address. What is not here may keep all that it is given. A
/// function is here only where its source shows that nothing of an argument is left in memory, whatever the other arguments are.
/// </summary>
internal static class KnownCallees
{
    // Keep nothing of what they are given and return none of it. Each line: the file that shows it, and the functions.
    private static readonly HashSet<string> keepNothing = Names([
        // Messages: the text is formatted into the log's buffer before they return.
        (
            "kernel/printk/printk.c",
            "printk _printk vprintk vprintk_emit vprintk_default vprintk_deferred printk_deferred _printk_deferred "
                + "__printk_ratelimit printk_timed_ratelimit"
        ),
        ("kernel/panic.c", "__warn_printk warn_slowpath_fmt panic nmi_panic add_taint __stack_chk_fail"),
        ("lib/dynamic_debug.c", "__dynamic_pr_debug __dynamic_dev_dbg __dynamic_netdev_dbg __dynamic_ibdev_dbg"),
        (
            "drivers/base/core.c",
            "dev_printk_emit dev_vprintk_emit _dev_printk _dev_emerg _dev_alert _dev_crit _dev_err _dev_warn _dev_notice "
                + "_dev_info dev_err_probe"
        ),
        (
            "net/core/dev.c",
            "netdev_printk netdev_emerg netdev_alert netdev_crit netdev_err netdev_warn netdev_notice netdev_info"
        ),
        (
            "drivers/infiniband/core/device.c",
            "ibdev_printk ibdev_emerg ibdev_alert ibdev_crit ibdev_err ibdev_warn ibdev_notice ibdev_info"
        ),
        ("drivers/gpu/drm/drm_print.c", "drm_dev_printk __drm_dev_dbg __drm_err"),
        ("drivers/scsi/scsi_logging.c", "sdev_prefix_printk scmd_printk"),
        ("net/bluetooth/lib.c", "bt_info bt_warn bt_err bt_warn_ratelimited bt_err_ratelimited"),
        ("fs/xfs/xfs_message.c", "xfs_printk_level"),
        ("fs/ext4/super.c", "__ext4_msg __ext4_warning __ext4_warning_inode"), // __ext4_error() keeps the function's name
        ("fs/btrfs/messages.c", "_btrfs_printk"),
        ("fs/f2fs/super.c", "f2fs_printk"),
        ("fs/fat/misc.c", "_fat_msg"),
        ("fs/crypto/crypto.c", "fscrypt_msg"),
        ("fs/quota/dquot.c", "__quota_error"),
        ("fs/coredump.c", "cn_printf cn_vprintf cn_esc_printf"),
        ("drivers/acpi/utils.c", "acpi_handle_printk acpi_evaluation_failure_warn"),
        ("mm/page_alloc.c", "warn_alloc"),
        ("kernel/time/timer_list.c", "SEQ_printf"),
        ("fs/proc/array.c", "render_sigset_t render_cap_t"),
        ("kernel/workqueue.c", "set_worker_desc"),
        ("kernel/trace/blktrace.c", "__blk_trace_note_message"),
        (
            "kernel/bpf/btf.c",
            "__btf_verifier_log btf_verifier_log __btf_verifier_log_type btf_verifier_log_member btf_verifier_log_vsi"
        ),
        ("net/netfilter/nf_log.c", "nf_log_packet nf_log_buf_add"),
        ("net/netfilter/nf_conntrack_proto.c", "nf_l4proto_log_invalid nf_ct_l4proto_log_invalid"),
        ("security/integrity/integrity_audit.c", "integrity_audit_msg integrity_audit_message"),
        ("fs/fs_context.c", "logfc"), // kasprintf()
        ("kernel/bpf/log.c", "bpf_log bpf_verifier_log_write bpf_verifier_vlog"),
        ("kernel/bpf/verifier.c", "verbose"), // bpf_verifier_vlog()
        ("arch/*/kernel/alternative.c", "text_poke_copy"), // bytes alone
        ("lib/ratelimit.c", "___ratelimit"), // counts in the state that it is given, under its lock
        ("lib/dump_stack.c", "dump_stack_set_arch_desc dump_stack_lvl dump_stack"),
        ("mm/debug.c", "dump_page"),
        ("lib/hexdump.c", "print_hex_dump hex_dump_to_buffer hex2bin"),
        ("kernel/sched/core.c", "__might_sleep __might_resched"),
        ("mm/memory.c", "__might_fault"),
        ("kernel/locking/lockdep.c", "lockdep_rcu_suspicious"),
        ("lib/refcount.c", "refcount_warn_saturate"),
        (
            "lib/list_debug.c",
            "__list_add_valid_or_report __list_del_entry_valid_or_report __list_add_valid __list_del_entry_valid"
        ),
        (
            "lib/string_helpers.c",
            "__fortify_report __fortify_panic fortify_panic string_get_size string_unescape string_escape_mem"
        ),
        (
            "lib/ubsan.c",
            "__ubsan_handle_out_of_bounds __ubsan_handle_shift_out_of_bounds __ubsan_handle_load_invalid_value "
                + "__ubsan_handle_builtin_unreachable __ubsan_handle_type_mismatch __ubsan_handle_type_mismatch_v1 __ubsan_handle_divrem_overflow"
        ),
        ("kernel/trace/trace.c", "__trace_puts __trace_array_puts"),
        ("kernel/trace/trace_printk.c", "__trace_printk __ftrace_vprintk"), // __trace_bprintk() keeps its format
        // Text into a buffer.
        (
            "fs/seq_file.c",
            "seq_printf seq_vprintf seq_bprintf seq_puts __seq_puts seq_putc seq_write seq_pad seq_put_decimal_ull "
                + "seq_put_decimal_ull_width seq_put_decimal_ll seq_put_hex_ll seq_escape seq_escape_mem seq_escape_str seq_path seq_file_path "
                + "seq_path_root seq_dentry seq_hex_dump"
        ),
        ("lib/vsprintf.c", "snprintf vsnprintf scnprintf vscnprintf sprintf vsprintf sscanf vsscanf"),
        ("lib/kasprintf.c", "kasprintf kvasprintf kvasprintf_const"), // the last one keeps text of vmlinux alone
        ("drivers/base/devres.c", "devm_kasprintf devm_kvasprintf devm_kstrdup devm_kstrdup_const"),
        ("fs/sysfs/file.c", "sysfs_emit sysfs_emit_at sysfs_notify"),
        ("lib/seq_buf.c", "seq_buf_printf seq_buf_vprintf seq_buf_puts seq_buf_putc seq_buf_putmem"),
        ("kernel/trace/trace_seq.c", "trace_seq_printf trace_seq_vprintf trace_seq_puts trace_seq_putc trace_seq_putmem"),
        (
            "kernel/audit.c",
            "audit_log audit_log_format audit_log_n_hex audit_log_n_string audit_log_n_untrustedstring audit_log_untrustedstring "
                + "audit_log_d_path audit_log_key audit_log_path_denied"
        ),
        ("kernel/module/main.c", "try_to_force_load"),
        ("lib/kobject_uevent.c", "kobject_uevent kobject_uevent_env add_uevent_var"),
        // Text compared, measured, copied and read.
        (
            "lib/string.c",
            "strcmp strncmp strcasecmp strncasecmp strlen strnlen strspn strcspn strlcpy strlcat strscpy sized_strscpy memcmp bcmp"
        ),
        ("lib/string_helpers.c", "strscpy_pad memcpy_and_pad sysfs_streq match_string __sysfs_match_string"),
        ("mm/util.c", "kstrdup kstrndup kstrdup_const"), // the last one keeps text of vmlinux alone
        ("lib/glob.c", "glob_match"),
        (
            "lib/kstrtox.c",
            "kstrtoull kstrtoll _kstrtoul _kstrtol kstrtouint kstrtoint kstrtou16 kstrtos16 kstrtou8 kstrtos8 kstrtobool "
                + "kstrtobool_from_user kstrtoull_from_user kstrtoll_from_user kstrtoul_from_user kstrtol_from_user kstrtouint_from_user "
                + "kstrtoint_from_user"
        ),
        ("lib/nlattr.c", "nla_strcmp nla_memcmp nla_strscpy nla_memcpy"),
        // Bytes from or to a process.
        ("lib/usercopy.c", "_copy_to_user _copy_from_user"),
        ("mm/usercopy.c", "__check_object_size usercopy_abort"),
        ("fs/libfs.c", "simple_read_from_buffer"),
        ("lib/strncpy_from_user.c", "strncpy_from_user"),
        // Names that are looked up: compared, or copied by getname_kernel() and __request_module().
        ("kernel/kallsyms.c", "kallsyms_lookup_name"),
        ("fs/open.c", "filp_open"),
        ("fs/namei.c", "kern_path"),
        ("fs/filesystems.c", "get_fs_type __get_fs_type"),
        ("kernel/module/kmod.c", "__request_module"),
        ("fs/proc/generic.c", "remove_proc_entry remove_proc_subtree"),
        ("kernel/bpf/btf.c", "btf_type_by_id btf_name_by_offset"),
        ("drivers/of/base.c", "of_find_property of_get_property of_device_is_compatible of_machine_is_compatible"),
        // Names that are copied; of a constant of vmlinux alone the address is kept (kstrdup_const()).
        ("lib/kobject.c", "kobject_set_name kobject_set_name_vargs"),
        ("drivers/base/core.c", "dev_set_name"),
        // Names of locks. Without lockdep nobody looks at them. With it the class goes with the module
        // (lockdep_free_key_range()), and a lock whose key is no static object any more is reported before its name is read
        // (register_lock_class()).
        ("kernel/locking/mutex.c", "__mutex_init"),
        ("kernel/locking/rwsem.c", "__init_rwsem"),
        ("kernel/locking/spinlock_debug.c", "__raw_spin_lock_init __rwlock_init"),
        ("kernel/sched/wait.c", "__init_waitqueue_head"),
        ("kernel/sched/swait.c", "__init_swait_queue_head"),
        // Modules and livepatches. klp_enable_patch() holds a reference to the module while it has the lists.
        ("kernel/livepatch/core.c", "klp_enable_patch"),
        ("kernel/livepatch/shadow.c", "klp_shadow_get"),
        ("kernel/module/main.c", "__module_get try_module_get module_put"),
    ]);

    // Keep nothing, and may return an address inside of their first argument.
    private static readonly HashSet<string> returnFirst = Names([
        (
            "lib/string.c",
            "strcpy strncpy strcat strncat stpcpy strchr strchrnul strnchr strrchr strnchrnul strstr strnstr strpbrk memchr "
                + "memchr_inv memscan"
        ),
        ("lib/string_helpers.c", "strreplace skip_spaces strim"),
        ("lib/hexdump.c", "bin2hex"),
        ("lib/string.c", "memset __memset memcpy __memcpy memmove __memmove"), // assembly on most processors
    ]);

    // Copy the text of one argument, counted from 0, and may keep the others.
    private static readonly Dictionary<string, int> copiesText = Positions([
        (
            0,
            "fs/proc/generic.c",
            "proc_create proc_create_data proc_create_seq_private proc_create_single_data proc_mkdir proc_mkdir_mode "
                + "proc_mkdir_data proc_symlink"
        ), // __proc_create()
        (0, "mm/slab_common.c", "kmem_cache_create kmem_cache_create_usercopy __kmem_cache_create_args"), // kstrdup_const()
    ]);

    // Copy the bytes of one argument, counted from 0: what they hold is kept, they are not.
    private static readonly Dictionary<string, int> copiesBytes = Positions([
        (0, "mm/util.c", "kmemdup kmemdup_noprof kvmemdup kmemdup_nul kmemdup_array"),
        (3, "lib/nlattr.c", "nla_put nla_put_64bit"),
        (2, "lib/nlattr.c", "nla_put_nohdr nla_append"),
    ]);

    // memcpy() and its like store what the bytes at their second argument hold.
    private static readonly HashSet<string> copies = ["memcpy", "__memcpy", "memmove", "__memmove"];

    /// <summary>True where no argument outlives the call.</summary>
    public static bool RetainsNothing(string? name) =>
        name is not null && (keepNothing.Contains(name) || returnFirst.Contains(name));

    /// <summary>True where the call may return an address inside of its first argument.</summary>
    public static bool ReturnsFirstArgument(string? name) => name is not null && returnFirst.Contains(name);

    /// <summary>True where of a literal at this argument a copy is kept.</summary>
    public static bool CopiesString(string? name, int argument) =>
        name is not null && copiesText.TryGetValue(name, out var position) && position == argument;

    /// <summary>The argument whose bytes the call copies, and which it does not keep; null for other calls.</summary>
    public static int? CopiedArgument(string? name) =>
        name is not null && copiesBytes.TryGetValue(name, out var position) ? position : null;

    /// <summary>True where the call copies bytes from its second argument to its first.</summary>
    public static bool CopiesMemory(string? name) => name is not null && copies.Contains(name);

    /// <summary>True where the call takes its reference to a module (<c>include/linux/module.h</c>).</summary>
    public static bool TakesModuleReference(string? name) => name is "__module_get" or "try_module_get";

    /// <summary>True where the call gives back a reference to a module (<c>kernel/module/main.c</c>).</summary>
    public static bool DropsModuleReference(string? name) =>
        name is "module_put" or "__module_put_and_kthread_exit" or "__module_put_and_exit";

    private static HashSet<string> Names((string Source, string Names)[] groups) =>
        [.. groups.SelectMany(g => g.Names.Split(' '))];

    private static Dictionary<string, int> Positions((int Argument, string Source, string Names)[] groups) =>
        groups.SelectMany(g => g.Names.Split(' ').Select(n => (n, g.Argument))).ToDictionary(p => p.n, p => p.Argument);
}
