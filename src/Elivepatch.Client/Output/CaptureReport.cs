namespace Elivepatch.Client.Output;

/// <summary>A capture that was written.</summary>
/// <param name="File">Where.</param>
/// <param name="Release">The kernel's release.</param>
/// <param name="BuildId">Its build-id.</param>
/// <param name="Compiler">The compiler that built it.</param>
internal sealed record CaptureReport(string File, string Release, string BuildId, string Compiler);
