using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Kernel.Build;

namespace Elivepatch.Server.Configuration;

/// <summary>How the server is set up: what its configuration file, environment and flags came to.</summary>
public sealed record ServerOptions
{
    /// <summary>The folder of all that has to be kept: database, blobs, keys.</summary>
    public required string StateFolder { get; init; }

    /// <summary>The PostgreSQL that it shares with other servers; null where the state's folder has the database.</summary>
    public PostgresAddress? Database { get; init; }

    /// <summary>The folder of the signing keys; null for the one in the state's folder.</summary>
    public string? KeysFolder { get; init; }

    /// <summary>Where it listens: <c>http</c> or <c>https</c>, a numeric address and a port.</summary>
    public IReadOnlyList<Uri> Listen { get; init; } = [new("http://127.0.0.1:8470")];

    /// <summary>The certificate for <c>https</c> with those that lead to its root, PEM; null for none.</summary>
    public string? Certificate { get; init; }

    /// <summary>The certificate's secret key, PEM; null where the certificate's file has it.</summary>
    public string? CertificateKey { get; init; }

    /// <summary>The folder of what can be had again: sources, prepared trees, objects.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>The broker over which workers get builds; null where builds run in this process.</summary>
    public BrokerAddress? Broker { get; init; }

    /// <summary>How many seconds a worker that is not heard of keeps its builds.</summary>
    public int LeaseSeconds { get; init; } = 10;

    /// <summary>How many builds run at once.</summary>
    public int Builders { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Whether livepatches are tried before they are published.</summary>
    public TrialPolicy TestPolicy { get; init; } = TrialPolicy.Auto;

    /// <summary>How many seconds the script of a test may take each time that it runs.</summary>
    public int ScriptSeconds { get; init; } = 120;

    /// <summary>Maximum number of units that include what a patch changes.</summary>
    public int UnitsPerBuild { get; init; } = BuildRequest.UsualMostUnits;

    /// <summary>How many days a manifest may be believed.</summary>
    public int ManifestDays { get; init; } = 30;

    /// <summary>The secret key that modules themselves are signed with, PEM; null where they are not.</summary>
    public string? ModuleKey { get; init; }

    /// <summary>The certificate of <see cref="ModuleKey"/>, PEM.</summary>
    public string? ModuleCertificate { get; init; }

    /// <summary>True where base patches may change how the kernel is built (Makefile, Kconfig, scripts).</summary>
    public bool AllowBuildPatches { get; init; }

    /// <summary>
    /// True where clients may send a kernel's source. Only the builds of the token that sent it are made of it.
    /// </summary>
    public bool AllowUploadedSource { get; init; } = true;

    /// <summary>Where the sources of kernels come from, in the order in which they are asked.</summary>
    public IReadOnlyList<SourceOptions> Sources { get; init; } = [new(SourceOrigin.Debian)];

    /// <summary>The most bytes of a capture.</summary>
    public long MaxCaptureBytes { get; init; } = 64L << 20;

    /// <summary>The most bytes of a source archive or boot image.</summary>
    public long MaxSourceBytes { get; init; } = 2L << 30;

    /// <summary>The most bytes of all sources and boot images together that one token sent.</summary>
    public long PartBytesPerToken { get; init; } = 16L << 30;

    /// <summary>The most bytes of a submission.</summary>
    public long MaxSubmissionBytes { get; init; } = 32L << 20;

    /// <summary>True where clients of the first elivepatch are answered, which have no tokens.</summary>
    public bool FirstApi { get; init; }

    /// <summary>How many requests a token may make in a minute.</summary>
    public int RequestsPerMinute { get; init; } = 600;

    /// <summary>How many builds of a token may wait or run.</summary>
    public int OpenBuildsPerToken { get; init; } = 20;

    /// <summary>How many days a build is kept that has ended and that nobody asks for or fetches; 0 for ever.</summary>
    public int BuildDays { get; init; } = 90;

    /// <summary>How many days entries of the audit log are kept.</summary>
    public int AuditDays { get; init; } = 400;

    /// <summary>How many days a machine is kept that does not report any more.</summary>
    public int MachineDays { get; init; } = 30;

    /// <summary>Where traces and metrics go (OTLP over HTTP); null for nowhere.</summary>
    public Uri? OtlpEndpoint { get; init; }
}
