using Elivepatch.Builder.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Elivepatch.Server.Telemetry;

/// <summary>Sends traces and metrics to a collector, by OTLP over HTTP. Without one nothing is measured.</summary>
internal sealed class TelemetryExport : IDisposable
{
    private readonly TracerProvider traces;
    private readonly MeterProvider metrics;

    /// <summary>Begins to send.</summary>
    /// <param name="collector">The collector's URL, without a path of its own for each kind.</param>
    /// <param name="version">The server's version.</param>
    public TelemetryExport(Uri collector, string version)
    {
        var resource = ResourceBuilder.CreateDefault().AddService("elivepatchd", serviceVersion: version);
        traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource(BuildTelemetry.Name, "Microsoft.AspNetCore")
            .AddOtlpExporter(o => Set(o, collector, "v1/traces"))
            .Build();
        metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter(
                BuildTelemetry.Name,
                "Microsoft.AspNetCore.Hosting",
                "Microsoft.AspNetCore.Server.Kestrel",
                "Microsoft.AspNetCore.RateLimiting",
                "System.Runtime"
            )
            .AddOtlpExporter(o => Set(o, collector, "v1/metrics"))
            .Build();
    }

    /// <summary>Sends what is left.</summary>
    public void Dispose()
    {
        traces.Dispose();
        metrics.Dispose();
    }

    private static void Set(OtlpExporterOptions options, Uri collector, string path)
    {
        options.Protocol = OtlpExportProtocol.HttpProtobuf;
        options.Endpoint = new(collector.AbsoluteUri.TrimEnd('/') + "/" + path);
    }
}
