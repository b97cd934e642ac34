using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace Elivepatch.House.Tests;

/// <summary>
/// What the program on machines is made of. It runs as root on all of them: what it does not need is neither carried nor trusted
/// there, and what it has can be compiled ahead of time.
/// </summary>
public sealed class MachineProgramTests
{
    private const string Program = "Elivepatch.Client";
    private static readonly string[] projects =
    [
        "Elivepatch.Client",
        "Elivepatch.Elf",
        "Elivepatch.Machine",
        "Elivepatch.Model",
        "Elivepatch.Protocol",
        "Elivepatch.Terminal",
    ];
    private static readonly string[] packages = ["System.CommandLine", "YamlDotNet"];

    [Fact]
    public void Its_projects_refer_to_nothing_but_what_a_machine_needs()
    {
        var (found, needed) = (new SortedSet<string>(StringComparer.Ordinal), new SortedSet<string>(StringComparer.Ordinal));
        var open = new Queue<string>([Program]);
        while (open.TryDequeue(out var project))
        {
            if (!found.Add(project))
            {
                continue;
            }

            var file = XDocument.Load(Path.Combine(Repository.Root, "src", project, project + ".csproj"));
            foreach (var reference in file.Descendants("ProjectReference"))
            {
                open.Enqueue(Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value));
            }

            needed.UnionWith(file.Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value));
        }

        Assert.Equal(projects, found);
        Assert.Equal(packages, needed);
    }

    [Fact]
    public void Its_assemblies_use_nothing_but_what_a_machine_needs()
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        var open = new Queue<Assembly>([ProductAssemblies.Named(Program)]);
        while (open.TryDequeue(out var assembly))
        {
            // What lies elsewhere is .NET's own.
            if (
                !assembly.Location.StartsWith(AppContext.BaseDirectory, StringComparison.Ordinal)
                || !found.Add(assembly.GetName().Name!)
            )
            {
                continue;
            }

            foreach (var reference in assembly.GetReferencedAssemblies())
            {
                open.Enqueue(Assembly.Load(reference));
            }
        }

        Assert.Equal([.. projects.Select(ProductAssemblies.NameOf).Concat(packages).Order(StringComparer.Ordinal)], found);
    }

    [Fact]
    public void Of_the_reader_of_yaml_only_the_parser_is_used_for_the_rest_works_by_reflection()
    {
        using var file = new PEReader(File.OpenRead(ProductAssemblies.Named("Elivepatch.Protocol").Location));
        var reader = file.GetMetadataReader();
        var used = reader
            .TypeReferences.Select(reader.GetTypeReference)
            .Where(t =>
                t.ResolutionScope.Kind == HandleKind.AssemblyReference
                && reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)t.ResolutionScope).Name) == "YamlDotNet"
            )
            .Select(t => reader.GetString(t.Namespace))
            .ToHashSet();
        Assert.NotEmpty(used);
        Assert.All(used, n => Assert.StartsWith("YamlDotNet.Core", n, StringComparison.Ordinal));
    }
}
