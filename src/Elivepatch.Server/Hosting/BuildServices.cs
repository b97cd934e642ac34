// In: the options. Out: all that builds need, opened: cache, sources, the key for modules. What is configured and cannot be used
// keeps the server from starting: nobody should learn of it by a failed build.

using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Builder.Telemetry;
using Elivepatch.Builder.Workers;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Server.Builds;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Kernels;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;
using Elivepatch.Server.Work;

namespace Elivepatch.Server.Hosting;

/// <summary>What builds need.</summary>
internal sealed record BuildServices
{
    private BuildServices(ServerOptions options, CacheRoot cache, IReadOnlyList<SourceEntry> sources, ModuleSigner? signer) =>
        (Options, Cache, Sources, Signer) = (options, cache, sources, signer);

    private ServerOptions Options { get; }

    private CacheRoot Cache { get; }

    private IReadOnlyList<SourceEntry> Sources { get; }

    private ModuleSigner? Signer { get; }

    /// <summary>Opens them.</summary>
    public static Outcome<BuildServices> Open(ServerOptions options)
    {
        var entries = options.Sources.Select(s => s.ToEntry()).ToList();
        if (entries.SelectMany(e => e.Problems).ToList() is { Count: > 0 } problems)
        {
            return Outcome<BuildServices>.Failure(problems);
        }

        var sources = entries.ConvertAll(e => e.Value);
        return CacheRoot
            .Open(options.CacheFolder)
            .Then(cache =>
                options is { ModuleKey: { } key, ModuleCertificate: { } certificate }
                    ? ModuleSigner
                        .Open(key, certificate)
                        .Then<BuildServices>(signer => new BuildServices(options, cache, sources, signer))
                    : new BuildServices(options, cache, sources, null)
            );
    }

    /// <summary>Adds them.</summary>
    public void Add(IServiceCollection services)
    {
        services.AddSingleton(Cache);
        services.AddSingleton(
            new ServicePolicy
            {
                Trial = Options.TestPolicy,
                ScriptTime = TimeSpan.FromSeconds(Options.ScriptSeconds),
                MostUnits = Options.UnitsPerBuild,
                AllowBuildPatches = Options.AllowBuildPatches,
                AllowUploadedSource = Options.AllowUploadedSource,
                PartBytesPerToken = Options.PartBytesPerToken,
                OpenBuildsPerToken = Options.OpenBuildsPerToken,
                ModuleCertificate = Signer?.CertificateDigest,
            }
        );
        services.AddSingleton(DispatcherOptions.Default with { Builders = Options.Broker is null ? Options.Builders : 0 });
        services.AddSingleton(WorkPolicy.Default with { HeldFor = TimeSpan.FromSeconds(Options.LeaseSeconds) });
        services.AddSingleton(s => new KernelSources(Cache, Sources, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ToolchainsForWorkers>().AddHostedService(s => s.GetRequiredService<ToolchainsForWorkers>());
        services
            .AddSingleton<BuildSignals>()
            .AddSingleton<KernelRegistry>()
            .AddSingleton<BuildIntake>()
            .AddSingleton<ProductStore>();
        services.AddSingleton(s => new ManifestSigner(
            s.GetRequiredService<KeyRing>(),
            s.GetRequiredService<BlobStore>(),
            TimeSpan.FromDays(Options.ManifestDays),
            s.GetRequiredService<TimeProvider>()
        ));
        services.AddSingleton(s => new RemoteBuilds(
            s.GetRequiredService<BuildTable>(),
            s.GetRequiredService<KernelTable>(),
            s.GetRequiredService<WorkerTable>(),
            s.GetRequiredService<BlobStore>(),
            s.GetRequiredService<ProductStore>(),
            s.GetRequiredService<ToolchainsForWorkers>(),
            s.GetRequiredService<ServicePolicy>(),
            s.GetRequiredService<WorkPolicy>(),
            Signer
        ));
        if (Options.Broker is { } broker)
        {
            AddBroker(services, broker);
        }
        else
        {
            AddBuilders(services);
        }
    }

    // Who has a broker has workers, and leaves all builds to them.
    private static void AddBroker(IServiceCollection services, BrokerAddress broker)
    {
        services.AddSingleton(broker).AddSingleton<BuildPublisher>().AddSingleton<BrokerDispatch>();
        services
            .AddSingleton<IBuildDispatch>(s => s.GetRequiredService<BrokerDispatch>())
            .AddSingleton<ICompilers, CompilersOfWorkers>();
        services
            .AddHostedService<Redispatch>()
            .AddSingleton<DeadLetterBuilds>()
            .AddHostedService(s => s.GetRequiredService<DeadLetterBuilds>());
    }

    private void AddBuilders(IServiceCollection services)
    {
        services
            .AddSingleton<IBuildDispatch, LocalDispatch>()
            .AddSingleton<ICompilers>(s => new LocalCompilers(Cache, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(CreateRun);
        services.AddHostedService<BuildDispatcher>();
    }

    private BuildRun CreateRun(IServiceProvider services)
    {
        var job = new BuildJob(
            Cache,
            services.GetRequiredService<KernelSources>(),
            services.GetRequiredService<ServicePolicy>(),
            Signer is { } signer ? (module, config, _) => Task.FromResult(signer.Sign(module, config)) : null,
            services.GetRequiredService<TimeProvider>()
        );
        return TracedBuilds.Trace(job.RunAsync);
    }
}
