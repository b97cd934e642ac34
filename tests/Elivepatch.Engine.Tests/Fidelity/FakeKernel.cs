using System.Diagnostics;
using System.Globalization;
using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Targets;
using Elivepatch.Model;

namespace Elivepatch.Engine.Tests.Fidelity;

/// <summary>
/// A few units of C, compiled and linked as a kernel is: text at its address, per-cpu data at zero, strings merged. What the
/// tests change is the image, or a second compile of one of the units.
/// </summary>
internal sealed class FakeKernel
{
    private const string Script = """
        SECTIONS
        {
            . = 0xffffffff81000000;
            .text : { _text = .; _stext = .; KEEP(*(.head)) *(.text.unlikely) *(.text) _etext = .; }
            .rodata : { __start_rodata = .; *(.rodata .rodata.*)
                __start_ro_after_init = .; *(.data..ro_after_init) __end_ro_after_init = .; __end_rodata = .; }
            __jump_table : { __start___jump_table = .; *(__jump_table) }
            .data : { _sdata = .; *(.data .data..read_mostly) _edata = .; }
            .init.text : { __init_begin = .; *(.init.text) }
            .init.data : { *(.init.data .init.rodata) }
            .ibt_endbr_seal : { *(.ibt_endbr_seal) __init_end = .; }
            .bss : { __bss_start = .; *(.bss) __bss_stop = .; }
            .data..percpu 0 : { __per_cpu_start = .; *(.data..percpu) . += 8; __per_cpu_end = .; }
            /DISCARD/ : { *(.comment .note.* .eh_frame .discard*) }
        }
        """;

    private FakeKernel(byte[] kallsyms, ElfObject vmlinux)
    {
        Kallsyms = kallsyms;
        Vmlinux = vmlinux;
    }

    /// <summary>What <c>/proc/kallsyms</c> of this kernel says.</summary>
    public byte[] Kallsyms { get; set; }

    /// <summary>The linked image, to be changed by tests.</summary>
    public ElfObject Vmlinux { get; }

    public KernelSymbols Symbols => KernelSymbols.Parse(Kallsyms).Value;

    /// <summary>Itself, without modules.</summary>
    public KernelObjects Objects => new(new(Symbols, Image));

    public KernelImage Image => KernelImage.Open(X8664Architecture.Instance, Vmlinux, Symbols).Value;

    /// <summary>Compiles and links; the first unit is at the lowest addresses.</summary>
    public static FakeKernel Of(params string[] units)
    {
        var directory = Directory.CreateTempSubdirectory("elivepatch-test-").FullName;
        try
        {
            var arguments = new List<string>
            {
                "-o",
                "vmlinux",
                "-T",
                "script.lds",
                "-e",
                "0",
                "--no-warn-rwx-segments",
                "-z",
                "noexecstack",
            };
            File.WriteAllText(Path.Combine(directory, "script.lds"), Script);
            for (var i = 0; i < units.Length; i++)
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"unit{i}.o");
                File.WriteAllBytes(Path.Combine(directory, name), CompileBytes(units[i], []));
                arguments.Add(name);
            }

            Execute(directory, "ld", [.. arguments]);
            var symbols = Execute(directory, "nm", ["-n", "vmlinux"]);
            Execute(directory, "strip", ["vmlinux"]);
            return new(AsKallsyms(symbols), ElfReader.Read(File.ReadAllBytes(Path.Combine(directory, "vmlinux"))));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Links units as a module's are: into one object that keeps its relocations.</summary>
    public static ElfObject LinkModule(params string[] units)
    {
        var directory = Directory.CreateTempSubdirectory("elivepatch-test-").FullName;
        try
        {
            var names = new List<string>();
            foreach (var unit in units)
            {
                names.Add(string.Create(CultureInfo.InvariantCulture, $"unit{names.Count}.o"));
                File.WriteAllBytes(Path.Combine(directory, names[^1]), CompileBytes(unit, []));
            }

            Execute(directory, "ld", ["-r", "-o", "module.ko", .. names]);
            return ElfReader.Read(File.ReadAllBytes(Path.Combine(directory, "module.ko")));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Compiles one unit as those of the kernel are, with these flags in addition.</summary>
    public static ElfObject Compile(string source, params string[] flags) => ElfReader.Read(CompileBytes(source, flags));

    public Outcome<UnitPlacement> Check(string source, bool withImage = true) => Check(Compile(source), withImage);

    public Outcome<UnitPlacement> Check(ElfObject unit, bool withImage = true) =>
        FidelityCheck.Run(
            X8664Architecture.Instance,
            "unit.c",
            unit,
            new VmlinuxTarget(Symbols, withImage ? Image : null),
            "gcc (Test) 1.0"
        );

    public ulong AddressOf(string name) => Symbols.Vmlinux.Named(name).Single().Address;

    /// <summary>The bytes of the image from this address of the link, to be changed.</summary>
    public Span<byte> BytesAt(ulong address)
    {
        var section = Vmlinux.Sections.Single(s =>
            s.Has(ElfSectionFlags.Alloc) && address >= s.Address && address - s.Address < s.Size
        );
        return section.Content.AsSpan((int)(address - section.Address));
    }

    /// <summary>Moves the running kernel as a whole; per-cpu offsets stay.</summary>
    public void MoveBy(ulong distance)
    {
        var moved = new StringBuilder();
        foreach (var line in Encoding.ASCII.GetString(Kallsyms).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var address = ulong.Parse(line.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            moved.Append(
                CultureInfo.InvariantCulture,
                $"{(address >> 63 == 0 ? address : address + distance):x16}{line[16..]}\n"
            );
        }

        Kallsyms = Encoding.ASCII.GetBytes(moved.ToString());
    }

    private static byte[] AsKallsyms(string symbols)
    {
        var text = new StringBuilder();
        foreach (var line in symbols.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            // The kernel gives per-cpu data the letter of an absolute symbol.
            text.Append(line.StartsWith("00000000", StringComparison.Ordinal) ? $"{line[..17]}A{line[18..]}" : line)
                .Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private static byte[] CompileBytes(string source, string[] flags)
    {
        var directory = Directory.CreateTempSubdirectory("elivepatch-test-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(directory, "unit.c"), source);
            Execute(
                directory,
                "gcc",
                [
                    "-std=gnu11",
                    "-O2",
                    "-mcmodel=kernel",
                    "-fno-pic",
                    "-fno-pie",
                    "-ffreestanding",
                    "-fno-asynchronous-unwind-tables",
                    "-fno-stack-protector",
                    "-fcf-protection=none",
                    "-fno-common",
                    "-fno-toplevel-reorder",
                    "-falign-functions=16",
                    .. flags,
                    "-c",
                    "-o",
                    "unit.o",
                    "unit.c",
                ]
            );
            return File.ReadAllBytes(Path.Combine(directory, "unit.o"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Execute(string directory, string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program}: {errors.Result}");
    }
}
