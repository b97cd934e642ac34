using System.Text;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Interfaces;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Tests.Fidelity;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Tests.Interfaces;

/// <summary>A small kernel, linked of the units of a patch and of others, and what the pass says of the patch.</summary>
internal static class Checked
{
    private const string Entry = "int __fentry__(void) { return 0; }\nint helper(int a) { return a + 1; }\n";

    public static IReadOnlyList<Problem> Check(
        string before,
        string after,
        string others = "",
        string exports = "",
        bool hasImage = true
    ) => Check([(before, after)], others, exports, hasImage);

    /// <summary>Checks a patch of several units.</summary>
    /// <param name="units">Each without and with the patch.</param>
    /// <param name="others">A unit that the patch does not touch; it is the first in the kernel.</param>
    /// <param name="exports">Lines of Module.symvers.</param>
    /// <param name="hasImage">False for a kernel of which only the symbols are known.</param>
    /// <param name="statements">What the author states; the units are all <c>unit.c</c>.</param>
    public static IReadOnlyList<Problem> Check(
        (string Before, string After)[] units,
        string others = "",
        string exports = "",
        bool hasImage = true,
        params AuthorStatement[] statements
    )
    {
        var kernel = FakeKernel.Of([Entry, others, .. units.Select(u => u.Before)]);
        return CheckInterfaces.Run(
            [
                .. units.Select(u => new UnitInterface(
                    Patched.Compare(u.Before, u.After, statements),
                    Patched.Value(kernel.Check(u.Before, hasImage))
                )),
            ],
            Patched.Value(ExportedSymbols.Parse(Encoding.ASCII.GetBytes(exports)))
        );
    }

    public static int[] Numbers(this IReadOnlyList<Problem> problems) => [.. problems.Select(p => p.Code.Number)];
}
