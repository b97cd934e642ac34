using Elivepatch.Builder;
using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Jobs;
using Elivepatch.Model;

namespace Elivepatch.Server.Configuration;

/// <summary>All settings. The help, the file, the environment and the flags are read from this one list.</summary>
internal static class Settings
{
    /// <summary>Where the state lies.</summary>
    public static Setting StateFolder { get; } = new(
        "stateFolder", "FOLDER",
        "Keeps database, results and keys. Default: $STATE_DIRECTORY, else /var/lib/elivepatchd, or "
        + "~/.local/state/elivepatchd for a user.",
        (o, t) => SettingText.Path(t).Then<ServerOptions>(v => o with { StateFolder = v }));

    /// <summary>The database, where several servers share one.</summary>
    public static Setting Database { get; } = new(
        "database", "URL",
        "PostgreSQL that several servers share, postgres://user:password@host:port/name; parameters: sslmode, sslrootcert, host "
        + "(folder of a Unix socket), pool. A password belongs into the file or the environment. Default: a file in the state's folder.",
        (o, t) => PostgresAddress.Parse(t).Then<ServerOptions>(v => o with { Database = v }));

    /// <summary>Where the signing keys lie.</summary>
    public static Setting KeysFolder { get; } = new(
        "keysFolder", "FOLDER", "Keeps the keys that manifests are signed with; servers of one database share it. Default: keys in the state's folder.",
        (o, t) => SettingText.Path(t).Then<ServerOptions>(v => o with { KeysFolder = v }));

    /// <summary>Where lies what can be had again.</summary>
    public static Setting CacheFolder { get; } = new(
        "cacheFolder", "FOLDER", "Keeps what can be had again: sources, objects. Default: cache in the state's folder.",
        (o, t) => SettingText.Path(t).Then<ServerOptions>(v => o with { CacheFolder = v }));

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("listen", "URL", "Address to listen on, http or https, several between spaces. Default: http://127.0.0.1:8470.",
            (o, t) => SettingText.Addresses(t).Then<ServerOptions>(v => o with { Listen = v })),
        new("certificate", "FILE", "Certificate for https with its chain, PEM. A renewed file is taken up while the server runs.",
            (o, t) => SettingText.Path(t).Then<ServerOptions>(v => o with { Certificate = v })),
        new("certificateKey", "FILE", "The certificate's secret key, PEM. Default: the certificate's file.",
            (o, t) => SettingText.Path(t).Then<ServerOptions>(v => o with { CertificateKey = v })),
        StateFolder,
        Database,
        KeysFolder,
        CacheFolder,
        new("broker", "URL",
            "Gives builds to workers over RabbitMQ (amqp://user:password@host:5672/vhost), and runs none in this process. See "
            + "`elivepatchd worker --help`.",
            (o, t) => BrokerAddress.Parse(t).Then<ServerOptions>(v => o with { Broker = v })),
        new("leaseSeconds", "NUMBER", "How long a worker that is not heard of keeps its builds. Default: 10.",
            (o, t) => SettingText.Number(t, 2, 600).Then<ServerOptions>(v => o with { LeaseSeconds = v })),
        new("builders", "NUMBER", "Builds at once. Default: half of the processors.",
            (o, t) => SettingText.Number(t, 1, 256).Then<ServerOptions>(v => o with { Builders = v })),
        new("testPolicy", "POLICY",
            "Tests in a virtual machine before a livepatch is published: auto (where the boot image is known), required, "
            + "optional, off. Default: auto.",
            (o, t) => SettingText.Word<TrialPolicy>(t).Then<ServerOptions>(v => o with { TestPolicy = v })),
        new("scriptSeconds", "SECONDS", "How long a test's script may take, each of the four times that it runs. Default: 120.",
            (o, t) => SettingText.Number(t, 1, 3600).Then<ServerOptions>(v => o with { ScriptSeconds = v })),
        new("unitsPerBuild", "NUMBER",
            "Units of C that may include what a patch changes; each takes a second or more to compare. Default: 400.",
            (o, t) => SettingText.Number(t, 1, 100_000).Then<ServerOptions>(v => o with { UnitsPerBuild = v })),
        new("manifestDays", "DAYS", "How long a manifest may be believed. Default: 30.",
            (o, t) => SettingText.Number(t, 1, 3650).Then<ServerOptions>(v => o with { ManifestDays = v })),
        new("moduleKey", "FILE", "Secret key that modules are signed with for kernels that ask for it, PEM. Default: none.",
            (o, t) => SettingText.Path(t).Then<ServerOptions>(v => o with { ModuleKey = v })),
        new("moduleCertificate", "FILE", "Certificate of that key, PEM.",
            (o, t) => SettingText.Path(t).Then<ServerOptions>(v => o with { ModuleCertificate = v })),
        new("allowBuildPatches", "BOOL", "Takes base patches that change Makefiles, Kconfig or scripts. Default: false.",
            (o, t) => SettingText.Truth(t).Then<ServerOptions>(v => o with { AllowBuildPatches = v })),
        new("allowUploadedSource", "BOOL", "Takes a kernel's source from clients, each for its own builds. Default: true.",
            (o, t) => SettingText.Truth(t).Then<ServerOptions>(v => o with { AllowUploadedSource = v })),
        new("sources", "JSON",
            "Where sources come from: an array of {kind: debian|mirror|tree|git, release, location, digests}. Default: debian.",
            (o, t) => SettingText.Sources(t).Then<ServerOptions>(v => o with { Sources = v })),
        new("maxCaptureBytes", "BYTES", "Largest capture, compressed. Default: 64MiB.",
            (o, t) => SettingText.Bytes(t).Then<ServerOptions>(v => o with { MaxCaptureBytes = v })),
        new("maxSourceBytes", "BYTES", "Largest source archive. Default: 2GiB.",
            (o, t) => SettingText.Bytes(t).Then<ServerOptions>(v => o with { MaxSourceBytes = v })),
        new("partBytesPerToken", "BYTES", "Largest size of all sources and boot images of a token together. Default: 16GiB.",
            (o, t) => SettingText.Bytes(t).Then<ServerOptions>(v => o with { PartBytesPerToken = v })),
        new("maxSubmissionBytes", "BYTES", "Largest submission. Default: 32MiB.",
            (o, t) => SettingText.Bytes(t).Then<ServerOptions>(v => o with { MaxSubmissionBytes = v })),
        new("firstApi", "BOOL",
            "Answers clients of the first elivepatch (API v1.0), which have no tokens: whoever reaches the server may ask for builds. "
            + "Default: false.",
            (o, t) => SettingText.Truth(t).Then<ServerOptions>(v => o with { FirstApi = v })),
        new("requestsPerMinute", "NUMBER", "Requests that a token may make in a minute, or an address without one. Default: 600.",
            (o, t) => SettingText.Number(t, 1, 1_000_000).Then<ServerOptions>(v => o with { RequestsPerMinute = v })),
        new("openBuildsPerToken", "NUMBER", "Builds of a token that may wait or run. Default: 20.",
            (o, t) => SettingText.Number(t, 1, 100_000).Then<ServerOptions>(v => o with { OpenBuildsPerToken = v })),
        new("buildDays", "DAYS", "How long a build is kept that nobody asks for or fetches any more; 0 for ever. Default: 90.",
            (o, t) => SettingText.Number(t, 0, 36_500).Then<ServerOptions>(v => o with { BuildDays = v })),
        new("auditDays", "DAYS", "How long entries of the audit log are kept. Default: 400.",
            (o, t) => SettingText.Number(t, 1, 36_500).Then<ServerOptions>(v => o with { AuditDays = v })),
        new("machineDays", "DAYS", "How long a machine is kept that does not report any more. Default: 30.",
            (o, t) => SettingText.Number(t, 1, 3650).Then<ServerOptions>(v => o with { MachineDays = v })),
        new("otlpEndpoint", "URL", "Collector of traces and metrics, OTLP over HTTP (http://127.0.0.1:4318). Default: none.",
            (o, t) => SettingText.Url(t).Then<ServerOptions>(v => o with { OtlpEndpoint = v })),
    ];

    /// <summary>What is wrong between settings that are right each by itself.</summary>
    public static IReadOnlyList<Problem> Contradictions(ServerOptions options)
    {
        var reasons = new List<string>();
        if (options.Listen.Any(a => a.Scheme == "https") && options.Certificate is null)
            reasons.Add("listen asks for https, and there is no certificate");
        if (options.Certificate is not null && options.Listen.All(a => a.Scheme != "https"))
            reasons.Add("certificate is set, and no address of listen is https");
        if (options.CertificateKey is not null && options.Certificate is null)
            reasons.Add("certificateKey is set without certificate");
        if (options.ModuleKey is null != (options.ModuleCertificate is null))
            reasons.Add("moduleKey and moduleCertificate go together, and one is missing");
        return [.. reasons.Select(r => new Problem(BuilderProblems.ConfigurationInvalid, r))];
    }
}
