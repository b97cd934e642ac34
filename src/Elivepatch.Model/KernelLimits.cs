namespace Elivepatch.Model;

/// <summary>
/// How long names are that a 64-bit kernel takes, in bytes, without their terminator; and how much of what it says is read.
/// </summary>
public static class KernelLimits
{
    /// <summary>
    /// Most bytes of <c>/proc/kallsyms</c> that are read. The file of a stock kernel has 7 million, with two hundred modules
    /// loaded 15; one with everything built in has about 30.
    /// </summary>
    public const int SymbolsRead = 64 << 20;

    /// <summary>
    /// Most bytes of <c>Module.symvers</c> that are read; the file of a stock kernel has under 2 million, its modules' exports
    /// included.
    /// </summary>
    public const int ExportsRead = 8 << 20;

    /// <summary>A symbol: KSYM_NAME_LEN is 512 from 6.1 on (<c>include/linux/kallsyms.h</c>).</summary>
    public const int SymbolName = 511;

    /// <summary>A symbol before 6.1, where KSYM_NAME_LEN was 128.</summary>
    public const int SymbolNameBefore61 = 127;

    /// <summary>A module: MODULE_NAME_LEN is 64 less the size of a long (<c>include/linux/moduleparam.h</c>).</summary>
    public const int ModuleName = 55;
}
