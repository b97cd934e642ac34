// The command `elivepatch`. In: words. Out: a result on stdout, progress and problems on stderr, an exit status.

using Elivepatch.Client;

return await CommandLine.RunAsync(args, Session.OfProcess());
