using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Elivepatch.Client.Tests;

/// <summary>The real executable, which hands the verbs of authors over to a program that is a script here.</summary>
public sealed partial class AuthorProgramTests : IDisposable
{
    private const string Echo = "printf '%s|' \"$@\"; exit 3";

    // What `elivepatch` is made of, without what the tests have besides.
    private static readonly string[] parts =
    [
        "elivepatch",
        "elivepatch.dll",
        "elivepatch.runtimeconfig.json",
        "Elivepatch.Machine.dll",
        "Elivepatch.Protocol.dll",
        "Elivepatch.Model.dll",
        "Elivepatch.Terminal.dll",
        "Elivepatch.Elf.dll",
        "System.CommandLine.dll",
        "YamlDotNet.dll",
    ];

    private readonly Scratch scratch = new();

    public AuthorProgramTests()
    {
        Directory.CreateDirectory(scratch.PathOf("usr/bin"));
        foreach (var part in parts)
        {
            File.Copy(Path.Combine(AppContext.BaseDirectory, part), scratch.PathOf($"usr/bin/{part}"));
        }
        // What $PATH and the current folder have is never run.
        Script("elsewhere/elivepatch-author", "echo wrong");
    }

    [Theory]
    [InlineData("usr/bin/elivepatch-author")]
    [InlineData("usr/libexec/elivepatch/elivepatch-author")]
    public async Task A_verb_of_authors_is_run_by_their_program_with_the_same_words(string place)
    {
        Script(place, Echo);
        Assert.Equal(
            (3, "build|--name|a  b|-|--help|", ""),
            await RunAsync(scratch.PathOf("usr/bin/elivepatch"), "build", "--name", "a  b", "-", "--help")
        );
        Assert.Equal(
            (3, "--help|kernel|list|", ""),
            await RunAsync(scratch.PathOf("usr/bin/elivepatch"), "--help", "kernel", "list")
        );
    }

    [Fact]
    public async Task What_lies_beside_it_comes_first_and_links_to_it_are_followed()
    {
        Script("usr/bin/elivepatch-author", Echo);
        Script("usr/libexec/elivepatch/elivepatch-author", "echo wrong");
        File.CreateSymbolicLink(scratch.PathOf("elsewhere/elivepatch"), "../usr/bin/elivepatch");
        Assert.Equal((3, "try|", ""), await RunAsync(scratch.PathOf("elsewhere/elivepatch"), "try"));
    }

    [Fact]
    public async Task Where_it_is_not_installed_that_is_said_with_the_places()
    {
        var places =
            $"there is no {scratch.PathOf("usr/bin/elivepatch-author")} and no {scratch.PathOf("usr/libexec/elivepatch/elivepatch-author")}";
        var (status, output, error) = await RunAsync(scratch.PathOf("usr/bin/elivepatch"), "inspect", "a.ko");
        Assert.Equal((1, ""), (status, output));
        Assert.StartsWith(
            $"ELP0955 elivepatch-author, which runs this verb, is not installed\n  {places}\n",
            error,
            StringComparison.Ordinal
        );

        (status, output, error) = await RunAsync(scratch.PathOf("usr/bin/elivepatch"), "inspect", "a.ko", "--json");
        Assert.Equal((1, ""), (status, error));
        var problem = Assert.Single(JsonDocument.Parse(output).RootElement.EnumerateArray());
        Assert.Equal(("ELP0955", places), (problem.GetProperty("code").GetString(), problem.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task One_that_cannot_be_run_is_named()
    {
        File.WriteAllText(scratch.PathOf("usr/bin/elivepatch-author"), "");
        var (status, _, error) = await RunAsync(scratch.PathOf("usr/bin/elivepatch"), "diff");
        Assert.Equal(1, status);
        Assert.Contains(
            $"\n  {scratch.PathOf("usr/bin/elivepatch-author")} cannot be run: Permission denied\n",
            error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Verbs_of_a_machine_stay_here_whatever_their_arguments_are_called()
    {
        Script("usr/bin/elivepatch-author", "echo wrong");
        var (status, output, error) = await RunAsync(scratch.PathOf("usr/bin/elivepatch"), "verify", "build");
        Assert.Equal((2, ""), (status, output));
        Assert.Contains("build does not exist", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Signals_reach_it_for_it_is_the_same_process()
    {
        Script("usr/bin/elivepatch-author", "trap 'exit 7' TERM; echo $$; while :; do sleep 0.05; done");
        using var process = Start(scratch.PathOf("usr/bin/elivepatch"), "build");
        Assert.Equal(
            process.Id,
            int.Parse(
                (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!,
                CultureInfo.InvariantCulture
            )
        );
        Assert.Equal(0, Kill(process.Id, 15));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(7, process.ExitCode);
    }

    public void Dispose() => scratch.Dispose();

    private void Script(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(scratch.PathOf(name))!);
        scratch.Write(name, $"#!/bin/bash\n{text}\n");
        File.SetUnixFileMode(scratch.PathOf(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private Process Start(string program, params string[] words)
    {
        var start = new ProcessStartInfo(program, words)
        {
            WorkingDirectory = scratch.PathOf("elsewhere"),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{scratch.PathOf("elsewhere")}:{Environment.GetEnvironmentVariable("PATH")}";
        return Process.Start(start)!;
    }

    private async Task<(int Status, string Output, string Error)> RunAsync(string program, params string[] words)
    {
        using var process = Start(program, words);
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
