// The command `elivepatch-author`, which runs the verbs of `elivepatch` that need the builder. In: words. Out: a result on
// stdout, progress and problems on stderr, an exit status.

using Elivepatch.Author;
using Elivepatch.Terminal;

return await CommandLine.RunAsync(args, Session.OfProcess());
