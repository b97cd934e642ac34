using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Elivepatch.Client.Tests.Machine;
using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Client.Tests.Service;

/// <summary><c>elivepatch patch</c> against an honest server.</summary>
public sealed class PatchCommandTests
{
    [Fact]
    public async Task A_patch_becomes_live_and_the_stages_are_told()
    {
        await using var bench = await PatchBench.StartAsync();
        var run = await bench.MustAsync("patch", bench.Patch("fix.patch"));
        var name = Assert.Single(bench.Machine.Live);
        Assert.StartsWith("livepatch_fix_", name, StringComparison.Ordinal);
        Assert.Equal([name], bench.Machine.Loaded);
        Assert.Matches(
            $"""
            ^{name}: live after \d+\.\d s
              fix.patch
              tested in a virtual machine by the server
              until the machine restarts; `elivepatch persist` loads it again at boot
            $
            """.TrimEnd(),
            run.Output
        );
        var stages = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(':')[0]).Distinct();
        Assert.Equal(["capture", "ask", "wait for a builder", "compile", "test", "fetch", "verify", "load", "go live"], stages);
        var sent = Assert.Single(bench.Server.Submissions);
        Assert.Equal(("k1", name, true), (sent.Kernel, sent.Name, sent.Replace));
        Assert.Equal("--- fix.patch\n", Encoding.UTF8.GetString(Assert.Single(sent.Patches).Content));
        Assert.Equal(
            (FakeMachine.Release, FakeMachine.BuildId),
            (bench.Server.Captures[0].Release, bench.Server.Captures[0].BuildId)
        );
        Assert.Equal(bench.Ledger().Wanted, Assert.Single(bench.Ledger().Livepatches).Sha256);
    }

    [Fact]
    public async Task A_new_livepatch_carries_the_live_patches_and_replaces_the_old_one()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var old = bench.Machine.Live[0];
        var run = await bench.MustAsync("patch", bench.Patch("b.patch"), bench.Patch("c.patch"));
        Assert.Equal(["a.patch", "b.patch", "c.patch"], bench.Server.Submissions[1].Patches.Select(p => p.Name));
        Assert.Contains($"  in place of {old}\n", run.Output, StringComparison.Ordinal);
        // The replaced module is unloaded: only the new one is left.
        Assert.Equal(bench.Machine.Live, bench.Machine.Modules);
        Assert.Equal(["a.patch", "b.patch", "c.patch"], bench.LivePatches());
        // What no livepatch needs any more does not stay on the disk.
        Assert.Equal(
            5,
            Directory.GetFiles(bench.Machine.PathOf($"var/lib/elivepatch/kernels/{FakeMachine.BuildId}/content")).Length
        );
    }

    [Fact]
    public async Task Statements_are_asked_with_until_others_are_given()
    {
        await using var bench = await PatchBench.StartAsync();
        var statements = bench.Scratch.Write(
            "a.yaml",
            "- layout-is-safe: struct box\n  unit: fs/box.c\n  reason: it lies in padding\n"
        );
        var statement = new AuthorStatement(StatementKind.LayoutIsSafe, "fs/box.c", "struct box", "it lies in padding");
        await bench.MustAsync("patch", "--statements", statements, bench.Patch("a.patch"));
        Assert.Equal([statement], bench.Server.Submissions[0].Statements);
        Assert.Contains(
            "  stated by the author:\n    layout-is-safe: struct box in fs/box.c\n      it lies in padding\n",
            (await bench.MustAsync("status")).Output,
            StringComparison.Ordinal
        );

        await bench.MustAsync("patch", bench.Patch("b.patch"));
        Assert.Equal([statement], bench.Server.Submissions[1].Statements);

        // The same patches with other statements are another livepatch.
        var none = bench.Scratch.Write("none.yaml", "[]\n");
        await bench.MustAsync("patch", "--statements", none, bench.Patch("b.patch"));
        Assert.Empty(bench.Server.Submissions[2].Statements);
        Assert.NotEqual(bench.Server.Submissions[1].Name, bench.Server.Submissions[2].Name);
        Assert.Contains(
            "is live already",
            (await bench.MustAsync("patch", bench.Patch("b.patch"))).Output,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("stated", (await bench.MustAsync("status")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_that_rests_on_other_statements_is_not_believed()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Alter = statement =>
        {
            var definition = statement.Predicate.BuildDefinition;
            var asked = definition.ExternalParameters with
            {
                Statements = [new(StatementKind.LayoutIsSafe, "fs/box.c", "struct box", "it is so")],
            };
            return statement with
            {
                Predicate = statement.Predicate with { BuildDefinition = definition with { ExternalParameters = asked } },
            };
        };
        Assert.Equal("ELP1106", (await bench.FailAsync(4, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.Empty(bench.Machine.Loaded);
    }

    [Fact]
    public async Task A_statements_file_that_is_none_is_refused_before_a_server_is_asked()
    {
        await using var bench = await PatchBench.StartAsync();
        var statements = bench.Scratch.Write("a.yaml", "- force: everything\n");
        var problem = (await bench.FailAsync(2, "patch", "--statements", statements, bench.Patch("a.patch")))[0];
        Assert.Equal("ELP0954", problem.Code);
        Assert.StartsWith("a.yaml:1:3: `force` is not one of", problem.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("POST", string.Join('\n', bench.Server.Requests), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_patch_with_the_name_of_a_live_one_takes_its_place_and_another_can_be_dropped()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"), bench.Patch("b.patch"), bench.Patch("c.patch"));
        await bench.MustAsync("patch", bench.Patch("b.patch", "better"), "--drop", "a.patch");
        Assert.Equal(
            [("b.patch", "better"), ("c.patch", "--- c.patch\n")],
            bench.Server.Submissions[1].Patches.Select(p => (p.Name, Encoding.UTF8.GetString(p.Content)))
        );
        await bench.MustAsync("patch", "--drop", "c.patch");
        Assert.Equal(["b.patch"], bench.LivePatches());
        Assert.Contains(
            "'c.patch'; live are b.patch",
            (await bench.FailAsync(2, "patch", "--drop", "c.patch"))[0].Reason,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no patch would be left live",
            (await bench.FailAsync(2, "patch", "--drop", "b.patch"))[0].Reason,
            StringComparison.Ordinal
        );
        Assert.Equal(3, bench.Server.Submissions.Count);
    }

    [Fact]
    public async Task What_is_live_already_is_not_built_again()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var before = bench.Server.Requests.Count;
        Assert.Contains(
            "is live already",
            (await bench.MustAsync("patch", bench.Patch("a.patch"))).Output,
            StringComparison.Ordinal
        );
        // Only whether it has been withdrawn is asked.
        Assert.Equal(
            ["GET /api/v1/keys", $"GET /api/v1/withdrawals/{bench.Ledger().Livepatches[0].Sha256}"],
            bench.Server.Requests.Skip(before)
        );
    }

    [Fact]
    public async Task What_was_live_when_the_machine_went_down_is_carried_and_what_was_disabled_is_not()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        bench.Machine.Restart("second-boot");
        Assert.Contains(
            "not live since the machine restarted: a.patch",
            (await bench.MustAsync("status")).Output,
            StringComparison.Ordinal
        );
        await bench.MustAsync("patch", bench.Patch("b.patch"));
        Assert.Equal(["a.patch", "b.patch"], bench.LivePatches());
        await bench.MustAsync("disable", bench.Machine.Live[0]);
        await bench.MustAsync("patch", bench.Patch("c.patch"));
        Assert.Equal(["c.patch"], bench.LivePatches());
    }

    [Fact]
    public async Task What_somebody_disabled_without_this_command_is_not_carried()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        bench.Machine.Write($"sys/kernel/livepatch/{bench.Machine.Live[0]}/enabled", "0\n");
        await Eventually.IsTrueAsync(() => bench.Machine.Access.Files.Folders("sys/kernel/livepatch").Count == 0);
        await bench.MustAsync("patch", bench.Patch("b.patch"));
        Assert.Equal(["b.patch"], bench.LivePatches());
    }

    [Fact]
    public async Task A_livepatch_of_another_origin_is_not_taken_away_unless_that_is_allowed()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.LoadForeign("vendor_fix");
        Assert.Equal("ELP1210", (await bench.FailAsync(4, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.Empty(bench.Server.Submissions);
        Assert.Equal(["vendor_fix"], bench.Machine.Live);
        await bench.MustAsync("patch", bench.Patch("a.patch"), "--replace-foreign");
        Assert.StartsWith("livepatch_a_", Assert.Single(bench.Machine.Live), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_foreign_livepatch_that_comes_while_the_server_builds_is_not_taken_away_either()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Alter = statement =>
        {
            bench.Machine.LoadForeign("vendor_fix");
            return statement;
        };
        Assert.Equal("ELP1210", (await bench.FailAsync(4, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.Empty(bench.Machine.Loaded);
    }

    [Fact]
    public async Task Without_a_pinned_key_it_says_how_to_pin_one()
    {
        await using var bench = await PatchBench.StartAsync(trusts: false);
        var problem = (await bench.FailAsync(4, "patch", "--server", bench.Server.Url, bench.Patch("a.patch")))[0];
        Assert.Equal("ELP1110", problem.Code);
        Assert.Contains($"elivepatch trust --server {bench.Server.Url} --key", problem.Remedy, StringComparison.Ordinal);
        Assert.Empty(bench.Server.Requests);
        // A key for this run alone does as well.
        var pem = bench.Scratch.Write("server.pem", bench.Server.Key.Public.Pem);
        await bench.MustAsync("patch", "--server", bench.Server.Url, "--key", pem, bench.Patch("a.patch"));
        Assert.Single(bench.Machine.Live);
    }

    [Fact]
    public async Task A_key_that_the_pinned_one_endorsed_takes_its_place()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Rotate(isEndorsed: true);
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Equal(bench.Server.Key.Public.Pem, bench.Machine.StateFolder.ReadConfig().Value.Servers.Single().PublicKey);
        bench.Server.Rotate(isEndorsed: false);
        Assert.Equal("ELP1110", (await bench.FailAsync(4, "patch", bench.Patch("b.patch")))[0].Code);
    }

    [Fact]
    public async Task Missing_parts_are_sent_where_the_machine_has_them()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.Write($"boot/vmlinuz-{FakeMachine.Release}", "image");
        bench.Server.Missing.Add(new(KernelParts.BootImage, false, "for the test", true));
        bench.Server.Missing.Add(new(KernelParts.Source, true, "nothing can be built without it", true));
        var problem = (await bench.FailAsync(2, "patch", bench.Patch("a.patch")))[0];
        Assert.Equal(("ELP1011", "source: nothing can be built without it"), (problem.Code, problem.Reason));
        Assert.Contains("--source", problem.Remedy, StringComparison.Ordinal);
        Assert.Equal("image", Encoding.UTF8.GetString(bench.Server.Parts[KernelParts.BootImage]));
        await bench.MustAsync("patch", bench.Patch("a.patch"), "--source", bench.Scratch.Write("linux.tar", "source"));
        Assert.Equal("source", Encoding.UTF8.GetString(bench.Server.Parts[KernelParts.Source]));
    }

    [Fact]
    public async Task Modules_that_the_server_asks_for_are_sent_with_those_that_they_depend_on()
    {
        await using var bench = await PatchBench.StartAsync();
        var modules = $"lib/modules/{FakeMachine.Release}";
        bench.Machine.Write(
            $"{modules}/modules.dep",
            "kernel/nfs.ko.xz: kernel/sunrpc.ko.xz\nkernel/sunrpc.ko.xz:\nkernel/loop.ko:\n"
        );
        foreach (var file in new[] { "nfs.ko.xz", "sunrpc.ko.xz", "loop.ko" })
        {
            bench.Machine.Write($"{modules}/kernel/{file}", file);
        }

        bench.Server.End = build => Lacking(bench, build, "nfs", "loop");
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Equal(
            [("module:loop", "loop.ko"), ("module:nfs", "nfs.ko.xz"), ("module:sunrpc", "sunrpc.ko.xz")],
            bench.Server.Parts.Select(p => (p.Key, Encoding.UTF8.GetString(p.Value))).Order()
        );
        // One build for each answer: none, then nfs, then loop as well.
        Assert.Equal(["", "nfs sunrpc", "loop nfs sunrpc"], bench.Server.Submissions.Select(Names));
        Assert.All(
            bench.Server.Submissions[^1].Modules,
            m =>
                Assert.Equal(
                    Convert.ToHexStringLower(SHA256.HashData(bench.Server.Parts[KernelParts.OfModule(m.Name)])),
                    m.Sha256
                )
        );

        static string Names(BuildSubmission submission) => string.Join(' ', submission.Modules.Select(m => m.Name));
    }

    [Fact]
    public async Task A_module_in_whose_place_another_machine_has_put_its_own_is_sent_again_once()
    {
        await using var bench = await PatchBench.StartAsync();
        var modules = $"lib/modules/{FakeMachine.Release}";
        bench.Machine.Write($"{modules}/modules.dep", "nfs.ko:\n");
        bench.Machine.Write($"{modules}/nfs.ko", "nfs");
        bench.Server.End = build => Lacking(bench, build, "nfs");
        var refusals = 1;
        bench.Server.Instead["POST /api/v1/builds"] = async context =>
        {
            if (bench.Server.Parts.Count == 0 || refusals-- == 0)
            {
                await bench.Server.HonestAsync(context);
                return;
            }

            bench.Server.Parts.Clear();
            await FakeServer.ProblemAsync(context, 409, new ProblemReport("ELP1011", "incomplete", "nfs", "Send it."));
        };
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Equal("nfs", Encoding.UTF8.GetString(bench.Server.Parts["module:nfs"]));
    }

    [Fact]
    public async Task A_module_that_the_machine_does_not_have_or_that_the_server_asks_for_again_is_not_sent()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.End = build => Lacking(bench, build, "nfs");
        var missing = (await bench.FailAsync(2, "patch", bench.Patch("a.patch")))[0];
        Assert.Equal("ELP1011", missing.Code);
        Assert.Contains(
            $"nfs, and /lib/modules/{FakeMachine.Release}/modules.dep lists none",
            missing.Reason,
            StringComparison.Ordinal
        );

        var modules = $"lib/modules/{FakeMachine.Release}";
        bench.Machine.Write($"{modules}/modules.dep", "kernel/nfs.ko:\n");
        bench.Machine.Write($"{modules}/kernel/nfs.ko", "nfs");
        bench.Server.End = build => Lacks(build, "nfs");
        Assert.Equal("ELP0711", (await bench.FailAsync(1, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.Single(bench.Server.Parts);
    }

    [Fact]
    public async Task The_file_of_a_module_that_is_loaded_in_another_build_is_not_sent()
    {
        await using var bench = await PatchBench.StartAsync();
        var file = bench.Scratch.Compile(
            "nfs",
            """
            asm(".section .note.gnu.build-id,\"a\",@note\n.long 4, 4, 3\n.asciz \"GNU\"\n.byte 1,2,3,4\n.previous\n");
            int nfs_module;
            """
        );
        bench.Machine.Write($"lib/modules/{FakeMachine.Release}/modules.dep", "nfs.ko:\n");
        File.Copy(file, bench.Machine.PathOf($"lib/modules/{FakeMachine.Release}/nfs.ko"));
        bench.Machine.Folder("sys/module/nfs/notes");
        await File.WriteAllBytesAsync(
            bench.Machine.PathOf("sys/module/nfs/notes/.note.gnu.build-id"),
            FakeMachine.Note("04030201"),
            TestContext.Current.CancellationToken
        );
        bench.Server.End = build => Lacking(bench, build, "nfs");
        Assert.Equal("ELP1225", (await bench.FailAsync(5, "patch", bench.Patch("a.patch")))[0].Code);
        Assert.Empty(bench.Server.Parts);
    }

    [Fact]
    public async Task The_source_may_be_a_folder()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Missing.Add(new(KernelParts.Source, true, "nothing can be built without it", true));
        var folder = Directory.CreateDirectory(bench.Scratch.PathOf("linux")).FullName;
        Assert.Equal("ELP0951", (await bench.FailAsync(2, "patch", bench.Patch("a.patch"), "--source", folder))[0].Code);
        await File.WriteAllTextAsync(Path.Combine(folder, "Makefile"), "VERSION = 6\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "Kconfig"), "", TestContext.Current.CancellationToken);
        await bench.MustAsync("patch", bench.Patch("a.patch"), "--source", folder);
        Assert.Equal([0x1f, 0x8b], bench.Server.Parts[KernelParts.Source][..2]);
    }

    [Fact]
    public async Task A_second_livepatch_of_one_name_and_other_patches_is_refused()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", "--name", "fix", bench.Patch("a.patch", "one"));
        // The same request again is nothing new.
        await bench.MustAsync("patch", "--name", "fix", bench.Patch("a.patch", "one"));
        Assert.Single(bench.Machine.Loaded);
        var problem = (await bench.FailAsync(2, "patch", "--name", "fix", "--drop", "a.patch", bench.Patch("b.patch", "two")))[0];
        Assert.Equal(("ELP1213", "fix is live"), (problem.Code, problem.Reason));
        Assert.Equal(["fix"], bench.Machine.Live);
        // Without a name, other content makes another name, though the file is called the same: it takes the place of the first.
        await bench.MustAsync("patch", bench.Patch("a.patch", "two"));
        Assert.NotEqual("fix", Assert.Single(bench.Machine.Live));
        Assert.Equal(["a.patch"], bench.LivePatches());
    }

    [Fact]
    public async Task A_part_that_the_operator_does_not_take_is_not_sent()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.Missing.Add(new(KernelParts.Source, true, "it comes from the operator", false));
        Assert.Equal(
            "ELP1013",
            (await bench.FailAsync(4, "patch", bench.Patch("a.patch"), "--source", bench.Scratch.Write("linux.tar", "source")))[
                0
            ].Code
        );
        Assert.Empty(bench.Server.Parts);
    }

    [Fact]
    public async Task Base_patches_of_the_package_manager_are_sent()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.Write("etc/portage/patches/sys-kernel/gentoo-sources/2-b.patch", "b");
        bench.Machine.Write("etc/portage/patches/sys-kernel/gentoo-sources/1-a.patch", "a");
        await bench.MustAsync("patch", bench.Patch("fix.patch"));
        Assert.Equal(["1-a.patch", "2-b.patch"], bench.Server.Submissions[0].BasePatches.Select(p => p.Name));
        await bench.MustAsync("patch", bench.Patch("other.patch"), "--no-base-patches");
        Assert.Empty(bench.Server.Submissions[1].BasePatches);
        await bench.MustAsync("patch", bench.Patch("third.patch"), "--base-patch", bench.Patch("local.patch"));
        Assert.Equal(["local.patch"], bench.Server.Submissions[2].BasePatches.Select(p => p.Name));
    }

    [Fact]
    public async Task The_token_goes_along_from_file_environment_or_settings()
    {
        await using var bench = await PatchBench.StartAsync(trusts: false);
        var seen = new HashSet<string>();
        bench.Server.Instead["GET /api/v1/keys"] = context =>
        {
            seen.Add(context.Request.Headers.Authorization.ToString());
            return bench.Server.HonestAsync(context);
        };
        var pem = bench.Scratch.Write("server.pem", bench.Server.Key.Public.Pem);
        await bench.MustAsync(
            "trust",
            "--server",
            bench.Server.Url,
            "--key",
            pem,
            "--token-file",
            bench.Scratch.Write("kept", "kept-secret\n")
        );
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(bench.Machine.PathOf("var/lib/elivepatch/config.json"))
        );
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var run = bench.Machine.NewSession();
        run.Variables["ELIVEPATCH_TOKEN"] = "from-environment";
        Assert.Equal(0, await run.RunAsync("patch", bench.Patch("b.patch")));
        await bench.MustAsync("patch", bench.Patch("c.patch"), "--token-file", bench.Scratch.Write("given", "from-file"));
        Assert.Equal(["Bearer kept-secret", "Bearer from-environment", "Bearer from-file"], seen);
    }

    [Fact]
    public async Task What_the_server_refuses_is_told_with_its_number()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Server.End = build =>
            build with
            {
                State = BuildState.Refused,
                Problems =
                [
                    new("ELP0403", "an initialiser changed", "weight_p +0x0", "write a callback") { Kind = "refused" },
                    new("ELP7777", "new", "of a newer server", "ask") { Kind = "mismatch" },
                ],
            };
        var problems = await bench.FailAsync(5, "patch", bench.Patch("a.patch"));
        Assert.Equal(["ELP0403", "ELP7777"], problems.Select(p => p.Code));
        Assert.Equal("new", problems[1].Title);
        bench.Server.End = build =>
            build with
            {
                State = BuildState.Refused,
                Problems =
                [
                    new("ELP0403", "new", "of a kind that is not known here", "ask") { Kind = "none" },
                    new("BAD-1", "odd", "r", "ask"),
                ],
            };
        problems = await bench.FailAsync(1, "patch", bench.Patch("a.patch"));
        Assert.Equal(["ELP0403", "ELP1001"], problems.Select(p => p.Code));
        Assert.Equal("BAD-1 odd", problems[1].Title);
        bench.Server.End = build => build with { State = BuildState.Cancelled };
        Assert.Equal("ELP1015", (await bench.FailAsync(75, "patch", bench.Patch("a.patch")))[0].Code);
    }

    [Fact]
    public async Task A_module_that_the_kernel_refuses_is_told_with_what_it_said()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.LoadError = 8;
        var problem = (await bench.FailAsync(4, "patch", bench.Patch("a.patch")))[0];
        Assert.Equal("ELP1203", problem.Code);
        Assert.Contains("errno 8", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("livepatch: it is broken", problem.Reason, StringComparison.Ordinal);
        Assert.Null(bench.Ledger().Wanted);
        bench.Machine.LoadError = 0;
        await bench.MustAsync("patch", bench.Patch("a.patch"));
    }

    [Fact]
    public async Task Without_loading_module_and_manifest_are_written_and_can_be_verified()
    {
        await using var bench = await PatchBench.StartAsync();
        var file = bench.Scratch.PathOf("fix.ko");
        await bench.MustAsync("patch", bench.Patch("a.patch"), "--no-load", "-o", file);
        Assert.Empty(bench.Machine.Loaded);
        var run = await bench.MustAsync("verify", file);
        Assert.Matches(
            $"(?s)fix.ko: can be trusted\n.*patch +a.patch +[0-9a-f]{{64}}\n.*signed by +{bench.Server.Key.Public.Id}\n",
            run.Output
        );
        Assert.Equal("ELP1105", (await bench.FailAsync(4, "verify", file, "--build-id", "00112233445566778899"))[0].Code);
        var other = bench.Scratch.Write("other.pem", Elivepatch.Protocol.Manifests.SigningKey.Create().Public.Pem);
        Assert.Equal("ELP1103", (await bench.FailAsync(4, "verify", file, "--key", other))[0].Code);
        File.AppendAllText(file, "x");
        Assert.Equal("ELP1104", (await bench.FailAsync(4, "verify", file))[0].Code);
        bench.Machine.SetBuildId("00112233445566778899");
        Assert.Equal("ELP1104", (await bench.FailAsync(4, "verify", file))[0].Code);
    }

    [Fact]
    public async Task A_second_command_is_held_off_while_the_first_waits_and_disable_is_not()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.IsStuck = true;
        var first = bench.RunAsync("patch", bench.Patch("a.patch"));
        await Eventually.IsTrueAsync(() => bench.Machine.Loaded.Count == 1);
        Assert.Equal("ELP1209", (await bench.FailAsync(75, "patch", bench.Patch("b.patch")))[0].Code);
        var disabling = bench.RunAsync("disable", bench.Machine.Loaded[0]);
        await Eventually.IsTrueAsync(() =>
            bench.Machine.Access.Files.ReadText($"sys/kernel/livepatch/{bench.Machine.Loaded[0]}/enabled") == "0"
        );
        bench.Machine.IsStuck = false;
        var (status, run) = await disabling;
        Assert.True(status == 0, run.Error);
        Assert.Contains("its transition was reversed", run.Output, StringComparison.Ordinal);
        var (reversed, told) = await first;
        Assert.Equal(4, reversed);
        Assert.Contains("ELP1212", told.Error, StringComparison.Ordinal);
        Assert.Null(bench.Ledger().Wanted);
    }

    [Fact]
    public async Task A_live_patch_that_is_damaged_on_the_disk_can_be_given_again_or_left_out()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        File.AppendAllText(
            bench.Machine.StateFolder.ContentPath(FakeMachine.BuildId, bench.Ledger().Livepatches[0].Patches[0].Sha256),
            "x"
        );
        var problem = (await bench.FailAsync(1, "patch", bench.Patch("b.patch")))[0];
        Assert.Equal("ELP1207", problem.Code);
        Assert.StartsWith("a.patch, which is live: ", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("--drop a.patch", problem.Remedy, StringComparison.Ordinal);
        await bench.MustAsync("patch", bench.Patch("a.patch"), bench.Patch("b.patch"));
        Assert.Equal(["a.patch", "b.patch"], bench.LivePatches());
        // It is whole again.
        await bench.MustAsync("patch", bench.Patch("c.patch"));
        File.AppendAllText(
            bench.Machine.StateFolder.ContentPath(FakeMachine.BuildId, bench.Ledger().Livepatches[0].Patches[0].Sha256),
            "x"
        );
        await bench.MustAsync("patch", "--drop", "a.patch");
        Assert.Equal(["b.patch", "c.patch"], bench.LivePatches());
    }

    [Fact]
    public async Task A_stuck_transition_is_explained()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.IsStuck = true;
        bench.Machine.AddTask(412, "sleepy", 0, "meminfo_proc_show+0x12/0x900", "seq_read+0x1/0x2");
        bench.Machine.AddTask(413, "moved", 1);
        bench.Machine.AddTask(414, "idle", -1);
        var problem = (await bench.FailAsync(75, "patch", bench.Patch("a.patch"), "--transition-limit", "0"))[0];
        Assert.Equal("ELP1204", problem.Code);
        Assert.Contains(
            "task 412 (sleepy)\n  meminfo_proc_show+0x12/0x900\n  seq_read+0x1/0x2",
            problem.Reason,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("moved", problem.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("idle", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("elivepatch disable", problem.Remedy, StringComparison.Ordinal);
        // No other can begin; who blocks it is told before a server is asked.
        var name = bench.Machine.Loaded[0];
        problem = (await bench.FailAsync(75, "patch", bench.Patch("b.patch"), "--transition-limit", "0"))[0];
        Assert.Equal("ELP1204", problem.Code);
        Assert.StartsWith($"{name} is loaded and not yet live for all tasks after 0 s", problem.Reason, StringComparison.Ordinal);
        Assert.Contains("task 412 (sleepy)\n  meminfo_proc_show+0x12/0x900", problem.Reason, StringComparison.Ordinal);
        Assert.Contains(
            $"the same command continues waiting; `elivepatch disable {name}` reverses the transition",
            problem.Remedy,
            StringComparison.Ordinal
        );
        Assert.Single(bench.Server.Submissions);
        // It ends later; the next command knows that it is live.
        bench.Machine.IsStuck = false;
        await Eventually.IsTrueAsync(() => bench.Machine is { IsSettled: true, Live.Count: 1 });
        await bench.MustAsync("patch", bench.Patch("b.patch"));
        Assert.Equal(["a.patch", "b.patch"], bench.LivePatches());
    }

    [Fact]
    public async Task Asked_again_during_a_transition_it_waits_on_and_needs_no_second_build()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.IsStuck = true;
        await bench.FailAsync(75, "patch", bench.Patch("a.patch"), "--transition-limit", "0");
        Assert.Null(bench.Ledger().Wanted);
        var again = bench.RunAsync("patch", bench.Patch("a.patch"));
        bench.Machine.IsStuck = false;
        var (status, run) = await again;
        Assert.True(status == 0, run.Error);
        Assert.Equal($"{bench.Machine.Loaded[0]}: is live already\n  a.patch\n", run.Output);
        Assert.Single(bench.Server.Submissions);
        Assert.NotNull(bench.Ledger().Wanted);
    }

    [Fact]
    public async Task After_a_transition_was_turned_around_the_same_patch_can_be_made_live()
    {
        await using var bench = await PatchBench.StartAsync();
        bench.Machine.IsStuck = true;
        await bench.FailAsync(75, "patch", bench.Patch("a.patch"), "--transition-limit", "0");
        var name = bench.Machine.Loaded[0];
        // It is on its way out, and blocked there as well.
        await bench.FailAsync(75, "disable", name, "--transition-limit", "0");
        var problem = (await bench.FailAsync(75, "patch", bench.Patch("a.patch"), "--transition-limit", "0"))[0];
        Assert.Equal("ELP1204", problem.Code);
        Assert.StartsWith($"{name} is going away", problem.Reason, StringComparison.Ordinal);
        Assert.Contains($"`elivepatch enable {name}`", problem.Remedy, StringComparison.Ordinal);
        bench.Machine.IsStuck = false;
        // The kernel holds its module for a moment after the transition.
        bench.Machine.HeldUnloads = 3;
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Equal([name], bench.Machine.Live);
        Assert.Equal([name, name], bench.Machine.Loaded);
    }

    // A build that succeeds when it is given the modules that it needs, and names one that it lacks.
    private static BuildView Lacking(PatchBench bench, BuildView build, params string[] needed)
    {
        var given = bench.Server.Submissions[int.Parse(build.Id, CultureInfo.InvariantCulture)].Modules.Select(m => m.Name);
        return needed.Except(given).FirstOrDefault() is { } lacking
            ? Lacks(build, lacking)
            : build with
            {
                State = BuildState.Succeeded,
                Tested = true,
            };
    }

    private static BuildView Lacks(BuildView build, string module) =>
        build with
        {
            State = BuildState.Failed,
            Problems =
            [
                new("ELP0711", "the file of a module is missing", module, "Send it.")
                {
                    Kind = "environment",
                    MissingModule = module,
                },
            ],
        };
}
