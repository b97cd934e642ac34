using Elivepatch.Elf;
using Elivepatch.Elf.Tests;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Escape;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Model.Explanations;
using Xunit;

namespace Elivepatch.Engine.Tests.Escape;

public sealed class FindEscapesTests
{
    private const string Kernel = """
        typedef unsigned long size_t;
        struct thing { const char *name; void (*call)(struct thing *); long count; struct thing *next; };
        struct ops { int (*open)(int); const char *name; };
        extern int printk(const char *, ...), _printk(const char *, ...);
        extern void keep(const void *);
        extern const void *give(const void *);
        extern void timer_setup(struct thing *, void (*)(struct thing *), unsigned);
        extern void call_rcu(void *, void (*)(struct thing *));
        extern void seven(long, long, long, long, long, long, const void *, const void *);
        extern int ___ratelimit(void *, const char *);
        extern void *memcpy(void *, const void *, size_t);
        extern void *kmemdup(const void *, size_t, unsigned);
        extern void schedule(void);
        extern void seq_printf(void *, const char *, ...), seq_puts(void *, const char *), *seq_open(void *, const void *);
        extern int snprintf(char *, size_t, const char *, ...), strcmp(const char *, const char *);
        extern char *strchr(const char *, int), *skip_spaces(const char *);
        extern unsigned long _copy_to_user(void *, const void *, size_t);
        extern void *proc_create(const char *, int, void *, const void *);
        extern int nla_put(void *, int, int, const void *);
        extern void *request_region(long, const char *);
        extern void *klp_shadow_alloc(void *, long, size_t, int, int (*)(void *, void *, void *), void *);
        extern void klp_shadow_free(void *, long, void (*)(void *, void *));
        extern int kernel_open(int);
        extern char kernel_name[];
        extern struct thing *list;
        extern const char *global_name;
        #define noinline __attribute__((noinline))

        """;

    [Theory]
    [InlineData("passed", """int f(int a) { return printk("text %d", a); }""")]
    [InlineData("compared", """int f(const char *a) { return a == global_name; }""")]
    [InlineData("passed, one of two", """int f(int a) { return printk("value %s", a ? "yes" : "no") + a; }""")]
    [InlineData("passed in a loop", """int f(int a) { int n = 0; while (a--) n += printk(a & 1 ? "odd" : "even"); return n; }""")]
    [InlineData(
        "the eighth argument",
        """int f(char *b, int a) { return snprintf(b, 9, "%d %d %d %s %s", a, 2, 3, "seventh", "eighth"); }"""
    )]
    [InlineData(
        "into a sequence",
        """void f(void *m, int a) { seq_printf(m, "%d %s", a, a ? "yes" : "no"); seq_puts(m, "end"); }"""
    )]
    [InlineData(
        "printed by a warning",
        """
            extern void warn(void *, ...) asm("__SCT__WARN_trap");
            void f(int a) {
                void *bug;
                asm volatile("lea (2f)(%%rip), %0\n1:\n.pushsection __bug_table,\"aw\"\n2: .long 1b - ., %c1 - ., 0, 0\n.popsection"
                    : "=r"(bug) : "i"("format"));
                warn(bug, a ? "yes" : "no");
            }
            """
    )]
    [InlineData("compared by a function", """int f(const char *a) { return strcmp(a, "text"); }""")]
    [InlineData(
        "to a process",
        """
            static const struct thing proto = { .name = "proto", .count = 4 };
            long f(void *u) { return _copy_to_user(u, &proto, sizeof(proto)); }
            """
    )]
    [InlineData(
        "found in text of the kernel's",
        """void f(struct thing *t) { printk("x"); t->name = strchr(t->name, 'x'); t->next->name = skip_spaces(t->name); }"""
    )]
    [InlineData("a name that is copied", """void f(void *ops) { proc_create("name", 0444, 0, ops); }""")]
    [InlineData("bytes that are copied", """void f(void *m) { nla_put(m, 3, 6, "bytes"); }""")]
    [InlineData(
        "a second word of a result that nobody reads",
        """
            struct pair { long a; const char *b; };
            static noinline struct pair g(int a) { schedule(); return (struct pair) { a, "second" }; }
            long f(int a) { long n = g(a).a; printk("x"); return n; }
            """
    )]
    [InlineData(
        "a structure that a new function reads",
        """
            static noinline long g(struct thing *t) { printk("%s", t->name); return t->count; }
            long f(long a) { struct thing t = { .name = "here", .count = a }; return g(&t) + a; }
            """
    )]
    [InlineData(
        "an object of the livepatch for a constructor",
        """
            static int made(void *obj, void *shadow, void *data) { *(long *)shadow = *(long *)data; return 0; }
            void f(struct thing *t) { long n = t->count; klp_shadow_alloc(t, 3, 8, 0, made, &n); }
            """
    )]
    [InlineData(
        "a table of literals",
        """
            static const char *const names[] = { "zero", "one", "two" };
            void f(int a) { printk(names[a]); }
            """
    )]
    [InlineData(
        "only read",
        """
            static const int table[] = { 5, 7, 11, 13 };
            int f(int a) { return table[a & 3]; }
            """
    )]
    [InlineData(
        "data only read and written",
        """
            static long calls; static struct thing own;
            void f(struct thing *t) { calls++; own.count += t->count; t->count = calls; asm volatile("lock incq %0" : "+m" (calls)); }
            """
    )]
    [InlineData(
        "what an address replaced",
        """void f(struct thing *t) { const char *n = "x"; printk(n); n = t->next->name; keep(n); t->name = n; }"""
    )]
    [InlineData(
        "the state of a rate limit",
        """
            static struct thing _rs;
            int f(void) { return ___ratelimit(&_rs, __func__) ? printk("often") : 0; }
            """
    )]
    [InlineData(
        "data in a new function of its own",
        """
            static struct thing own;
            static noinline void add(struct thing *t, long n) { t->count += n; t->next->count = n; }
            void f(long a) { add(&own, a); add(&own, a + 1); asm volatile("" ::: "memory"); }
            """
    )]
    [InlineData(
        "a call of a new function",
        """
            static noinline int g(int a) { schedule(); return a * 3; }
            int f(int a) { return g(a) + 1; }
            """
    )]
    [InlineData("a tail call of the kernel's", "void f(void) { printk(\"going\"); schedule(); }")]
    [InlineData(
        "an address that ends as a number",
        """void f(struct thing *t) { const char *s = "abcdef"; t->count = s[t->count]; }"""
    )]
    [InlineData(
        "an address of a place in the function",
        """void f(void) { here: keep(&&here); asm volatile("" :: "r"(&&here)); }"""
    )]
    [InlineData(
        "a message of functions and variables",
        """
            static struct thing own;
            static void named(struct thing *t) { t->count++; }
            void f(struct thing *t) { _printk("%ps %p", named, &own); named(&own); named(t); }
            """
    )]
    [InlineData(
        "a register that a message leaves to nobody",
        """
            long f(struct thing *t) {
                if (t->count) _printk("message");
                register long same asm("rdi");
                asm volatile("" : "=r"(same));
                return same;
            }
            """
    )]
    [InlineData(
        "an address in a register that a call overwrites",
        """long f(struct thing *t) { t->count = printk("one"); return t->count; }"""
    )]
    public void Without_a_kept_address_the_module_can_go(string why, string source) =>
        Assert.True(Find(source).Escapes.Count == 0, why + ": " + Show(source));

    [Theory]
    [InlineData("\"new\" Stored", """void f(struct thing *t) { t->name = "new"; }""")]
    [InlineData("\"new\" Stored", """void f(void) { global_name = "new"; }""")]
    [InlineData("\"no\" Stored, \"yes\" Stored", """int f(struct thing *t, int a) { t->name = a ? "yes" : "no"; return 0; }""")]
    [InlineData(
        "\"late\" Stored",
        """
            void f(struct thing *t, int a) {
                const char *n = t->name;
                if (a > 3) n = "late";
                while (a--) { printk("%s", n); schedule(); }
                t->next->name = n;
            }
            """
    )]
    [InlineData(
        "\"spilled\" Stored",
        """
            int f(struct thing *t, long a, long b, long c, long d, long e) {
                const char *n = a ? "spilled" : t->name; long g = t->count;
                asm volatile("" : "+r"(n));
                asm volatile("" ::: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15");
                printk("%ld %ld %ld %ld %ld", a, b, c, d, e + g);
                t->name = n;
                return 0;
            }
            """
    )]
    [InlineData(
        "\"one\" Stored, \"two\" Stored, \"zero\" Stored",
        """
            static const char *const names[] = { "zero", "one", "two" };
            int f(struct thing *t, int a) { t->name = names[a]; return 0; }
            """
    )]
    [InlineData(
        "\"made\" Stored",
        """void f(struct thing *t) { struct thing made = { .name = "made" }; asm volatile("" : "+m"(made)); *t = made; }"""
    )]
    [InlineData(
        "\"copied\" Stored",
        """
            static const struct thing proto = { .name = "copied", .count = 4 };
            void f(struct thing *t) { memcpy(t, &proto, 4000); }
            """
    )]
    [InlineData(
        "\"doubled\" Stored",
        """
            static const struct thing proto = { .name = "doubled", .count = 4 };
            void *f(void) { return kmemdup(&proto, sizeof(proto), 0); }
            """
    )]
    [InlineData(
        "\"strings\" Stored",
        """
            static const struct thing proto[9] = { { .name = "strings" } };
            void f(struct thing *t) { const void *s = proto; void *d = t; long n = sizeof(proto); asm volatile("rep movsb" : "+S"(s), "+D"(d), "+c"(n) :: "memory"); }
            """
    )]
    [InlineData(
        "\"swapped\" Stored",
        """int f(struct thing *t) { const char *n = "swapped"; asm volatile("xchg %0, %1" : "+r"(n), "+m"(t->name)); return 0; }"""
    )]
    [InlineData(
        "\"exchanged\" Stored",
        """int f(struct thing *t) { return __sync_bool_compare_and_swap(&t->name, 0, "exchanged"); }"""
    )]
    [InlineData("\"offset\" Stored", """void f(struct thing *t, int a) { t->name = &"offset"[a & 3]; }""")]
    [InlineData(
        "\"percpu\" Stored",
        """int f(long o) { const char *n = "percpu"; asm volatile("movq %0, %%gs:(%1)" :: "r"(n), "r"(o) : "memory"); return 0; }"""
    )]
    [InlineData("\"given\" Returned", """const char *f(int a) { return "given"; }""")]
    [InlineData(
        "\"given\" Returned",
        """
            static noinline const char *g(int a) { schedule(); return a ? "given" : 0; }
            const char *f(int a) { const char *n = g(a); printk("%s", n); return n; }
            """
    )]
    [InlineData(
        "\"helped\" Stored",
        """
            static noinline int set(struct thing *t, const char *name) { printk("%s", name); t->name = name; return 3; }
            int f(struct thing *t) { return set(t, "helped") + set(t->next, "helped"); }
            """
    )]
    [InlineData(
        "\"second\" Stored",
        """
            static const char *own;
            int f(struct thing *t, int a) { if (a) own = "second"; else t->name = own; return 0; }
            """
    )]
    [InlineData("\"region\" Passed", """void f(void) { request_region(0x70, "region"); }""")]
    [InlineData("\"eighth\" Passed, \"seventh\" Passed", """void f(int a) { seven(a, 2, 3, 4, 5, 6, "seventh", "eighth"); }""")]
    [InlineData("\"here\" Passed", """void f(void) { struct thing t = { .name = "here", .count = 7 }; keep(&t); }""")]
    [InlineData(
        "table Passed",
        """
            static const int table[] = { 5, 7, 11, 13 };
            void f(void) { keep(table); }
            """
    )]
    [InlineData(
        "ops Passed",
        """
            static const struct ops ops = { .open = kernel_open, .name = kernel_name };
            void f(struct thing *t) { seq_open(t, &ops); }
            """
    )]
    [InlineData(
        "ops Passed",
        """
            static const struct ops ops = { .open = kernel_open };
            void f(struct thing *t) { proc_create("name", 0444, 0, &ops); }
            """
    )]
    [InlineData(
        "\"held\" Stored",
        """
            static const struct thing proto = { .name = "held", .count = 4 };
            void f(void *m) { nla_put(m, 3, sizeof(proto), &proto); }
            """
    )]
    [InlineData("\"found\" Stored", """int f(struct thing *t) { t->name = skip_spaces("found"); return 0; }""")]
    [InlineData("\"found\" Returned", """const char *f(int a) { return strchr("found", a); }""")]
    [InlineData(
        "\"helper\" Stored",
        """
            static noinline void g(struct thing *to, const struct thing *t) { to->name = t->name; to->count = t->count; }
            void f(struct thing *to, long a) { struct thing t = { .name = "helper", .count = a }; g(to, &t); to->count++; }
            """
    )]
    [InlineData(
        "\"late\" Stored",
        """
            static struct thing *own;
            static noinline void g(struct thing *to) { to->name = own->name; }
            int f(struct thing *to, long a) { struct thing t; own = &t; asm volatile("" ::: "memory"); t.name = "late"; g(to); own = 0; asm volatile("" :: "m"(t)); return 0; }
            """
    )]
    [InlineData(
        "\"eighth\" Stored",
        """
            static noinline void g(struct thing *t, long a, long b, long c, long d, long e, long g, const char *n) { schedule(); t->name = n; t->count = a + b + c + d + e + g; }
            void f(struct thing *t, long a) { g(t, a, 2, 3, 4, a, 6, "eighth"); g(t->next, 1, 2, a, 4, 5, 6, "eighth"); printk("x"); }
            """
    )]
    [InlineData(
        "\"data\" Stored",
        """
            static int made(void *obj, void *shadow, void *data) { *(void **)shadow = data; return 0; }
            void f(struct thing *t) { klp_shadow_alloc(t, 3, 8, 0, made, "data"); }
            """
    )]
    [InlineData(
        "own Stored",
        """
            static struct thing own;
            static void freed(void *obj, void *shadow) { *(void **)shadow = obj; }
            void f(struct thing *t) { klp_shadow_free(&own, 3, freed); }
            """
    )]
    [InlineData(
        "\"of the kernel\" Passed",
        """
            extern int kernel_made(void *, void *, void *);
            void f(struct thing *t) { klp_shadow_alloc(t, 3, 8, 0, kernel_made, "of the kernel"); }
            """
    )]
    [InlineData(
        "\"second\" Returned",
        """
            struct pair { long a; const char *b; };
            struct pair f(int a) { schedule(); return (struct pair) { a, a ? "second" : 0 }; }
            """
    )]
    [InlineData(
        "\"second\" Stored",
        """
            struct pair { long a; const char *b; };
            static noinline struct pair g(int a) { schedule(); return (struct pair) { a, "second" }; }
            void f(struct thing *t, int a) { struct pair p = g(a); t->count = p.a; t->name = p.b; }
            """
    )]
    [InlineData(
        "\"word\" Passed",
        """
            void f(struct thing *t) {
                register const char *low asm("rbx") = "word"; register long high asm("rcx") = 0, place asm("rsi") = 0;
                asm volatile("call this_cpu_cmpxchg16b_emu" : "+r"(low), "+r"(high), "+r"(place) :: "memory", "rax", "rdx");
            }
            """
    )]
    [InlineData(
        "\"frame\" Stored",
        """
            static noinline void fill(struct thing *t) { t->name = "frame"; }
            void f(struct thing *t) { struct thing s; fill(&s); keep(&s); }
            """
    )]
    public void A_constant_that_is_stored_keeps_the_module(string expected, string source) =>
        Assert.Equal(expected, Show(source));

    [Theory]
    [InlineData(
        "expired Passed",
        """
            static void expired(struct thing *t) { t->count++; }
            void f(struct thing *t) { timer_setup(t, expired, 0); }
            """
    )]
    [InlineData(
        "freed Passed",
        """
            static void freed(struct thing *t) { t->count++; }
            void f(struct thing *t) { if (t->count > 3) call_rcu(&t->next, freed); }
            """
    )]
    [InlineData(
        "worked Stored",
        """
            static void worked(struct thing *t) { t->count++; }
            void f(struct thing *t) { t->call = worked; }
            """
    )]
    [InlineData(
        "own Passed",
        """
            static struct thing own;
            void f(void) { keep(&own); }
            """
    )]
    [InlineData(
        "own Passed",
        """
            static struct thing own;
            void f(void) { keep(&own.next); }
            """
    )]
    [InlineData(
        "own Stored",
        """
            static struct thing own;
            void f(struct thing *t) { own.next = t->next; t->next = &own; }
            """
    )]
    [InlineData(
        "fops Passed",
        """
            static int open(int a) { return a + 1; }
            static const struct ops fops = { .open = open, .name = "fops" };
            void f(void) { keep(&fops); }
            """
    )]
    [InlineData(
        "holder Passed",
        """
            static int open(int a) { return a + 1; }
            static const struct ops fops = { .open = open };
            static const struct { const struct ops *ops; } holder = { &fops };
            void f(void) { keep(&holder); }
            """
    )]
    [InlineData(
        "fops Stored",
        """
            static int open(int a) { return a + 1; }
            static const struct ops fops = { .open = open };
            extern const struct ops *current_ops;
            void f(void) { current_ops = &fops; }
            """
    )]
    [InlineData(
        "called Passed",
        """
            static void called(struct thing *t) { t->count++; }
            void f(void) { struct thing t = { .call = called }; keep(&t); }
            """
    )]
    [InlineData(
        "table NotFollowed",
        """
            static char table[64];
            void f(void) { struct __attribute__((packed)) { short size; const void *at; } d = { 63, table }; asm volatile("lidt %0" :: "m"(d)); }
            """
    )]
    [InlineData(
        "entered NotFollowed",
        """
            static void entered(void) { printk("x"); }
            void f(void) { asm volatile("wrmsr" :: "c"(0xc0000082), "a"((int)(long)entered), "d"((int)((long)entered >> 32))); printk("x"); }
            """
    )]
    [InlineData(
        "called NotFollowed",
        """
            static void called(struct thing *t) { t->count++; }
            void f(void) { struct thing t; list = &t; asm volatile("" ::: "memory"); t.call = called; asm volatile("" : "+m"(t)); }
            """
    )]
    [InlineData(
        "own Passed",
        """
            static struct thing own;
            void f(int a) { seven(a, 2, 3, 4, 5, 6, 7, &own); }
            """
    )]
    [InlineData(
        "called Passed",
        """
            static void called(struct thing *t) { t->count++; }
            static noinline void start(struct thing *t, void (*call)(struct thing *)) { printk("start"); timer_setup(t, call, 1); printk("ed"); }
            void f(struct thing *t) { start(t, called); start(t->next, called); printk("all"); }
            """
    )]
    [InlineData(
        "called Passed",
        """
            static void called(struct thing *t) { t->count++; }
            void f(struct thing *t, void (*start)(void *)) { start(called); printk("x"); }
            """
    )]
    public void A_function_or_a_variable_that_somebody_may_keep_keeps_the_module(string expected, string source) =>
        Assert.Equal(expected, Show(source));

    [Theory]
    [InlineData(
        "g TailCalled",
        """
            static noinline int g(int a) { schedule(); return a * 3; }
            int f(int a) { return g(a + 1); }
            """
    )]
    [InlineData(
        "g TailCalled",
        """
            static noinline int g(int a) { asm volatile(""); return a * 3; }
            int f(int a) { return g(a + 1); }
            """
    )]
    [InlineData(
        "g TailCalled, h TailCalled",
        """
            static noinline int h(int a) { schedule(); return a * 3; }
            static noinline int g(int a) { asm volatile(""); return h(a + 7); }
            int f(int a) { return g(a + 1); }
            """,
        "-fno-inline"
    )]
    [InlineData(
        "",
        """
            static noinline int g(int a) { schedule(); return a * 3; }
            int f(int a) { return g(a + 1); }
            """,
        "-fno-optimize-sibling-calls"
    )]
    public void A_new_function_that_a_patched_one_jumps_to_keeps_the_module(string expected, string source, string flags = "") =>
        Assert.Equal(expected, Show(source, flags));

    [Fact]
    public void A_jump_between_patched_functions_is_one_that_the_stack_check_knows()
    {
        const string source = "noinline int g(int a) { schedule(); return a * 3; }\nint f(int a) { return g(a + 1); }\n";
        Assert.Equal("g TailCalled", Show(source));
        Assert.Equal("", Show(source, "", true, "f", "g"));
    }

    [Fact]
    public void A_cold_part_is_followed_as_part_of_its_function()
    {
        const string source = """
            extern void rare(void) __attribute__((cold));
            void f(struct thing *t) {
                const char *n = t->next ? "chosen" : t->name;
                asm volatile("" : "+r"(n));
                if (t->count < 0) { rare(); printk("cold %s", n); t->name = n; rare(); }
            }
            """;
        Assert.Contains(Compile(source, "").Symbols, s => s.Name == "f.cold");
        Assert.Equal("\"chosen\" Stored", Show(source, coldPartsKeepNames: false));
    }

    [Theory]
    [InlineData("f.cold ColdPart", true, "f")]
    [InlineData("", false, "f")]
    [InlineData("", true, "other")]
    public void A_cold_part_with_a_symbol_of_its_own_keeps_the_module(string expected, bool coldPartsKeepNames, string patched)
    {
        const string source = """
            extern void rare(void) __attribute__((cold));
            noinline void f(struct thing *t) { if (t->count < 0) { rare(); t->count = 3; } }
            void other(struct thing *t) { f(t); t->count++; }
            """;
        Assert.Equal(expected, Show(source, "", coldPartsKeepNames, patched));
    }

    [Fact]
    public void The_cases_of_a_switch_are_followed_through_its_table()
    {
        const string source = """
            int f(struct thing *t, int a) {
                const char *n = "kept";
                asm volatile("" : "+r"(n));
                switch (a) {
                case 0: schedule(); break; case 1: keep(t); break; case 2: t->count = 7; break; case 3: t->next->count = 9; break;
                case 4: printk("four"); break; case 5: t->next->name = n; break; case 6: keep(t->next); break; default: printk("none"); }
                return 0;
            }
            """;
        Assert.Equal("\"kept\" Stored", Show(source, "-fjump-tables -fcf-protection=none"));
    }

    [Fact]
    public void A_branch_that_only_a_table_describes_is_followed()
    {
        const string source = """
            int f(struct thing *t) {
                const char *n = "branch";
                asm volatile("" : "+r"(n));
                asm goto("1: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n.pushsection __jump_table, \"aw\"\n.long 1b - ., %l[yes] - .\n.quad list - .\n.popsection"
                    :::: yes);
                return 0;
            yes:
                t->name = n;
                return 0;
            }
            """;
        Assert.Equal("\"branch\" Stored", Show(source));
    }

    [Theory]
    [InlineData("nop", "movq %1, %0")]
    [InlineData("movq %1, %0", "nop")]
    [InlineData("xorl %k1, %k1; movq %1, %0", "movq %1, %0; nop")]
    public void What_the_kernel_may_write_in_place_of_an_instruction_is_followed(string original, string replacement)
    {
        var source = $$"""
            int f(struct thing *t) {
                const char *n = "written";
                asm volatile("771: {{original}}\n772: .pushsection .altinstructions, \"a\"\n.long 771b - ., 774f - ., 0x3f\n.byte 772b - 771b, 775f - 774f\n"
                    ".popsection\n.pushsection .altinstr_replacement, \"ax\"\n774: {{replacement}}\n775: .popsection" : "+m"(t->name), "+r"(n));
                return 0;
            }
            """;
        Assert.Equal("\"written\" Stored", Show(source));
    }

    // Entries that are longer than any kernel's: nobody can say where the replacement ends.
    [Fact]
    public void A_replacement_of_unknown_length_leaves_the_analysis_incomplete()
    {
        const string source = """
            int f(struct thing *t) {
                const char *n = "written";
                asm volatile("771: nop\n772: .pushsection .altinstructions, \"a\"\n.long 771b - ., 774f - ., 0x3f, 0\n.byte 772b - 771b, 775f - 774f, 0, 0\n"
                    ".popsection\n.pushsection .altinstr_replacement, \"ax\"\n774: movq %1, %0\n775: .popsection" : "+m"(t->name), "+r"(n));
                return 0;
            }
            """;
        var found = Find(source, "", true);
        Assert.Equal((false, true), (found.IsComplete, found.MustStay));
    }

    [Fact]
    public void What_a_call_leaves_in_registers_is_no_argument_of_the_next()
    {
        const string source = """
            static struct thing own;
            static noinline void g(struct thing *t, struct thing *o) { printk("x"); t->count = o->count; }
            void f(struct thing *t) { g(t, &own); keep(t); own.count++; }
            """;
        Assert.Equal("", Show(source));
    }

    [Fact]
    public void What_the_module_loader_takes_back_does_not_count()
    {
        const string source = """
            struct lock_class_key { };
            struct debug { const char *module, *function; } ;
            extern void __dynamic_pr_debug(struct debug *, const char *, ...);
            extern void __mutex_init(struct thing *, const char *, struct lock_class_key *);
            extern void __init_waitqueue_head(struct thing *, const char *, void *);
            void f(struct thing *t) {
                static struct debug descriptor __attribute__((section("__dyndbg"))) = { "m", "f" };
                static struct lock_class_key key;
                static char __key[8];
                __dynamic_pr_debug(&descriptor, "debug %d", 4);
                __mutex_init(t, "name", &key);
                __init_waitqueue_head(t, "name", __key);
            }
            """;
        Assert.Equal("", Show(source));
    }

    [Fact]
    public void The_place_and_the_callee_are_named()
    {
        var escape = Assert.Single(
            Find("static void late(struct thing *t) { }\nvoid f(struct thing *t) { timer_setup(t, late, 0); }").Escapes
        );
        Assert.Equal(
            ("f", "late", AddressKind.Function, "timer_setup"),
            (escape.Function, escape.Address, escape.Kind, escape.To)
        );
        Assert.StartsWith(
            "f passes the address of the new function late to timer_setup, which may keep it (.text.f+0x",
            escape.ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_module_holds_itself_only_where_it_does_so_on_every_path_to_its_livepatch()
    {
        const string start = """
            extern int klp_enable_patch(void *);
            extern void __module_get(void *), module_put(void *);
            extern int condition;
            struct thing __this_module __attribute__((section(".gnu.linkonce.this_module")));
            static struct thing patch;

            """;
        Assert.Null(Find("int f(void) { return 0; }").HoldsModule);
        Assert.False(Find(start + "int init_module(void) { return klp_enable_patch(&patch); }").HoldsModule);
        Assert.True(
            Find(start + "int init_module(void) { __module_get(&__this_module); return klp_enable_patch(&patch); }").HoldsModule
        );
        Assert.True(
            Find(
                start
                    + """
                    int init_module(void) {
                        int ret;
                        __module_get(&__this_module);
                        ret = klp_enable_patch(&patch);
                        if (ret) module_put(&__this_module);
                        return ret;
                    }
                    """
            ).HoldsModule
        );
        Assert.False(
            Find(
                start + "int init_module(void) { if (condition) __module_get(&__this_module); return klp_enable_patch(&patch); }"
            ).HoldsModule
        );
        Assert.False(
            Find(
                start
                    + """
                    int init_module(void) { __module_get(&__this_module); module_put(&__this_module); return klp_enable_patch(&patch); }
                    """
            ).HoldsModule
        );
        Assert.False(Find(start + "int init_module(void) { __module_get(list); return klp_enable_patch(&patch); }").HoldsModule);

        const string held = "int init_module(void) { __module_get(&__this_module); return klp_enable_patch(&patch); }\n";
        Assert.False(Find(start + held + "void post_unpatch(void *object) { module_put(&__this_module); }").HoldsModule);
        Assert.False(
            Find(
                start
                    + held
                    + """
                    static noinline void drop(struct thing *m) { printk("x"); module_put(m); printk("y"); }
                    void post_unpatch(void *object) { drop(patch.next); }
                    static struct thing patch = { .next = &__this_module };
                    """
            ).HoldsModule
        );
        Assert.True(Find(start + held + "void other(struct thing *t) { module_put(t->next); }").HoldsModule);
    }

    private static ElfObject Compile(string source, string flags) =>
        Gcc.CompileAndRead(Kernel + source, Patched.KernelFlags + "-ffunction-sections -fdata-sections -w " + flags);

    private static EscapeFindings Find(string source, string flags = "", bool coldPartsKeepNames = true, params string[] patched)
    {
        var elf = Compile(source, flags);
        var names = patched.Length == 0 ? ["f"] : patched;
        return FindEscapes.Run(
            X8664Architecture.Instance,
            elf,
            elf.Symbols.Where(s => s.IsFunction && names.Contains(s.Name)).Select(s => (s.Section!.Name, s.Value)),
            coldPartsKeepNames
        );
    }

    private static string Show(string source, string flags = "", bool coldPartsKeepNames = true, params string[] patched)
    {
        var found = Find(source, flags, coldPartsKeepNames, patched);
        Assert.True(found.IsComplete);
        return string.Join(", ", found.Escapes.Select(e => $"{e.Address} {e.Way}").Distinct().Order(StringComparer.Ordinal));
    }
}
