using System.Globalization;
using Elivepatch.Builder;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Sources;
using Elivepatch.Model;
using Elivepatch.Server.Configuration;

namespace Elivepatch.Server.Tests.Configuration;

/// <summary>What the operator set, from wherever.</summary>
public sealed class ConfigurationReaderTests : IDisposable
{
    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void Without_any_setting_it_serves_on_the_loopback()
    {
        var options = Read().Value;
        Assert.Equal([new Uri("http://127.0.0.1:8470")], options.Listen);
        Assert.Equal("/home/somebody/.local/state/elivepatchd", options.StateFolder);
        Assert.Equal("/home/somebody/.local/state/elivepatchd/cache", options.CacheFolder);
        Assert.Equal(TrialPolicy.Auto, options.TestPolicy);
        Assert.Equal([new SourceOptions(SourceOrigin.Debian)], options.Sources);
        Assert.Equal(64L << 20, options.MaxCaptureBytes);
        Assert.False(options.AllowBuildPatches);
    }

    [Theory]
    [InlineData(null, null, true, "/var/lib/elivepatchd")]
    [InlineData("/var/lib/one:/var/lib/two", null, false, "/var/lib/one")]
    [InlineData("/var/lib/one", null, true, "/var/lib/one")]
    [InlineData("", "/xdg", false, "/xdg/elivepatchd")]
    [InlineData(null, "relative", false, "/home/somebody/.local/state/elivepatchd")]
    public void The_state_lies_where_the_service_manager_or_the_system_has_it(
        string? stateDirectory,
        string? xdg,
        bool isRoot,
        string expected
    )
    {
        var environment = new Dictionary<string, string> { ["HOME"] = "/home/somebody" };
        if (stateDirectory is not null)
        {
            environment["STATE_DIRECTORY"] = stateDirectory;
        }

        if (xdg is not null)
        {
            environment["XDG_STATE_HOME"] = xdg;
        }

        Assert.Equal(
            expected,
            ConfigurationReader
                .Read(
                    new()
                    {
                        Environment = environment,
                        IsRoot = isRoot,
                        DefaultFile = "/nonexistent",
                    }
                )
                .Value.StateFolder
        );
    }

    [Fact]
    public void A_flag_is_stronger_than_the_environment_and_that_than_the_file()
    {
        var file = scratch.Write("config.json", """{"builders": 2, "manifestDays": 2, "auditDays": 2}""");
        var options = Read(
            file,
            new() { ["ELIVEPATCHD_BUILDERS"] = "3", ["ELIVEPATCHD_MANIFEST_DAYS"] = "3" },
            new() { ["builders"] = "4" }
        ).Value;
        Assert.Equal((4, 3, 2), (options.Builders, options.ManifestDays, options.AuditDays));
    }

    [Fact]
    public void The_file_may_be_named_by_the_environment_and_a_flag_names_a_stronger_one()
    {
        var one = scratch.Write("one.json", """{"builders": 11}""");
        var two = scratch.Write("two.json", """{"builders": 12}""");
        Assert.Equal(11, Read(null, new() { ["ELIVEPATCHD_CONFIG"] = one }).Value.Builders);
        Assert.Equal(12, Read(two, new() { ["ELIVEPATCHD_CONFIG"] = one }).Value.Builders);
    }

    [Fact]
    public void The_usual_file_need_not_be_there_and_one_that_is_named_has_to()
    {
        Assert.True(
            ConfigurationReader
                .Read(new() { Environment = new Dictionary<string, string>(), DefaultFile = scratch.PathOf("none.json") })
                .Succeeded
        );
        var problem = Assert.Single(Read(scratch.PathOf("none.json")).Problems);
        Assert.Equal(BuilderProblems.ConfigurationInvalid, problem.Code);
        Assert.Contains("none.json", problem.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Comments_and_a_comma_too_many_are_fine()
    {
        var file = scratch.Write(
            "config.json",
            "{\n  // how many\n  \"builders\": 5,\n  \"listen\": [\"http://127.0.0.1:1\", \"http://[::1]:2\",],\n}"
        );
        var options = Read(file).Value;
        Assert.Equal(5, options.Builders);
        Assert.Equal([new Uri("http://127.0.0.1:1"), new Uri("http://[::1]:2")], options.Listen);
    }

    public static TheoryData<string, string> WrongFiles =>
        new()
        {
            { """{"biulders": 2}""", "biulders in the file" },
            { """{"Builders": 2}""", "Builders in the file" },
            { """{"builders": 0}""", "builders in the file" },
            { """{"builders": -1}""", "builders in the file" },
            { """{"builders": 1.5}""", "builders in the file" },
            { """{"builders": true}""", "builders in the file" },
            { """{"builders": null}""", "builders in the file" },
            { """{"builders": {}}""", "builders in the file" },
            { """{"builders": 2, "builders": 3}""", "builders" },
            { """{"testPolicy": "sometimes"}""", "testPolicy in the file" },
            { """{"testPolicy": "0"}""", "testPolicy in the file" },
            { """{"allowBuildPatches": "yes"}""", "allowBuildPatches in the file" },
            { """{"allowBuildPatches": 1}""", "allowBuildPatches in the file" },
            { """{"listen": "https://0.0.0.0:1"}""", "there is no certificate" },
            { """{"certificate": "/c.pem"}""", "listen has no https address" },
            { """{"certificateKey": "/c.pem"}""", "certificateKey is set without certificate" },
            { """{"moduleKey": "/m.pem"}""", "moduleKey and moduleCertificate must be set together" },
            { """{"moduleCertificate": "/m.pem"}""", "moduleKey and moduleCertificate must be set together" },
            { """{"listen": []}""", "listen in the file" },
            { """{"listen": ""}""", "listen in the file" },
            { """{"listen": "127.0.0.1:8470"}""", "listen in the file" },
            { """{"listen": "http://example.invalid:80"}""", "write the numeric address" },
            { """{"listen": "http://127.0.0.1:80/x"}""", "more than an address and a port" },
            { """{"listen": "http://a@127.0.0.1:80"}""", "more than an address and a port" },
            { """{"listen": "ftp://127.0.0.1:80"}""", "listen in the file" },
            { """{"listen": "http://127.0.0.1:99999"}""", "listen in the file" },
            { """{"maxCaptureBytes": "1TB"}""", "maxCaptureBytes in the file" },
            { """{"maxCaptureBytes": "99999999999GiB"}""", "maxCaptureBytes in the file" },
            { """{"maxCaptureBytes": 0}""", "maxCaptureBytes in the file" },
            { """{"otlpEndpoint": "collector:4317"}""", "otlpEndpoint in the file" },
            { """{"stateFolder": ""}""", "stateFolder in the file" },
            { """{"sources": "debian"}""", "sources in the file" },
            { """{"sources": [{"kind": "ftp"}]}""", "entry 1" },
            { """{"sources": [{"kind": "debian"}, {"kind": "tree"}]}""", "entry 2: its location is missing" },
            { """{"sources": [{"kind": "mirror", "location": "https://m.invalid"}]}""", "digests is missing" },
            { """{"sources": [{"kind": "tree", "location": "/usr/src", "digests": "/x"}]}""", "only a mirror has digests" },
            { """{"sources": [{"kind": "debian", "location": "/x"}]}""", "debian has no location" },
            { """{"sources": [{"kind": "debian", "realese": "6.*"}]}""", "realese is unknown" },
            { """{"sources": [{"kind": "debian", "release": 6}]}""", "release is not text" },
            { """[]""", "not a JSON object" },
            { """{""", "the file" },
            { "", "the file" },
            { new string('[', 1000), "the file" },
            { $$"""{"stateFolder": "{{new string('x', 2 << 20)}}"}""", "more than" },
        };

    [Theory]
    [MemberData(nameof(WrongFiles))]
    public void A_file_that_makes_no_sense_is_refused_with_the_setting_and_its_place(string text, string expected)
    {
        var outcome = Read(scratch.Write("config.json", text));
        Assert.All(outcome.Problems, p => Assert.Equal("ELP1017", p.Code.Id));
        Assert.Contains(outcome.Problems, p => p.Reason.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Everything_that_is_wrong_is_told_at_once()
    {
        var file = scratch.Write("config.json", """{"builders": 0, "manifestDays": 0}""");
        var outcome = Read(file, new() { ["ELIVEPATCHD_AUDIT_DAYS"] = "x" }, new() { ["testPolicy"] = "x" });
        Assert.Equal(
            [
                $"builders in the file {file}",
                $"manifestDays in the file {file}",
                "ELIVEPATCHD_AUDIT_DAYS in the environment",
                "--test-policy on the command line",
            ],
            outcome.Problems.Select(p => p.Reason.Split(": ")[0])
        );
    }

    [Fact]
    public void An_unknown_variable_is_refused_and_those_of_others_are_not_looked_at()
    {
        Assert.True(Read(null, new() { ["ELIVEPATCH_CACHE"] = "/x", ["PATH"] = "/bin" }).Succeeded);
        var problem = Assert.Single(Read(null, new() { ["ELIVEPATCHD_BIULDERS"] = "2" }).Problems);
        Assert.Equal("ELIVEPATCHD_BIULDERS in the environment: there is no such setting", problem.Reason);
    }

    [Fact]
    public void A_wrong_value_counts_though_a_stronger_origin_replaces_it() =>
        Assert.False(Read(scratch.Write("config.json", """{"builders": 0}"""), null, new() { ["builders"] = "4" }).Succeeded);

    [Theory]
    [InlineData("1", 1)]
    [InlineData("64KiB", 65536)]
    [InlineData("3 MiB", 3 << 20)]
    [InlineData("1024GiB", 1L << 40)]
    public void Bytes_may_have_a_unit(string text, long expected) =>
        Assert.Equal(expected, Read(null, new() { ["ELIVEPATCHD_MAX_CAPTURE_BYTES"] = text }).Value.MaxCaptureBytes);

    [Fact]
    public void Sources_are_asked_in_their_order()
    {
        var file = scratch.Write(
            "config.json",
            """
            {"sources": [
              {"kind": "tree", "release": "6.1.*-own", "location": "/usr/src/own"},
              {"kind": "mirror", "location": "https://mirror.invalid/linux", "digests": "/etc/elivepatchd/sha256sums"},
              {"kind": "debian"}
            ]}
            """
        );
        Assert.Equal(
            [
                new(SourceOrigin.Tree, "6.1.*-own", "/usr/src/own"),
                new(SourceOrigin.Mirror, "*", "https://mirror.invalid/linux", "/etc/elivepatchd/sha256sums"),
                new(SourceOrigin.Debian),
            ],
            Read(file).Value.Sources
        );
    }

    [Fact]
    public void Every_setting_can_be_given_by_each_origin()
    {
        Assert.Equal(Settings.All.Count, Settings.All.Select(s => s.Flag).Distinct().Count());
        Assert.Equal("--max-capture-bytes", Settings.All.Single(s => s.Name == "maxCaptureBytes").Flag);
        Assert.Equal("ELIVEPATCHD_MAX_CAPTURE_BYTES", Settings.All.Single(s => s.Name == "maxCaptureBytes").Variable);
        // Each property of the options is a setting: none is forgotten.
        Assert.Equal(
            typeof(ServerOptions)
                .GetProperties()
                .Where(p => p.Name != "EqualityContract")
                .Select(p => char.ToLower(p.Name[0], CultureInfo.InvariantCulture) + p.Name[1..])
                .Order(StringComparer.Ordinal),
            Settings.All.Select(s => s.Name).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Every_setting_is_in_the_operators_document()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operating.md"));
        Assert.All(Settings.All, s => Assert.Contains($"| `{s.Name}` |", document, StringComparison.Ordinal));
    }

    private static Outcome<ServerOptions> Read(
        string? file = null,
        Dictionary<string, string>? environment = null,
        Dictionary<string, string>? flags = null
    ) =>
        ConfigurationReader.Read(
            new()
            {
                File = file,
                DefaultFile = "/nonexistent/config.json",
                Environment = new Dictionary<string, string>(environment ?? []) { ["HOME"] = "/home/somebody" },
                Flags = flags ?? [],
            }
        );
}
