// In: a capture as some machine took it. Out: the capture as every machine that runs this kernel would have taken it, and the
// digest of it that names the kernel. What differs between two machines or two boots is brought to one form or left out, so that
// nothing in the result can be said by one machine about the kernel of another without changing the name.

using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Elivepatch.Engine;
using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Records;

/// <summary>A kernel by the content of its capture.</summary>
/// <param name="Id">SHA-256, hexadecimal, over release, build-id, machine, configuration, symbols of vmlinux and exports.</param>
/// <param name="Capture">
/// The capture with nothing in it that the id does not cover: symbols of vmlinux alone, at the addresses that they have without
/// KASLR; no modules, livepatches or notes.
/// </param>
public sealed record CaptureIdentity(string Id, CaptureFile Capture)
{
    private const string Version = "kernel-1";

    /// <summary>Identifies the kernel of a capture.</summary>
    public static Outcome<CaptureIdentity> Of(CaptureFile capture) =>
        KernelSymbols
            .Parse(capture.Kallsyms)
            .Then(symbols => Linked(symbols.Vmlinux, ArchitectureOf(capture.Facts.Machine), capture.Kallsyms.Length))
            .Then<CaptureIdentity>(kallsyms =>
            {
                var config = KernelConfig.Parse(Encoding.UTF8.GetString(capture.Config.Span));
                var canonical = new CaptureFile(
                    new CaptureFacts
                    {
                        Release = capture.Facts.Release,
                        BuildId = new BuildId(capture.Facts.BuildId.ToLowerInvariant()).Hex,
                        Machine = capture.Facts.Machine ?? "",
                        Compiler = config.CompilerText,
                        KernelVersionText = "",
                    },
                    capture.Config,
                    kallsyms,
                    capture.Symvers,
                    Notes: null
                );
                return new CaptureIdentity(Digest(canonical), canonical);
            });

    private static string Digest(CaptureFile capture) =>
        ContentDigest
            .OfParts(
                Version,
                capture.Facts.Release,
                capture.Facts.BuildId,
                capture.Facts.Machine,
                ContentDigest.Of(capture.Config.Span).Hex,
                ContentDigest.Of(capture.Kallsyms.Span).Hex,
                capture.Symvers is { } symvers ? ContentDigest.Of(symvers.Span).Hex : ""
            )
            .Hex;

    // One of a machine that is not known is refused later, by its name.
    private static KernelArchitecture ArchitectureOf(string? machine) =>
        KernelArchitectures.Of(machine) ?? KernelArchitectures.All[0];

    // The kernel is moved as a whole, so one symbol tells by how much. A line never becomes longer than it was, except that the
    // last one may gain its end.
    private static Outcome<ReadOnlyMemory<byte>> Linked(ObjectSymbols vmlinux, KernelArchitecture architecture, int length)
    {
        // Below lie offsets into the per-processor area and plain numbers, which KASLR does not move.
        var lowest = architecture.Engine.LowestAddress;
        if (vmlinux.Named("_text") is not [var start] || start.Address < lowest)
        {
            return Malformed("_text is not there exactly once, so nothing says where the kernel runs");
        }

        var displacement = unchecked(start.Address - architecture.LinkBase);
        var text = new byte[length + 1];
        var written = 0;
        var last = 0UL;
        for (var i = 0; i < vmlinux.Count; i++)
        {
            var symbol = vmlinux[i];
            var address = symbol.Address >= lowest ? unchecked(symbol.Address - displacement) : symbol.Address;
            if (address < last || (symbol.Address >= lowest && address < lowest))
            {
                return Malformed($"{symbol.Name} is at an address that no kernel uses");
            }

            last = address;
            if (
                !Utf8.TryWrite(
                    text.AsSpan(written),
                    CultureInfo.InvariantCulture,
                    $"{address:x16} {symbol.Type} {symbol.Name}\n",
                    out var count
                )
            )
            {
                throw new InvalidOperationException("the symbols are longer than the text that they were read from");
            }

            written += count;
        }

        return (ReadOnlyMemory<byte>)text.AsMemory(0, written);
    }

    private static Problem Malformed(string reason) => new(FactProblems.MalformedKallsyms, $"/proc/kallsyms: {reason}");
}
