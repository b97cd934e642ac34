namespace Elivepatch.Kernel.Records;

/// <summary>Names of the files in the folder of a kernel record.</summary>
internal static class RecordFiles
{
    public const string Facts = "record.json";
    public const string Config = "config";
    public const string Kallsyms = "kallsyms";
    public const string Symvers = "Module.symvers";
    public const string BootImage = "vmlinuz";
    public const string Vmlinux = "vmlinux";
    public const string Modules = "modules";
    public const string BasePatches = "base-patches";
    public const string PackagedHeaders = "packaged-headers";
}
