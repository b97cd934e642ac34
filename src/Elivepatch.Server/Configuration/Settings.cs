using Elivepatch.Builder;
using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Jobs;
using Elivepatch.Model;

namespace Elivepatch.Server.Configuration;

/// <summary>All settings. The help, the file, the environment and the flags are read from this one list.</summary>
internal static class Settings
{
    /// <summary>The state directory.</summary>
    public static Setting StateFolder { get; } =
        new(
            "stateFolder",
            "FOLDER",
            "Directory for database, results and keys. Default: $STATE_DIRECTORY, else /var/lib/elivepatchd, or "
                + "~/.local/state/elivepatchd for a user.",
            (o, t) => SettingText.ParsePath(t).Then<ServerOptions>(v => o with { StateFolder = v })
        );

    /// <summary>The database that several servers share.</summary>
    public static Setting Database { get; } =
        new(
            "database",
            "URL",
            "PostgreSQL that several servers share, postgres://user:password@host:port/name; parameters: sslmode, sslrootcert, host "
                + "(directory of a Unix socket), pool. Put a password into the file or the environment. Default: a file in the state directory.",
            (o, t) => PostgresAddress.Parse(t).Then<ServerOptions>(v => o with { Database = v })
        );

    /// <summary>The directory of the signing keys.</summary>
    public static Setting KeysFolder { get; } =
        new(
            "keysFolder",
            "FOLDER",
            "Directory of the keys that sign manifests; shared by the servers of one database. Default: keys in the state directory.",
            (o, t) => SettingText.ParsePath(t).Then<ServerOptions>(v => o with { KeysFolder = v })
        );

    /// <summary>The directory for what can be recreated.</summary>
    public static Setting CacheFolder { get; } =
        new(
            "cacheFolder",
            "FOLDER",
            "Directory for what can be recreated: sources, objects. Default: cache in the state directory.",
            (o, t) => SettingText.ParsePath(t).Then<ServerOptions>(v => o with { CacheFolder = v })
        );

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        new(
            "listen",
            "URL",
            "Addresses to listen on, http or https, separated by spaces. Default: http://127.0.0.1:8470.",
            (o, t) => SettingText.ParseAddresses(t).Then<ServerOptions>(v => o with { Listen = v })
        ),
        new(
            "certificate",
            "FILE",
            "Certificate for https with its chain, PEM. A renewed file is picked up while the server runs.",
            (o, t) => SettingText.ParsePath(t).Then<ServerOptions>(v => o with { Certificate = v })
        ),
        new(
            "certificateKey",
            "FILE",
            "The certificate's private key, PEM. Default: the certificate's file.",
            (o, t) => SettingText.ParsePath(t).Then<ServerOptions>(v => o with { CertificateKey = v })
        ),
        StateFolder,
        Database,
        KeysFolder,
        CacheFolder,
        new(
            "broker",
            "URL",
            "Hands builds to workers over RabbitMQ (amqp://user:password@host:5672/vhost), and runs none in this process. See "
                + "`elivepatchd worker --help`.",
            (o, t) => BrokerAddress.Parse(t).Then<ServerOptions>(v => o with { Broker = v })
        ),
        new(
            "leaseSeconds",
            "NUMBER",
            "Seconds for which a worker that has stopped reporting keeps its builds. Default: 10.",
            (o, t) => SettingText.ParseNumber(t, 2, 600).Then<ServerOptions>(v => o with { LeaseSeconds = v })
        ),
        new(
            "builders",
            "NUMBER",
            "Concurrent builds. Default: half of the processors.",
            (o, t) => SettingText.ParseNumber(t, 1, 256).Then<ServerOptions>(v => o with { Builders = v })
        ),
        new(
            "testPolicy",
            "POLICY",
            "Tests in a virtual machine before a livepatch is published: auto (if the boot image is known), required, "
                + "optional, off. Default: auto.",
            (o, t) => SettingText.ParseWord<TrialPolicy>(t).Then<ServerOptions>(v => o with { TestPolicy = v })
        ),
        new(
            "scriptSeconds",
            "SECONDS",
            "Time limit for each of the four runs of a test's script. Default: 120.",
            (o, t) => SettingText.ParseNumber(t, 1, 3600).Then<ServerOptions>(v => o with { ScriptSeconds = v })
        ),
        new(
            "unitsPerBuild",
            "NUMBER",
            "Maximum number of units that include what a patch changes; each takes a second or more to compare. Default: 400.",
            (o, t) => SettingText.ParseNumber(t, 1, 100_000).Then<ServerOptions>(v => o with { UnitsPerBuild = v })
        ),
        new(
            "manifestDays",
            "DAYS",
            "Validity of a manifest. Default: 30.",
            (o, t) => SettingText.ParseNumber(t, 1, 3650).Then<ServerOptions>(v => o with { ManifestDays = v })
        ),
        new(
            "moduleKey",
            "FILE",
            "Private key that signs the modules, for kernels that require it, PEM. Default: none.",
            (o, t) => SettingText.ParsePath(t).Then<ServerOptions>(v => o with { ModuleKey = v })
        ),
        new(
            "moduleCertificate",
            "FILE",
            "Certificate of that key, PEM.",
            (o, t) => SettingText.ParsePath(t).Then<ServerOptions>(v => o with { ModuleCertificate = v })
        ),
        new(
            "allowBuildPatches",
            "BOOL",
            "Accepts base patches that change Makefiles, Kconfig or scripts. Default: false.",
            (o, t) => SettingText.ParseBoolean(t).Then<ServerOptions>(v => o with { AllowBuildPatches = v })
        ),
        new(
            "allowUploadedSource",
            "BOOL",
            "Accepts kernel sources from clients, each for its own builds. Default: true.",
            (o, t) => SettingText.ParseBoolean(t).Then<ServerOptions>(v => o with { AllowUploadedSource = v })
        ),
        new(
            "sources",
            "JSON",
            "Where sources come from: an array of {kind: debian|mirror|tree|git, release, location, digests}. Default: debian.",
            (o, t) => SettingText.ParseSources(t).Then<ServerOptions>(v => o with { Sources = v })
        ),
        new(
            "maxCaptureBytes",
            "BYTES",
            "Largest capture, compressed. Default: 64MiB.",
            (o, t) => SettingText.ParseByteCount(t).Then<ServerOptions>(v => o with { MaxCaptureBytes = v })
        ),
        new(
            "maxSourceBytes",
            "BYTES",
            "Largest source archive. Default: 2GiB.",
            (o, t) => SettingText.ParseByteCount(t).Then<ServerOptions>(v => o with { MaxSourceBytes = v })
        ),
        new(
            "partBytesPerToken",
            "BYTES",
            "Total size of all sources and boot images of a token. Default: 16GiB.",
            (o, t) => SettingText.ParseByteCount(t).Then<ServerOptions>(v => o with { PartBytesPerToken = v })
        ),
        new(
            "maxSubmissionBytes",
            "BYTES",
            "Largest submission. Default: 32MiB.",
            (o, t) => SettingText.ParseByteCount(t).Then<ServerOptions>(v => o with { MaxSubmissionBytes = v })
        ),
        new(
            "firstApi",
            "BOOL",
            "Answers clients of the first elivepatch (API v1.0), which have no tokens: anyone who reaches the server may request builds. "
                + "Default: false.",
            (o, t) => SettingText.ParseBoolean(t).Then<ServerOptions>(v => o with { FirstApi = v })
        ),
        new(
            "requestsPerMinute",
            "NUMBER",
            "Requests per minute of a token, or of an address without one. Default: 600.",
            (o, t) => SettingText.ParseNumber(t, 1, 1_000_000).Then<ServerOptions>(v => o with { RequestsPerMinute = v })
        ),
        new(
            "openBuildsPerToken",
            "NUMBER",
            "Waiting and running builds of a token. Default: 20.",
            (o, t) => SettingText.ParseNumber(t, 1, 100_000).Then<ServerOptions>(v => o with { OpenBuildsPerToken = v })
        ),
        new(
            "buildDays",
            "DAYS",
            "How long a finished build is kept after it was last requested or fetched; 0 for ever. Default: 90.",
            (o, t) => SettingText.ParseNumber(t, 0, 36_500).Then<ServerOptions>(v => o with { BuildDays = v })
        ),
        new(
            "auditDays",
            "DAYS",
            "How long entries of the audit log are kept. Default: 400.",
            (o, t) => SettingText.ParseNumber(t, 1, 36_500).Then<ServerOptions>(v => o with { AuditDays = v })
        ),
        new(
            "machineDays",
            "DAYS",
            "How long a machine is kept that has stopped reporting. Default: 30.",
            (o, t) => SettingText.ParseNumber(t, 1, 3650).Then<ServerOptions>(v => o with { MachineDays = v })
        ),
        new(
            "otlpEndpoint",
            "URL",
            "Collector for traces and metrics, OTLP over HTTP (http://127.0.0.1:4318). Default: none.",
            (o, t) => SettingText.ParseUrl(t).Then<ServerOptions>(v => o with { OtlpEndpoint = v })
        ),
    ];

    /// <summary>Contradictions between settings that are valid by themselves.</summary>
    public static IReadOnlyList<Problem> Contradictions(ServerOptions options)
    {
        var reasons = new List<string>();
        if (options.Listen.Any(a => a.Scheme == "https") && options.Certificate is null)
        {
            reasons.Add("listen has an https address, but there is no certificate");
        }

        if (options.Certificate is not null && options.Listen.All(a => a.Scheme != "https"))
        {
            reasons.Add("certificate is set, but listen has no https address");
        }

        if (options.CertificateKey is not null && options.Certificate is null)
        {
            reasons.Add("certificateKey is set without certificate");
        }

        if (options.ModuleKey is null != (options.ModuleCertificate is null))
        {
            reasons.Add("moduleKey and moduleCertificate must be set together");
        }

        return [.. reasons.Select(r => new Problem(BuilderProblems.ConfigurationInvalid, r))];
    }
}
