// In: what a server does not have of a kernel. Out: it has it, as far as this machine has it and may send it; or the names of
// what is missing and where it could come from.

using Elivepatch.Model;
using Elivepatch.Model.Progress;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Machine.Service;

/// <summary>Sends the missing parts of a kernel.</summary>
public sealed class KernelUpload(ServerClient client, MachineAccess machine, string? source, IProgress<StageEvent> progress)
{
    private const string Stage = "send";

    /// <summary>Sends them; the kernel as the server knows it then.</summary>
    public async Task<Outcome<KernelView>> SendAsync(KernelView kernel, CancellationToken cancellation)
    {
        var sent = false;
        foreach (var part in kernel.Missing.Where(p => p.CanBeSent))
        {
            if (PathOf(part.Name, machine.Release) is not { } path)
            {
                continue;
            }

            progress.Report(new(Stage, $"{part.Name}: {path}", StageState.Running));
            var problem = Directory.Exists(path)
                ? await SendFolderAsync(kernel.Id, part.Name, path, cancellation)
                : await client.SendPartAsync(kernel.Id, part.Name, path, cancellation);
            if (problem is not null)
            {
                progress.Report(new(Stage, part.Name, StageState.Failed));
                return problem;
            }
            sent = true;
        }
        if (sent)
        {
            progress.Report(new(Stage, "", StageState.Done));
            var asked = await client.GetKernelAsync(kernel.Id, cancellation);
            if (!asked.TryGet(out var now))
            {
                return asked;
            }

            kernel = now;
        }
        var needed = kernel.Missing.Where(p => p.IsRequired).ToList();
        return needed.Count == 0 && kernel.State == KernelState.Ready ? kernel : Incomplete(needed);
    }

    private async Task<Problem?> SendFolderAsync(string kernel, string part, string folder, CancellationToken cancellation)
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            // Sources may be secret: nobody else reads it.
            await using (
                var file = new FileStream(
                    path,
                    new FileStreamOptions
                    {
                        Mode = FileMode.CreateNew,
                        Access = FileAccess.Write,
                        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                    }
                )
            )
            {
                if (await Task.Run(() => new SourceFolder(folder).Pack(file, cancellation), cancellation) is { } unusable)
                {
                    return unusable;
                }
            }

            return await client.SendPartAsync(kernel, part, path, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(CommandProblems.InputUnusable, $"{folder}: {e.Message}");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static Outcome<KernelView> Incomplete(List<MissingPart> needed) =>
        needed.Count == 0
            ? new Problem(ServiceProblems.KernelIncomplete, "it does not say what is missing")
            : Outcome<KernelView>.Failure([
                .. needed.Select(p => new Problem(
                    p.CanBeSent ? ServiceProblems.KernelIncomplete : ServiceProblems.PartForbidden,
                    $"{p.Name}: {p.Why}",
                    Remedy(p)
                )),
            ]);

    private static string? Remedy(MissingPart part) =>
        (part.CanBeSent, part.Name) switch
        {
            (true, KernelParts.Source) => "Send the source that the kernel was built from: --source DIR-OR-TARBALL.",
            (true, KernelParts.BootImage) =>
                "Copy the image that booted this machine to /boot/vmlinuz-RELEASE: it is not at any of the usual places.",
            _ => null,
        };

    // Where distributions have the image that booted: Debian and its like, Gentoo's installkernel, Fedora.
    private string? PathOf(string part, string release) =>
        part switch
        {
            KernelParts.Source => source,
            KernelParts.BootImage => new[]
            {
                $"boot/vmlinuz-{release}",
                $"boot/kernel-{release}",
                $"lib/modules/{release}/vmlinuz",
            }
                .Where(machine.Files.HasFile)
                .Select(machine.Files.PathOf)
                .FirstOrDefault(),
            _ => null,
        };
}
