// In: a stock kernel's vmlinux and a certificate. Out: the same kernel as its builder would have made it with that certificate
// among its trusted keys. The list of them is data of the kernel (certs/system_certificates.S), at a place that its symbols name.

using System.Buffers.Binary;
using System.Globalization;
using Elivepatch.Kernel.Records;

namespace Elivepatch.Server.Tests.Whole;

/// <summary>Puts a certificate in the place of the builder's own.</summary>
internal static class EnrolledKernel
{
    private const int ProgramHeader = 56;

    /// <summary>The kernel as an ELF file, which the emulator boots by its PVH entry.</summary>
    public static async Task<string> WriteAsync(KernelRecord kernel, byte[] certificate, string folder)
    {
        var vmlinux = await File.ReadAllBytesAsync(kernel.VmlinuxPath!);
        var symbols = await File.ReadAllLinesAsync(kernel.KallsymsPath);
        var list = Offset(vmlinux, Address(symbols, "system_certificate_list"));
        var size = Offset(vmlinux, Address(symbols, "system_certificate_list_size"));
        // Nothing may lie between the list and its size but the list.
        Assert.InRange(certificate.Length, 260, size - list);
        vmlinux.AsSpan(list, size - list).Clear();
        certificate.CopyTo(vmlinux, list);
        BinaryPrimitives.WriteInt64LittleEndian(vmlinux.AsSpan(size), certificate.Length);
        BinaryPrimitives.WriteInt64LittleEndian(
            vmlinux.AsSpan(Offset(vmlinux, Address(symbols, "module_cert_size"))),
            certificate.Length
        );
        var path = Path.Combine(folder, "vmlinux");
        await File.WriteAllBytesAsync(path, vmlinux);
        return path;
    }

    private static ulong Address(string[] symbols, string name) =>
        ulong.Parse(
            symbols.Single(s => s.EndsWith(" " + name, StringComparison.Ordinal)).Split(' ')[0],
            NumberStyles.HexNumber,
            CultureInfo.InvariantCulture
        );

    private static int Offset(byte[] elf, ulong address)
    {
        var table = (int)BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan(32));
        for (var i = 0; i < BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(56)); i++)
        {
            var header = elf.AsSpan(table + (i * ProgramHeader));
            var (type, offset) = (
                BinaryPrimitives.ReadUInt32LittleEndian(header),
                BinaryPrimitives.ReadUInt64LittleEndian(header[8..])
            );
            var (start, length) = (
                BinaryPrimitives.ReadUInt64LittleEndian(header[16..]),
                BinaryPrimitives.ReadUInt64LittleEndian(header[32..])
            );
            if (type == 1 && address >= start && address - start < length)
            {
                return (int)(offset + (address - start));
            }
        }

        throw new InvalidOperationException("no segment holds the address");
    }
}
