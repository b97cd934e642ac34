using System.Globalization;

namespace Elivepatch.FixesBench;

/// <summary>What a run is asked for.</summary>
/// <param name="Command">The command <c>elivepatch</c> as users start it.</param>
/// <param name="Repository">Root of the checkout.</param>
internal sealed record FixesOptions(string Command, string Repository)
{
    /// <summary>How to call it.</summary>
    public const string Usage = """
        usage: ./bench --case fixes --from VERSION --to VERSION [--suite SUITE] [--kernel FLAVOUR] [--folders DIR,...] [--only FILE,...]
                       [--modules] [--alone] [--sample N] [--jobs N] [--no-trial] [--state DIR] [--json FILE]

        Makes a fix of every C file that differs between two versions of Debian's package linux-source-X.Y, as in 6.12.111, builds each
        on the stock kernel of the older one, and loads what was built in guests. A fix is the file alone where that compiles, else
        with the changed headers that it includes. Interrupted, it goes on where it stopped; another build of elivepatch begins again.

          --suite SUITE     the Debian suite that has the packages, as in trixie; what apt offers here if left out
          --kernel FLAVOUR  the stock kernel's flavour; cloud-amd64 if left out
          --folders DIR,..  folders of the source; block,crypto,fs,init,io_uring,ipc,kernel,lib,mm,net,security,virt if left out
          --only FILE,..    these files only
          --modules         try files of modules as well
          --alone           only files that compile without a changed header
          --sample N        N files of all, of each folder its share, the same ones each time
          --jobs N          builds at once; 2 if left out
          --no-trial        do not load what was built
          --state DIR       where patches, modules and results are kept; artifacts/fixes/FROM-TO-FLAVOUR if left out
          --json FILE       write everything there as well
        """;

    /// <summary>Folders of the code that every kernel has.</summary>
    private static readonly string[] CoreFolders =
    [
        "block",
        "crypto",
        "fs",
        "init",
        "io_uring",
        "ipc",
        "kernel",
        "lib",
        "mm",
        "net",
        "security",
        "virt",
    ];

    /// <summary>The older version, as in <c>6.12.111</c> or <c>6.12.111-1~deb12u1</c>.</summary>
    public string From { get; private init; } = "";

    /// <summary>The newer version.</summary>
    public string To { get; private init; } = "";

    /// <summary>Flavour of the stock kernel.</summary>
    public string Flavour { get; private init; } = "cloud-amd64";

    /// <summary>Suite of the Debian archive that has the packages; null for what this machine's own sources offer.</summary>
    public string? Suite { get; private init; }

    /// <summary>Folders whose files are taken.</summary>
    public IReadOnlyList<string> Folders { get; private init; } = CoreFolders;

    /// <summary>Files that are taken; all where empty.</summary>
    public IReadOnlyList<string> Only { get; private init; } = [];

    /// <summary>Files that modules are made of are taken as well.</summary>
    public bool WithModules { get; private init; }

    /// <summary>Files that do not compile without changed headers are left out.</summary>
    public bool AloneOnly { get; private init; }

    /// <summary>How many files are taken; null for all.</summary>
    public int? Sample { get; private init; }

    /// <summary>How many builds run at once.</summary>
    public int Jobs { get; private init; } = 2;

    /// <summary>What was built is loaded.</summary>
    public bool WithTrials { get; private init; } = true;

    /// <summary>Where intermediate results are kept; null for the usual place.</summary>
    public string? State { get; private init; }

    /// <summary>Where the result is written as JSON.</summary>
    public string? JsonFile { get; private init; }

    /// <summary>Reads the arguments, or gives null where they make no sense.</summary>
    public static FixesOptions? Parse(string command, string repository, IReadOnlyList<string> words)
    {
        var options = new FixesOptions(command, repository);
        for (var i = 0; i < words.Count; i++)
        {
            switch (words[i])
            {
                case "--modules":
                    options = options with { WithModules = true };
                    continue;
                case "--alone":
                    options = options with { AloneOnly = true };
                    continue;
                case "--no-trial":
                    options = options with { WithTrials = false };
                    continue;
            }

            if (++i >= words.Count || options.With(words[i - 1], words[i]) is not { } changed)
            {
                return null;
            }

            options = changed;
        }

        return options.From.Length > 0 && options.To.Length > 0 ? options : null;
    }

    private FixesOptions? With(string name, string value) =>
        name switch
        {
            "--from" => this with { From = value },
            "--to" => this with { To = value },
            "--kernel" => this with { Flavour = value },
            "--suite" => this with { Suite = value },
            "--folders" => this with { Folders = Words(value) },
            "--only" => this with { Only = Words(value) },
            "--sample" when Number(value) is { } number => this with { Sample = number },
            "--jobs" when Number(value) is { } number => this with { Jobs = number },
            "--state" => this with { State = value },
            "--json" => this with { JsonFile = value },
            _ => null,
        };

    private static string[] Words(string value) =>
        value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static int? Number(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
